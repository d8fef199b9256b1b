/** Runs one request for a hostile or broken script with a real runner. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { BOT } from "../../src/git/local-repository.ts";
import { Sandbox } from "../../src/process/sandbox/sandbox.ts";
import { ScriptRunner } from "../../src/process/script-runner.ts";
import type { Ports } from "../../src/engine/ports.ts";
import type { RunnerOptions } from "../../src/engine/runner.ts";
import { makeRepo, temporaryDir, type Repo } from "./temp-repo.ts";
import { environmentOf, run, type Ran } from "./run-runner.ts";

export interface Stage {
  readonly repo: Repo;
  /** A directory outside the worktrees to which scripts write. `$OUT` in a script is its path. */
  readonly outside: string;
  readonly logs: string;
  readonly request: string;
}

/** Allows one attempt, and only `done` as the next state. */
const ONE_TRY = "states:\n  work: { next: done, retries: 0, timeout: 10m }\n";

export interface StageOptions {
  readonly workflow?: string;
  /** Trailers of the request besides its state. */
  readonly trailers?: string;
  readonly files?: Readonly<Record<string, string>>;
}

/** Creates a repository with this script for `work`, and a request for it on the branch `topic`. */
export function makeStage(
  script: string,
  { workflow = ONE_TRY, trailers = "", files }: StageOptions = {},
): Stage {
  const outside = join(temporaryDir(), "outside");
  mkdirSync(outside);
  const text = script.replaceAll("$OUT", outside);
  const repo = makeRepo({
    "states/workflow.yml": workflow,
    "states/work": text.startsWith("#!") ? text : `#!/bin/sh\n${text}\n`,
    "kept.txt": "kept\n",
    ...files,
  });
  repo.git("checkout", "-q", "-b", "topic");
  const request = repo.request(`feat: a thing\n\nPlease.\n\nState: work\n${trailers}`);
  repo.git("checkout", "-q", "main");
  return { repo, outside, logs: join(outside, "../logs"), request };
}

export interface StageRun {
  readonly env?: Readonly<Record<string, string>>;
  readonly options?: Partial<RunnerOptions>;
  readonly change?: (ports: Ports) => Ports;
}

/** Runs until nothing is runnable, with only 300 ms between SIGTERM and SIGKILL. */
export function runStage(
  stage: Stage,
  { env = {}, options, change = (ports) => ports }: StageRun = {},
): Promise<Ran> {
  const scriptEnv = { ...environmentOf(stage.repo), ...env };
  const scripts = new ScriptRunner({
    env: scriptEnv,
    committer: BOT,
    logs: stage.logs,
    cache: join(stage.outside, "../cache"),
    graceMs: 300,
    sandbox: new Sandbox({ env: scriptEnv, hidden: [stage.repo.dir, stage.repo.cache] }),
    onEnd: () => undefined,
  });
  return run(stage.repo, options, (ports) => change({ ...ports, scripts }));
}

/** Reads the head of `topic`, which is the response after a run. */
export function answerOf({ repo }: Stage): {
  state: string;
  answers: string;
  message: string;
  files: string[];
} {
  const field = (key: string) =>
    repo.git("log", "-1", `--format=%(trailers:key=${key},valueonly)`, "topic").trim();
  return {
    state: field("State"),
    answers: field("Answers"),
    message: repo.git("log", "-1", "--format=%B", "topic"),
    files: repo
      .git("ls-tree", "-r", "--name-only", "topic")
      .split("\n")
      .filter((name) => !name.startsWith("states/")),
  };
}

/** The refs under `refs/trailhand/salvage`. */
export const salvages = ({ repo }: Stage): string[] =>
  repo.git("for-each-ref", "--format=%(refname)", "refs/trailhand/salvage").split("\n").filter(Boolean);
