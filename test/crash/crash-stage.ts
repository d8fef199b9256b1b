/** A repository with one request, for one hand-off that is interrupted: local, or with a bare remote. */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const PLACES = ["local", "checked-out", "remote"] as const;
export type Place = (typeof PLACES)[number];

export const WORKS = ["files", "commits"] as const;
export type Work = (typeof WORKS)[number];

export interface CrashStage {
  /** Everything is below this folder. */
  readonly root: string;
  readonly repo: string;
  readonly remote: string;
  readonly cache: string;
  readonly env: Readonly<Record<string, string>>;
  readonly isRemote: boolean;
  readonly work: Work;
}

const SCRIPTS: Readonly<Record<Work, string>> = {
  files: 'echo "$TRAILHAND_RUN" > new.txt\necho changed > kept.txt\n',
  commits:
    'echo "$TRAILHAND_RUN" > new.txt\ngit add new.txt\ngit commit -q -m "the work"\necho changed > kept.txt\n',
};
const WORKFLOW = "states:\n  work: { next: done, retries: 3, backoff: 10ms }\n";

const stageAt = (root: string, place: Place, work: Work): CrashStage => ({
  root,
  repo: join(root, "repo"),
  remote: join(root, "remote.git"),
  cache: join(root, "cache"),
  env: {
    PATH: process.env["PATH"] ?? "",
    HOME: join(root, "home"),
    XDG_CACHE_HOME: join(root, "cache"),
    // The program that is traced must not change its namespaces.
    TRAILHAND_SANDBOX: "off",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_ALLOW_PROTOCOL: "file",
    LC_ALL: "C",
    TZ: "UTC",
  },
  isRemote: place === "remote",
  work,
});

export function git(stage: Pick<CrashStage, "env">, dir: string, ...args: string[]): string {
  return execFileSync("git", args, { cwd: dir, env: stage.env, encoding: "utf8", stdio: "pipe" }).trimEnd();
}

export function makeStage(root: string, place: Place, work: Work): CrashStage {
  const stage = stageAt(root, place, work);
  const { repo, remote } = stage;
  for (const folder of [join(repo, "states"), stage.env["HOME"] ?? ""])
    mkdirSync(folder, { recursive: true });
  git(stage, root, "init", "-q", "-b", "main", repo);
  for (const [key, value] of [
    ["user.name", "Ann Author"],
    ["user.email", "ann@example.com"],
  ] as const)
    git(stage, repo, "config", key, value);
  writeFileSync(join(repo, "states/work"), `#!/bin/sh\nset -e\n${SCRIPTS[work]}`);
  chmodSync(join(repo, "states/work"), 0o755);
  writeFileSync(join(repo, "states/workflow.yml"), WORKFLOW);
  writeFileSync(join(repo, "kept.txt"), "kept\n");
  git(stage, repo, "add", "-A");
  git(stage, repo, "commit", "-q", "-m", "the workflow");
  git(stage, repo, "switch", "-q", "-c", "topic");
  git(stage, repo, "commit", "-q", "--allow-empty", "-m", "feat: a thing\n\nState: work");
  if (place !== "checked-out") git(stage, repo, "switch", "-q", "main");
  if (!stage.isRemote) return stage;
  git(stage, root, "init", "-q", "--bare", "-b", "main", remote);
  git(stage, remote, "config", "core.logAllRefUpdates", "always");
  git(stage, repo, "remote", "add", "origin", remote);
  git(stage, repo, "push", "-q", "origin", "main", "topic");
  return stage;
}

/** The same stage in another folder. */
export function copyStage(stage: CrashStage, root: string, place: Place): CrashStage {
  cpSync(stage.root, root, { recursive: true });
  const copy = stageAt(root, place, stage.work);
  if (copy.isRemote) git(copy, copy.repo, "remote", "set-url", "origin", copy.remote);
  return copy;
}
