/**
 * Writes the files of a trusted commit to folders from which scripts run.
 *
 * Invariants:
 * - The bytes come from git once, and are checked against their ids: a script could overwrite an object file.
 * - Each run gets a copy of its own, so that no run can change the scripts of another.
 */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import type { Git } from "./git.ts";
import { readBlobs } from "./read-blobs.ts";
import type { StateFile } from "./state-files.ts";

/** A file with its bytes. */
export interface LoadedFile {
  readonly path: string;
  readonly executable: boolean;
  readonly bytes: Buffer;
}

/** Throws a UserError when an object does not have the content that its id stands for. */
export async function loadFiles(git: Git, files: readonly StateFile[]): Promise<LoadedFile[]> {
  const contents = await readBlobs(
    git,
    files.map(({ blob }) => blob),
  );
  return files.map(({ path, blob, executable }, at) => {
    const bytes = contents[at] ?? Buffer.alloc(0);
    if (blobId(bytes, blob.length) !== blob) throw new UserError(MESSAGES.brokenObject(blob, path));
    return { path, executable, bytes };
  });
}

/** The id of a blob, in the object format whose ids have this length. */
export const blobId = (bytes: Buffer, idLength: number): string =>
  createHash(idLength === 64 ? "sha256" : "sha1")
    .update(`blob ${bytes.length}\0`)
    .update(bytes)
    .digest("hex");

export function writeFiles(files: readonly LoadedFile[], folder: string): void {
  for (const { path, executable, bytes } of files) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
    chmodSync(file, executable ? 0o555 : 0o444);
  }
}

/** The path of a copy that programs of the runner itself read, below `copies`. Its content is checked each time. */
export function sharedCopy({ path, bytes }: LoadedFile, copies: string): string {
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 40);
  const file = join(copies, `${hash}-${basename(path)}`);
  if (existsSync(file) && readFileSync(file).equals(bytes)) return file;
  mkdirSync(copies, { recursive: true });
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, bytes);
  chmodSync(temporary, 0o444);
  renameSync(temporary, file);
  return file;
}
