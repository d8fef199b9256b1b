/** Runs one attempt of a script, and reads what it left in the person's repository. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { answerOf, runStage, salvages, type Stage } from "./run-hostile-script.ts";
import { git, makeRepo, repoAt, temporaryDir, type Repo } from "./temp-repo.ts";

export interface AttemptEnd extends ReturnType<typeof answerOf> {
  /** The salvage refs. */
  readonly saved: readonly string[];
}

/** Runs all requests; a script may never cause a fault of the runner, nor a second attempt. */
export async function runAttempt(stage: Stage): Promise<AttemptEnd> {
  const { summary, events } = await runStage(stage);
  expect(summary.faultCount, JSON.stringify(events)).toBe(0);
  const answer = answerOf(stage);
  expect(answer.answers, JSON.stringify(events)).toBe(stage.request);
  return { ...answer, saved: salvages(stage) };
}

export async function expectDone(stage: Stage): Promise<AttemptEnd> {
  const end = await runAttempt(stage);
  expect(end.state, end.message).toBe("done");
  return end;
}

export async function expectFailed(stage: Stage, why: string | RegExp): Promise<AttemptEnd> {
  const end = await runAttempt(stage);
  expect(end.state, end.message).toBe("failed");
  expect(end.message).toMatch(why);
  return end;
}

/** The paths in a commit without those of the workflow. */
export const filesIn = (repo: Repo, commit = "none"): string[] =>
  repo
    .git("-c", "core.quotePath=false", "ls-tree", "-r", "--name-only", commit)
    .split("\n")
    .filter((path) => !path.startsWith("states/"));

/** The folders that were moved aside because not all of their files could be committed. */
export function quarantined({ cache }: Repo): string[] {
  const sites = join(cache, "trailhand");
  return readdirSync(sites).flatMap((site) => {
    const folder = join(sites, site, "quarantine");
    return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  });
}

/** Every object of the repository's own store, reachable or not. */
export const objectsOf = (repo: Repo): string[] =>
  repo.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)").split("\n").toSorted();

/** True when some object of the repository, besides scripts, has this text in its content. */
export const isStored = (repo: Repo, text: string): boolean =>
  objectsOf(repo).some((id) => {
    if (repo.git("cat-file", "-t", id) === "tree") return false;
    const content = repo.git("cat-file", "-p", id);
    return !content.startsWith("#!") && content.includes(text);
  });

export interface Upstream {
  readonly dir: string;
  /** A clone of the bare repository `dir`. */
  readonly clone: Repo;
}

/** A bare repository with one commit, for submodules. It sends each of its commits, as GitHub does. */
export function makeUpstream(): Upstream {
  const clone = makeRepo({ "lib.txt": "lib\n" });
  const dir = join(temporaryDir(), "lib.git");
  git(clone.dir, ["clone", "-q", "--bare", clone.dir, dir]);
  for (const setting of ["uploadpack.allowAnySHA1InWant", "uploadpack.allowFilter"])
    repoAt(dir).git("config", setting, "true");
  clone.git("remote", "add", "origin", dir);
  return { dir, clone };
}
