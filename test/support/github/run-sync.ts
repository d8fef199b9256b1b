/** Runs `trailhand github sync` in this process, on a real repository and a fake GitHub. */
import { command, runSync } from "../../../src/cli/commands/github.ts";
import { RequestThrottle } from "../../../src/github/api/request-throttle.ts";
import { openGithub } from "../../../src/server/open-github.ts";
import { callOf } from "../call-command.ts";
import { makeRepo, type Repo } from "../temp-repo.ts";
import { NAME, OWNER, startFakeGitHub, TOKEN, type FakeGitHub } from "../fake-github.ts";

export const ROOT = `/repos/${OWNER}/${NAME}`;
const FILES = {
  "states/work": '#!/bin/sh\n[ "$(git branch --show-current)" = x ] || echo summary=ok >>$TRAILHAND_OUTPUT\n',
  "states/workflow.yml":
    "states:\n  work: { next: review, description: Does the work }\n  review: { human: true, next: done }\n",
};

export interface SyncFixture {
  readonly github: FakeGitHub;
  readonly repo: Repo;
  readonly number: number;
}

/** Opens an issue with a branch and a request. */
export async function makeSyncFixture(files: Record<string, string> = FILES): Promise<SyncFixture> {
  const github = await startFakeGitHub();
  const repo = makeRepo(files);
  const { number } = (await github.as("stranger", "POST", `${ROOT}/issues`, { title: "it breaks" })) as {
    number: number;
  };
  repo.git("switch", "-qc", `trailhand/issue-${number}`);
  repo.request(`fix: it breaks\n\nPlease.\n\nState: work\nEvent: github:${OWNER}/${NAME}:comment:900\n`);
  repo.git("switch", "-q", "main");
  return { github, repo, number };
}

/** Runs the command in this process, which is also the server's process. */
export async function call(
  { github, repo }: SyncFixture,
  env: Record<string, string> = {},
  ...args: string[]
) {
  const said = { out: "", err: "" };
  const terminal = {
    colors: new Proxy({}, { get: () => String }) as never,
    live: false,
    columns: 100,
    print: (text: string) => void (said.out += `${text}\n`),
    say: (text: string) => void (said.err += `${text}\n`),
  };
  const words = ["sync", "--repo", `${OWNER}/${NAME}`, ...args];
  const around = {
    ...process.env,
    XDG_CACHE_HOME: repo.cache,
    GITHUB_API_URL: github.url,
    GITHUB_TOKEN: TOKEN,
    ...env,
  };
  // Waits only advance the clock and take no real time.
  const clock = { now: 1_700_000_000_000 };
  const sleep = (ms: number) => Promise.resolve(void (clock.now += ms));
  const code = await runSync(
    callOf(command, words, repo.dir, { terminal, env: around }),
    (env, repository, log) =>
      openGithub(env, repository, log, { throttle: new RequestThrottle(() => clock.now), sleep }),
  );
  return { code, ...said };
}

export interface Comment {
  readonly id: number;
  readonly body: string;
  readonly user: { readonly login: string };
}
export const comments = ({ github, number }: SyncFixture) =>
  github.as("stranger", "GET", `${ROOT}/issues/${number}/comments`) as Promise<Comment[]>;
export const labels = async ({ github, number }: SyncFixture) =>
  (
    (await github.as("stranger", "GET", `${ROOT}/issues/${number}`)) as { labels: { name: string }[] }
  ).labels.map(({ name }) => name);
