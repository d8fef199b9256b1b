/**
 * Writes the files that prepare a repository, and finds the steps that remain.
 *
 * Invariants:
 * - No existing file is overwritten: where one of the files exists, none is written.
 */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { MESSAGES, shellWord, UserError } from "../core/messages/messages.ts";
import { GitExit, type Git } from "../git/git.ts";
import { packPage, startCommands } from "../templates/packs.ts";
import type { StarterFile } from "../templates/starter.ts";
import type { Workspace } from "./workspace.ts";

/** The top of the worktree. Throws a UserError for a bare repository. */
export async function requireTop({ location }: Workspace): Promise<string> {
  if (location.top === undefined) throw new UserError(MESSAGES.bareRepository());
  return (await location.git.text(["rev-parse", "--show-toplevel"])).trimEnd();
}

/** Writes all of them. Throws a UserError where one exists already, or cannot be written. */
export function writeNewFiles(
  top: string,
  files: readonly StarterFile[],
  onWrite: (path: string) => void,
): void {
  const existing = files.filter(({ path }) => existsSync(join(top, path)));
  if (existing.length > 0)
    throw new UserError(MESSAGES.filesExist(existing.map(({ path }) => path).join(", ")));
  for (const { path, text, executable } of files) {
    try {
      mkdirSync(dirname(join(top, path)), { recursive: true });
      writeFileSync(join(top, path), text, { flag: "wx" });
      if (executable) chmodSync(join(top, path), 0o755);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new UserError(MESSAGES.readOnly(join(top, path), why), { cause: error });
    }
    onWrite(path);
  }
}

/** The commands that remain in this repository: identity, trusted branch, checkout, first run. */
export async function stepsAfterInit(workspace: Workspace, pack: string | undefined): Promise<string[]> {
  const { git, person, config } = workspace.location;
  const current = await currentBranch(git);
  const target = (await trustedBranch(workspace)) ?? current;
  const originHead = await git.run(["rev-parse", "--verify", "--quiet", "refs/remotes/origin/HEAD"], {
    allowedCodes: [1, 128],
  });
  const isTargetClear =
    ["main", "master"].includes(target) || originHead.code === 0 || config.has("trailhand.target");
  return [
    ...(person ? [] : ['git config user.name "Your Name" && git config user.email you@example.com']),
    ...(isTargetClear
      ? []
      : [`git config trailhand.target ${shellWord(target)}     # states are read from this branch`]),
    ...(current === target ? [] : [`git switch ${shellWord(target)}`]),
    `git add states && git commit -m "Add Trailhand's states"     # on ${target}, the trusted branch`,
    // The page begins with init and the commit, which are done or listed above.
    ...(pack === undefined ? FIRST_STEPS : startCommands(packPage(pack)).slice(2)),
  ];
}

const FIRST_STEPS = [
  'trailhand request check --new try-it -m "Try Trailhand"',
  "trailhand run",
  "trailhand log try-it",
];

/** Undefined without a commit, or where no branch qualifies. */
async function trustedBranch(workspace: Workspace): Promise<string | undefined> {
  try {
    return (await workspace.repository.listRefs()).target;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

async function currentBranch(git: Git): Promise<string> {
  try {
    return (await git.text(["symbolic-ref", "--short", "HEAD"])).trim();
  } catch (error) {
    if (error instanceof GitExit) return "main";
    throw error;
  }
}
