/** `trailhand init`: writes states/ with a workflow that works without any AI. */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { EXIT, Fault, typed, words } from "../../core/words.ts";
import { GitExit, type Git } from "../../git/exec.ts";
import type { Site } from "../../site.ts";
import { openSite } from "../../wire.ts";
import type { Run } from "../call.ts";
import { STARTER } from "../starter.ts";

export const run: Run = async ({ input, terminal, env }) => {
  const site = await openSite(input.directory, env);
  const { place } = site;
  const top =
    place.top === undefined ? undefined : (await place.git.text(["rev-parse", "--show-toplevel"])).trimEnd();
  if (top === undefined) throw new Fault(words.bareRepository());
  const existing = STARTER.filter(({ path }) => existsSync(join(top, path)));
  if (existing.length > 0) throw new Fault(words.filesExist(existing.map(({ path }) => path).join(", ")));
  for (const { path, text, executable } of STARTER) {
    try {
      mkdirSync(dirname(join(top, path)), { recursive: true });
      writeFileSync(join(top, path), text, { flag: "wx" });
      if (executable) chmodSync(join(top, path), 0o755);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Fault(words.readOnly(join(top, path), why), { cause: error });
    }
    terminal.print(`wrote ${path}`);
  }
  terminal.say(["", "next:", ...(await stepsAfter(site)).map((line) => `  ${line}`)].join("\n"));
  return EXIT.done;
};

/** What to type next, so that it works here: who, which branch is trusted, where it is checked out. */
async function stepsAfter(site: Site): Promise<string[]> {
  const { git, person, config } = site.place;
  const here = await currentBranch(git);
  const target = (await trustedBranch(site)) ?? here;
  const named = await git.run(["rev-parse", "--verify", "--quiet", "refs/remotes/origin/HEAD"], {
    codes: [1, 128],
  });
  const found = ["main", "master"].includes(target) || named.code === 0 || config.has("trailhand.target");
  return [
    ...(person ? [] : ['git config user.name "Your Name" && git config user.email you@example.com']),
    ...(found ? [] : [`git config trailhand.target ${typed(target)}     # states are read from this branch`]),
    ...(here === target ? [] : [`git switch ${typed(target)}`]),
    `git add states && git commit -m "Add Trailhand's states"     # on ${target}, the trusted branch`,
    'trailhand request check --new try-it -m "Try Trailhand"',
    "trailhand run",
    "trailhand log try-it",
  ];
}

/** Undefined where there is no commit yet, or no branch that stands out. */
async function trustedBranch(site: Site): Promise<string | undefined> {
  try {
    return (await site.repository.look()).target;
  } catch (error) {
    if (error instanceof Fault) return undefined;
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
