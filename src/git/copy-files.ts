/** Copies the files of a trusted commit to a read-only folder, from which scripts run. */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Git } from "./git.ts";
import { readBlobs } from "./read-blobs.ts";
import type { StateFile } from "./state-files.ts";

/**
 * Returns the folder with the files, below `copies`. Its name is a hash of its content, so it never changes.
 * It is written completely or not at all, without git's filters.
 */
export async function copyFiles(git: Git, files: readonly StateFile[], copies: string): Promise<string> {
  const list = files.map(({ path, blob, executable }) => `${blob} ${executable} ${path}`).join("\n");
  const folder = join(copies, createHash("sha256").update(list).digest("hex").slice(0, 40));
  if (existsSync(folder)) return folder;
  mkdirSync(copies, { recursive: true });
  const temporary = mkdtempSync(`${folder}.`);
  const contents = await readBlobs(
    git,
    files.map(({ blob }) => blob),
  );
  for (const [at, file] of files.entries()) {
    const path = join(temporary, file.path);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contents[at] ?? "");
    chmodSync(path, file.executable ? 0o555 : 0o444);
  }
  try {
    renameSync(temporary, folder);
  } catch (error) {
    // Another runner has written the same files in the meantime.
    if (!existsSync(folder)) throw error;
    rmSync(temporary, { recursive: true, force: true });
  }
  return folder;
}
