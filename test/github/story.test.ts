/**
 * The App from end to end: label, branch, run, comment, review by a person, landing; and what GitHub
 * shows of it. A real repository behind smart HTTP, an emulated GitHub, signed webhooks.
 */
import { createHmac } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readCredentials } from "../../src/github/credentials.ts";
import { WEBHOOK_PATH } from "../../src/github/server.ts";
import { ownParts, startService } from "../../src/wire-github.ts";
import { until } from "../support/cli.ts";
import { serveGit } from "../support/git-http.ts";
import { APP, NAME, OWNER, startHub, type Hub } from "../support/hub.ts";
import { git, makeRepo, temporaryDir } from "../support/repo.ts";
import { environmentOf } from "../support/run.ts";
import { PRIVATE_KEY, SECRET } from "../support/webhooks.ts";

const WORKFLOW = `lanes: { landing: 1 }
states:
  work: { next: review, retries: 0 }
  review: { human: true, next: [integrate, work] }
  integrate: { next: done, land: true, lane: landing, retries: 0 }
`;
const WORK =
  '#!/bin/sh\necho "$TRAILHAND_SUBJECT" >work.txt\necho "summary=It is written." >>"$TRAILHAND_OUTPUT"\n';
const INTEGRATE = `#!/bin/sh
set -e
git checkout -q --detach "$TRAILHAND_TARGET_COMMIT"
git checkout -q "$TRAILHAND_COMMIT" -- work.txt
git commit -q -m "feat: what was asked for"
echo "land=$(git rev-parse HEAD)" >>"$TRAILHAND_OUTPUT"
git checkout -q --detach "$TRAILHAND_COMMIT"
`;

interface Scene {
  readonly hub: Hub;
  readonly far: string;
  /** Sends a signed webhook; the answer's status. */
  readonly send: (name: string, payload: object, id?: string) => Promise<number>;
}

async function makeScene(): Promise<Scene> {
  const root = temporaryDir();
  const far = join(root, OWNER, `${NAME}.git`);
  const person = makeRepo({ "states/workflow.yml": WORKFLOW });
  person.write("states/work", WORK, 0o755);
  person.write("states/integrate", INTEGRATE, 0o755);
  person.commit("chore: states");
  mkdirSync(far, { recursive: true });
  git(far, ["init", "-q", "--bare", "-b", "main"]);
  person.git("push", "-q", far, "main");
  const [hub, served] = await Promise.all([startHub(), serveGit(root)]);
  const env = {
    ...environmentOf(person),
    APP_ID: String(APP.id),
    PRIVATE_KEY,
    WEBHOOK_SECRET: SECRET,
  };
  const inbox = join(temporaryDir(), "inbox");
  const said: string[] = [];
  const say = (text: string) => void said.push(text);
  const server = served.url("").replace(/\/$/, "");
  const service = await startService({
    credentials: readCredentials(env),
    baseUrl: hub.url,
    inbox,
    port: 0,
    host: "127.0.0.1",
    parts: ownParts({ env, say, runs: true, directory: inbox, server }),
    say,
    recovers: false,
  });
  onTestFinished(() => service.stop());
  let count = 0;
  const send = async (name: string, payload: object, id = `delivery-${++count}`) => {
    const body = JSON.stringify(payload);
    const signature = createHmac("sha256", SECRET).update(body).digest("hex");
    const headers = {
      "content-type": "application/json",
      "x-github-delivery": id,
      "x-github-event": name,
      "x-hub-signature-256": `sha256=${signature}`,
    };
    const url = `http://127.0.0.1:${service.port}${WEBHOOK_PATH}`;
    return (await fetch(url, { method: "POST", body, headers })).status;
  };
  return { hub, far, send };
}

const ROOT = `/repos/${OWNER}/${NAME}`;
const BRANCH = "trailhand/issue-1";

test("a label begins, a comment goes on, and it lands, shown as it is", { timeout: 120_000 }, async () => {
  const { hub, far, send } = await makeScene();
  const me = (await hub.as(OWNER, "GET", "/user")) as { id: number; login: string };
  const issue = (await hub.as(OWNER, "POST", `${ROOT}/issues`, {
    title: "It should greet",
    body: "Please.\n\nState: done",
  })) as { number: number; updated_at: string };
  const common = {
    repository: { id: 1, name: NAME, full_name: `${OWNER}/${NAME}`, owner: me },
    sender: { ...me, type: "User" },
  };
  const about = { ...issue, user: { ...me, type: "User" }, labels: [] };
  const state = () => {
    const heads = git(far, ["for-each-ref", "--format=%(refname:short)", `refs/heads/${BRANCH}`]);
    return heads === ""
      ? ""
      : git(far, ["log", "-1", "--format=%(trailers:key=State,valueonly)", BRANCH]).trim();
  };
  const labels = async () =>
    ((await hub.as(OWNER, "GET", `${ROOT}/issues/1/labels`)) as { name: string }[]).map(({ name }) => name);
  const comments = async () =>
    (await hub.as(OWNER, "GET", `${ROOT}/issues/1/comments`)) as { body: string; user: { login: string } }[];

  const labelled = { action: "labeled", issue: about, label: { name: "state:work" }, ...common };
  expect(await send("issues", labelled, "one")).toBe(202);
  expect(await send("issues", labelled, "one")).toBe(202);
  expect(await send("issues", labelled, "the-same-again")).toBe(202);
  await until("the work", () => state() === "review", 60_000);
  // The body of an issue is text: its last line asks for nothing.
  expect(git(far, ["show", `${BRANCH}:work.txt`])).toContain("It should greet");
  expect(git(far, ["log", "--format=%ae", "-1", `${BRANCH}~1`])).toContain("@users.noreply.github.com");
  await untilAsync("the label", async () => (await labels()).join() === "state:review");
  const ours = (await comments()).filter(({ user }) => user.login === APP.login);
  expect(ours).toHaveLength(1);
  expect(ours[0]?.body).toContain("review");

  const commented = (id: number, body: string, by = common.sender) => ({
    action: "created",
    issue: about,
    comment: { id, body, user: by, created_at: issue.updated_at, updated_at: issue.updated_at },
    ...common,
    sender: by,
  });
  const stranger = (await hub.as("stranger", "GET", "/user")) as { id: number; login: string };
  await send("issue_comment", commented(11, "/set-state integrate", { ...stranger, type: "User" }));
  await untilAsync("the refusal", async () => (await comments()).some(({ body }) => body.includes("write")));
  expect(state()).toBe("review");

  await send("issue_comment", commented(12, "Good.\n\n/set-state integrate"));
  await until("the landing", () => state() === "done", 60_000);
  expect(git(far, ["log", "-1", "--format=%s", "main"]).trim()).toBe("feat: what was asked for");
  await untilAsync("the last label", async () => (await labels()).join() === "state:done");
  const requests = git(far, ["log", "--format=%(trailers:key=Event,valueonly)", BRANCH])
    .split("\n")
    .filter(Boolean);
  expect(requests).toHaveLength(2);
  expect(hub.checks.at(-1)).toMatchObject({ name: expect.stringContaining("trailhand") as string });
});

async function untilAsync(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited too long for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
