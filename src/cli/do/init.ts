/**
 * `trailhand init`: writes states/ with a workflow that works without any AI, or with that of a pack;
 * or the workflow of GitHub Actions.
 *
 * What must hold: nothing that exists is overwritten, and then nothing is written at all.
 */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { EXIT_CODE, UserError, shellWord, MESSAGES } from "../../core/messages/messages.ts";
import { GitExit, type Git } from "../../git/git.ts";
import type { Workspace } from "../../app/workspace.ts";
import { openWorkspace } from "../../app/open-workspace.ts";
import type { CommandRun } from "../call.ts";
import { packFiles, packPage, startCommands } from "../../templates/packs.ts";
import { actionsFile, readUses, stepsOnGitHub } from "../../templates/github.ts";
import { STARTER, type StarterFile } from "../../templates/starter.ts";

export const run: CommandRun = async ({ input, terminal, env }) => {
  const pack = input.value("pack");
  const github = input.has("github");
  if (github && pack !== undefined) throw new UserError(MESSAGES.conflict("init", "github", "pack"));
  const action = readUses(input.value("uses"));
  if (action.known && !github) throw new UserError(MESSAGES.usesAlone());
  const files = github ? [actionsFile(action.uses)] : pack === undefined ? STARTER : packFiles(pack);
  const site = await openWorkspace(input.directory, env);
  const top = await requireTop(site);
  write(top, files, (text) => terminal.print(text));
  const steps = github ? stepsOnGitHub(top, action.known) : await stepsAfter(site, pack);
  terminal.say(["", "next:", ...steps.map((line) => `  ${line}`)].join("\n"));
  return EXIT_CODE.done;
};

async function requireTop({ location }: Workspace): Promise<string> {
  const top =
    location.top === undefined
      ? undefined
      : (await location.git.text(["rev-parse", "--show-toplevel"])).trimEnd();
  if (top === undefined) throw new UserError(MESSAGES.bareRepository());
  return top;
}

/** All of them, or none where one is there already. */
function write(top: string, files: readonly StarterFile[], print: (text: string) => void): void {
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
    print(`wrote ${path}`);
  }
}

/** What to type next, so that it works here: who, which branch is trusted, where it is checked out. */
async function stepsAfter(site: Workspace, pack: string | undefined): Promise<string[]> {
  const { git, person, config } = site.location;
  const here = await currentBranch(git);
  const target = (await trustedBranch(site)) ?? here;
  const named = await git.run(["rev-parse", "--verify", "--quiet", "refs/remotes/origin/HEAD"], {
    allowedCodes: [1, 128],
  });
  const found = ["main", "master"].includes(target) || named.code === 0 || config.has("trailhand.target");
  return [
    ...(person ? [] : ['git config user.name "Your Name" && git config user.email you@example.com']),
    ...(found
      ? []
      : [`git config trailhand.target ${shellWord(target)}     # states are read from this branch`]),
    ...(here === target ? [] : [`git switch ${shellWord(target)}`]),
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

/** Undefined where there is no commit yet, or no branch that stands out. */
async function trustedBranch(site: Workspace): Promise<string | undefined> {
  try {
    return (await site.repository.listRefs()).target;
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
