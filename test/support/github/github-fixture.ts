/**
 * Runs the App on a real repository behind smart HTTP, with a fake GitHub and signed webhooks.
 */
import { createHmac } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { readCredentials } from "../../../src/github/api/credentials.ts";
import { RequestThrottle } from "../../../src/github/api/request-throttle.ts";
import { WEBHOOK_PATH } from "../../../src/github/webhooks/http-server.ts";
import { startService } from "../../../src/server/service.ts";
import { createServiceParts } from "../../../src/server/service-parts.ts";
import { cliStart, listen } from "../run-cli.ts";
import { serveGit, type GitHttp } from "../git-http.ts";
import { APP, NAME, OWNER, startFakeGitHub, type FakeGitHub } from "../fake-github.ts";
import { git, temporaryDir, type Repo } from "../temp-repo.ts";
import { environmentOf } from "../run-runner.ts";
import { reportPushes, type Pushing } from "./push-webhooks.ts";
import { PRIVATE_KEY, SECRET } from "../webhooks.ts";
import { until } from "../until.ts";

export const ROOT = `/repos/${OWNER}/${NAME}`;

export interface GitHubFixture {
  readonly github: FakeGitHub;
  /** The bare repository. */
  readonly far: string;
  /** The account that owns it. */
  readonly owner: Account;
  /** Sends a signed webhook. Resolves with the status of the response. */
  readonly send: (name: string, payload: object, id?: string) => Promise<number>;
}

export interface Account {
  readonly id: number;
  readonly login: string;
}

/** Creates octo/shop on a fake GitHub and its git server, with the trusted branch of `person`. */
async function host(person: Repo) {
  const root = temporaryDir();
  const far = join(root, OWNER, `${NAME}.git`);
  mkdirSync(far, { recursive: true });
  git(far, ["init", "-q", "--bare", "-b", "main"]);
  person.git("push", "-q", far, "main");
  const [github, served] = await Promise.all([startFakeGitHub(), serveGit(root, undefined, () => APP.login)]);
  const owner = (await github.as(OWNER, "GET", "/user")) as Account;
  return { github, far, served, server: served.url("").replace(/\/$/, ""), owner };
}

const CREDENTIALS = { APP_ID: String(APP.id), PRIVATE_KEY, WEBHOOK_SECRET: SECRET };

/** Sends signed webhooks to an address. */
function sendTo(url: string): GitHubFixture["send"] {
  let count = 0;
  return async (name, payload, id = `delivery-${++count}`) => {
    const body = JSON.stringify(payload);
    const signature = createHmac("sha256", SECRET).update(body).digest("hex");
    const headers = {
      "content-type": "application/json",
      "x-github-delivery": id,
      "x-github-event": name,
      "x-hub-signature-256": `sha256=${signature}`,
    };
    return (await fetch(url, { method: "POST", body, headers })).status;
  };
}

interface Served extends GitHubFixture {
  readonly said: readonly string[];
  readonly pushing: Pushing;
  /** The git server, and its address. */
  readonly served: GitHttp;
  readonly server: string;
  readonly stop: () => Promise<void>;
}

/** Serves octo/shop with the App until the test ends. Its trusted branch comes from `person`. */
export async function serveApp(
  person: Repo,
  how: { readonly signed?: boolean; readonly shouldRun?: boolean } = {},
): Promise<Served> {
  const hosted = await host(person);
  const { github, far, server } = hosted;
  const env = { ...environmentOf(person), ...CREDENTIALS };
  const inbox = join(temporaryDir(), "inbox");
  const said: string[] = [];
  const say = (text: string) => void said.push(text);
  // Waits are tested in test/integration/github/request-throttle.test.ts.
  const pace = () => new RequestThrottle(Date.now, { writeMs: 50 });
  const service = await startService({
    credentials: readCredentials(env),
    baseUrl: github.url,
    inbox,
    port: 0,
    host: "127.0.0.1",
    parts: createServiceParts({
      env,
      log: say,
      shouldRun: true,
      directory: inbox,
      server,
      createThrottle: pace,
      ...how,
    }),
    log: say,
  });
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= service.stop());
  onTestFinished(stop);
  const send = sendTo(`http://127.0.0.1:${service.port}${WEBHOOK_PATH}`);
  const pushing = await reportPushes({ github, far, person }, send);
  return { ...hosted, send, said, pushing, stop };
}

interface Program extends GitHubFixture {
  readonly said: () => string;
  /** Stops the program. Resolves with its exit code. */
  readonly stop: () => Promise<number | null>;
}

/** Serves octo/shop with the program `trailhand serve`. */
export async function startApp(person: Repo, ...options: readonly string[]): Promise<Program> {
  const hosted = await host(person);
  const env = {
    ...CREDENTIALS,
    GITHUB_API_URL: hosted.github.url,
    GITHUB_SERVER_URL: hosted.server,
    XDG_STATE_HOME: temporaryDir(),
    XDG_CACHE_HOME: person.cache,
  };
  const { child, said, exited } = listen(cliStart(person, env, "serve", "--port", "0", ...options));
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await exited;
  });
  let url = "";
  child.stdout?.on("data", (chunk: Buffer) => (url += chunk.toString()));
  await until("it listens", () => url.includes("\n"));
  const stop = () => {
    child.kill("SIGTERM");
    return exited;
  };
  return { ...hosted, send: sendTo(url.trim()), said, stop };
}

/** The common part of every event of the repository. */
export const eventBy = (owner: Account, by: Account = owner): object => ({
  repository: { id: 1, name: NAME, full_name: `${OWNER}/${NAME}`, owner },
  sender: { ...by, type: "User" },
});

export interface Issue {
  readonly number: number;
  readonly updated_at: string;
  readonly user: object;
  readonly labels: readonly object[];
}

/** Opens an issue. */
export async function openIssue(
  { github, owner }: GitHubFixture,
  title: string,
  body: string,
): Promise<Issue> {
  const made = (await github.as(OWNER, "POST", `${ROOT}/issues`, { title, body })) as Issue;
  return { ...made, user: { ...owner, type: "User" }, labels: [] };
}

/** The names of an issue's labels. */
export async function labelsOf({ github }: GitHubFixture, number: number): Promise<string[]> {
  const found = (await github.as(OWNER, "GET", `${ROOT}/issues/${number}/labels`)) as { name: string }[];
  return found.map(({ name }) => name);
}

/** The comments of an issue. */
export async function commentsOf(
  { github }: GitHubFixture,
  number: number,
): Promise<{ body: string; by: string }[]> {
  const path = `${ROOT}/issues/${number}/comments`;
  const found = (await github.as(OWNER, "GET", path)) as { body: string; user: Account }[];
  return found.map(({ body, user }) => ({ body, by: user.login }));
}

/** The state of a branch; empty when there is no such branch. */
export function stateOn({ far }: GitHubFixture, branch: string): string {
  const heads = git(far, ["for-each-ref", "--format=%(refname:short)", `refs/heads/${branch}`]);
  if (!heads.split("\n").includes(branch)) return "";
  return git(far, ["log", "-1", "--format=%(trailers:key=State,valueonly)", branch]).trim();
}

/** A state script that lands `work.txt` as a new commit. */
export const INTEGRATE = `#!/bin/sh
set -e
git checkout -q --detach "$TRAILHAND_TARGET_COMMIT"
git checkout -q "$TRAILHAND_COMMIT" -- work.txt
git commit -q -m "feat: what was asked for"
echo "land=$(git rev-parse HEAD)" >>"$TRAILHAND_OUTPUT"
git checkout -q --detach "$TRAILHAND_COMMIT"
`;
