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
import type { Attempt, AttemptGits } from "./attempt.ts";
import { rawCommitProblem } from "./filtered-files.ts";
import { takeLfsObjects } from "./lfs-objects.ts";
import { listEachChange, type OwnChange } from "./own-changes.ts";

/** The order in which git expects the files of a pack to appear: the index makes the others visible. */
const VISIBLE_LAST = [".pack", ".rev", ".idx"];

/** Commits that must not be published, or whose content is elsewhere and would be gone. */
export class BarredCommit extends Error {
  constructor(why: string) {
    super(why);
    this.name = "BarredCommit";
  }
}

/**
 * Imports commits that are on top of `base`; undefined: they may have nothing in common with the trusted
 * repository. Throws GitExit when they are broken, incomplete, or not there at all; BarredCommit too.
 */
export async function importCommits(
  { folder: attemptFolder, gits, record: { brought = [] } }: Attempt,
  heads: readonly Sha[],
  base: Sha | undefined,
): Promise<void> {
  const { own, objects, trusted, commonDir } = gits;
  const store = join(attemptFolder.folder, "import");
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
  const onTree = trusted.with({ env: { GIT_OBJECT_DIRECTORY: store } });
  const problem =
    (await rawCommitProblem(gits, onTree, await changesUnderDrivers(gits, quarantine, heads, base))) ??
    (await takeLfsObjects(quarantine, gits.lfs, attemptFolder, heads, base));
  if (problem !== undefined) throw new BarredCommit(problem);
  moveInto(join(commonDir, "objects/pack"), join(store, "pack"));
  rmSync(store, { recursive: true, force: true });
}

/** What the commits changed, where the configuration has a driver at all. */
const changesUnderDrivers = (
  { drivers }: AttemptGits,
  quarantine: BoundedGit,
  heads: readonly Sha[],
  base: Sha | undefined,
): Promise<OwnChange[]> =>
  drivers.length === 0 ? Promise.resolve([]) : listEachChange(quarantine, heads, base);

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
  if (found) {
    const { path } = found;
    throw new BarredCommit(
      `its commits hold ${path}, which was brought from the person and must not be published`,
    );
  }
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
