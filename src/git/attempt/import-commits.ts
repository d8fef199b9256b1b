/**
 * Brings commits of an attempt into the trusted repository.
 *
 * Invariants:
 * - They come as a pack, checked object by object, into a store of their own. The trusted store gets them
 *   only once everything that they name is there.
 */
import {
  closeSync,
  copyFileSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import type { Sha } from "../../core/protocol/ids.ts";
import type { BoundedGit } from "../bounded-git.ts";
import { GIT_LIMITS } from "../timing.ts";
import type { AttemptFolder, BroughtFile } from "./attempt-folder.ts";

/** The order in which git expects the files of a pack to appear: the index makes the others visible. */
const VISIBLE_LAST = [".pack", ".rev", ".idx"];

export interface ImportedCommits {
  readonly heads: readonly Sha[];
  /** What the trusted repository has already. */
  readonly base: Sha | undefined;
  /** Files that no commit may hold. */
  readonly brought?: readonly BroughtFile[] | undefined;
}

/** A commit holds a file that was brought from the person. */
export class BroughtFileCommitted extends Error {
  constructor(path: string) {
    super(`its commits hold ${path}, which was brought from the person and must not be published`);
    this.name = "BroughtFileCommitted";
  }
}

/** Throws GitExit when the commits are broken, incomplete, or not there at all; BroughtFileCommitted too. */
export async function importCommits(
  own: BoundedGit,
  trusted: BoundedGit,
  { folder }: Pick<AttemptFolder, "folder">,
  commonDir: string,
  { heads, base, brought = [] }: ImportedCommits,
): Promise<void> {
  const store = join(folder, "import");
  rmSync(store, { recursive: true, force: true });
  mkdirSync(join(store, "pack"), { recursive: true });
  mkdirSync(join(store, "info"));
  writeFileSync(join(store, "info/alternates"), `${join(commonDir, "objects")}\n`);
  const quarantine = trusted.with({ env: { GIT_OBJECT_DIRECTORY: store } });
  const revisions = [...heads, ...(base === undefined ? [] : [`^${base}`]), ""].join("\n");
  await own.pipe(
    ["pack-objects", "--revs", "--thin", "--stdout", "-q", "--delta-base-offset"],
    revisions,
    quarantine,
    ["index-pack", "--stdin", "--fix-thin", "--strict", `--max-input-size=${GIT_LIMITS.packBytes}`],
  );
  await quarantine.run(["rev-list", "--objects", "--quiet", "--stdin"], { stdin: revisions });
  await requireUnbrought(quarantine, revisions, brought);
  moveInto(join(commonDir, "objects/pack"), join(store, "pack"));
  rmSync(store, { recursive: true, force: true });
}

/** Objects of trusted refs do not count, because others have them already. */
async function requireUnbrought(
  quarantine: BoundedGit,
  revisions: string,
  brought: readonly BroughtFile[],
): Promise<void> {
  if (brought.length === 0) return;
  const args = ["rev-list", "--objects", "--stdin", "--not", "--branches", "--tags", "--remotes"];
  const lines = (await quarantine.text(args, { stdin: revisions })).split("\n");
  const held = new Set(
    lines.flatMap((line) => [line.split(" ", 1)[0] ?? "", line.slice(line.indexOf(" ") + 1)]),
  );
  const found = brought.find(({ id, path, size }) => (size > 0 && held.has(id)) || held.has(path));
  if (found) throw new BroughtFileCommitted(found.path);
}

function moveInto(target: string, source: string): void {
  mkdirSync(target, { recursive: true });
  const rank = (name: string) => VISIBLE_LAST.findIndex((end) => name.endsWith(end));
  const names = readdirSync(source).filter((name) => rank(name) >= 0);
  for (const name of names.toSorted((a, b) => rank(a) - rank(b)))
    move(join(source, name), join(target, name));
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    // Another disk: the copy appears complete, and after a power cut it is complete too.
    const temporary = join(to, "..", `tmp_${basename(to)}`);
    copyFileSync(from, temporary);
    const file = openSync(temporary, "r");
    fsyncSync(file);
    closeSync(file);
    renameSync(temporary, to);
  }
}
