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
import type { BroughtFile } from "./attempt-folder.ts";
import type { Attempt } from "./attempt.ts";

/** The order in which git expects the files of a pack to appear: the index makes the others visible. */
const VISIBLE_LAST = [".pack", ".rev", ".idx"];

/** A commit holds a file that was brought from the person. */
export class BroughtFileCommitted extends Error {
  constructor(path: string) {
    super(`its commits hold ${path}, which was brought from the person and must not be published`);
    this.name = "BroughtFileCommitted";
  }
}

/**
 * Imports commits that are on top of `base`; undefined: they may have nothing in common with the trusted
 * repository. Throws GitExit when they are broken, incomplete, or not there at all; BroughtFileCommitted too.
 */
export async function importCommits(
  { folder: { folder }, gits: { own, objects, commonDir }, record: { brought = [] } }: Attempt,
  heads: readonly Sha[],
  base: Sha | undefined,
): Promise<void> {
  const store = join(folder, "import");
  rmSync(store, { recursive: true, force: true });
  mkdirSync(join(store, "pack"), { recursive: true });
  mkdirSync(join(store, "info"));
  writeFileSync(join(store, "info/alternates"), `${join(commonDir, "objects")}\n`);
  const quarantine = objects.with({ env: { GIT_OBJECT_DIRECTORY: store } });
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
