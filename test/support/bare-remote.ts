/**
 * A bare remote, a person's clone of it, and runners that share it like separate machines.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Runner, type RunnerOptions } from "../../src/engine/runner.ts";
import type { RunnerEvent, Ports } from "../../src/engine/ports.ts";
import type { Workspace } from "../../src/app/workspace.ts";
import { openWorkspace } from "../../src/app/open-workspace.ts";
import { createRunner } from "../../src/app/create-runner.ts";
import { git, makeRepo, repoAt, temporaryDir, type Repo } from "./temp-repo.ts";
import { plainOptions, type Ran } from "./run-runner.ts";

export interface Stage {
  /** The bare repository. */
  readonly remote: Repo;
  /** A person's clone, with the remote as `origin`. */
  readonly person: Repo;
  /** A directory outside the worktrees to which scripts write. `$OUT` in a script is its path. */
  readonly outside: string;
  /** The environment of a machine, with a separate cache. */
  machine(name: string): Record<string, string | undefined>;
}

/** Creates a remote with these files on `main`. */
export function makeRemote(files: Readonly<Record<string, string>>): Stage {
  const outside = join(temporaryDir(), "outside");
  mkdirSync(outside);
  const told = Object.entries(files).map(([path, text]) => [path, text.replaceAll("$OUT", outside)]);
  const person = makeRepo(Object.fromEntries(told) as Record<string, string>);
  const dir = `${person.dir}-remote.git`;
  git(person.dir, ["init", "-q", "--bare", "--template=", "-b", "main", dir]);
  git(dir, ["config", "core.logAllRefUpdates", "always"]);
  person.git("remote", "add", "origin", dir);
  person.git("push", "-q", "origin", "main");
  return {
    remote: repoAt(dir),
    person,
    outside,
    machine: (name) => ({ ...process.env, XDG_CACHE_HOME: `${person.dir}.cache-${name}` }),
  };
}

/** Pushes a request on a new branch; returns its commit. */
export function ask({ person, remote }: Stage, branch: string, message: string): string {
  person.git("checkout", "-q", "-B", branch, "main");
  // Two requests with the same message in the same second would be the same commit.
  const commit = person.request(message.replace("Please.", `Please, on ${branch}.`));
  person.git("push", "-q", remote.dir, branch);
  person.git("checkout", "-q", "main");
  return commit;
}

export const remoteOptions: RunnerOptions = {
  ...plainOptions,
  shared: true,
  pollInterval: { shortestMs: 50, longestMs: 200 },
};

export interface RemoteRunner {
  readonly runner: Runner;
  readonly events: readonly RunnerEvent[];
  readonly site: Workspace;
  /** Runs until the runner exits, then disposes of its resources. */
  readonly run: () => Promise<Ran>;
}

/** Creates a runner on a machine. `change` may replace ports. */
export async function makeRunner(
  stage: Stage,
  machine: string,
  options: Partial<RunnerOptions> = {},
  change: (ports: Ports) => Ports = (ports) => ports,
): Promise<RemoteRunner> {
  const env = stage.machine(machine);
  const events: RunnerEvent[] = [];
  const site = await openWorkspace(stage.person.dir, env, { remote: "origin" });
  const { ports, dispose } = createRunner(site, env, (event) => events.push(event));
  const runner = new Runner(change(ports), { ...remoteOptions, ...options });
  const run = async () => {
    const summary = await runner.run();
    await dispose();
    return { summary, events };
  };
  return { runner, events, site, run };
}

/** The value of a trailer of a branch's head at the remote. */
export const trailerOf = ({ remote }: Stage, branch: string, key: string): string =>
  remote.git("log", "-1", `--format=%(trailers:key=${key},valueonly)`, branch).trim();

/** Names of side refs at the remote. */
export const sideRefs = ({ remote }: Stage, kind = ""): string[] =>
  remote.git("for-each-ref", "--format=%(refname)", `refs/trailhand/${kind}`).split("\n").filter(Boolean);

/** The number of responses to a request among all commits that any ref ever pointed to. */
export function answersTo({ remote }: Stage, request: string): number {
  const found = remote.git("log", "--all", "--reflog", "--format=%(trailers:key=Answers,valueonly)");
  return found.split("\n").filter((line) => line === request).length;
}
