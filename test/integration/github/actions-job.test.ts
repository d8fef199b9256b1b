/**
 * Runs jobs of GitHub Actions end to end: an event, a real repository behind smart HTTP that requires
 * the job's token, and the results.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import examples from "@octokit/webhooks-examples" with { type: "json" };
import { expect, test } from "vitest";
import { command, runAction } from "../../../src/cli/commands/action.ts";
import { RequestThrottle } from "../../../src/github/api/request-throttle.ts";
import { mentionsIn } from "../../../src/github/display/mention-comment.ts";
import { callOf, terminalTo } from "../../support/call-command.ts";
import { errorOf } from "../../support/remote-workspace.ts";
import { serveGit, type GitHttp } from "../../support/git-http.ts";
import { NAME, OWNER, startFakeGitHub, TOKEN, type FakeGitHub } from "../../support/fake-github.ts";
import { TestSigner } from "../../support/fake-signer.ts";
import { git, makeRepo, repoAt, temporaryDir, type Repo } from "../../support/temp-repo.ts";

const WORK = '#!/bin/sh\nenv >"$OUT"\necho "summary=Done by the script." >>"$TRAILHAND_OUTPUT"\n';
const WORKFLOW = `states:
  work: { next: look, retries: 0, env: [GITHUB_TOKEN, GIT_CONFIG_VALUE_0, ACTIONS_RUNTIME_TOKEN, AGENT_KEY] }
  look: { human: true, next: [done, work] }
`;

/** A bare repository, its API, the report of a script, and additional variables of jobs. */
interface GitHubFixture {
  readonly far: Repo;
  readonly github: FakeGitHub;
  readonly served: GitHttp;
  readonly told: string;
  ask(branch: string, state: string): string;
  job(event: string, payload: unknown, ...args: string[]): Promise<Job>;
  readonly more: Record<string, string>;
}

interface Job {
  readonly code: number;
  readonly said: string;
  readonly summary: string;
  readonly outputs: Readonly<Record<string, string>>;
}

async function makeScene(script = WORK, workflow = WORKFLOW): Promise<GitHubFixture> {
  const root = temporaryDir();
  const told = join(temporaryDir(), "told");
  const person = makeRepo({
    "states/work": script.replaceAll("$OUT", told),
    "states/workflow.yml": workflow,
  });
  const dir = join(root, OWNER, NAME);
  mkdirSync(dir, { recursive: true });
  git(dir, ["init", "-q", "--bare", "-b", "main"]);
  person.git("push", "-q", dir, "main");
  const served = await serveGit(root, `x-access-token:${TOKEN}`);
  const github = await startFakeGitHub();
  const server = served.url("").replace(/\/$/, "");
  const ask = (branch: string, state: string) => {
    person.git("checkout", "-q", "-B", branch, "main");
    const commit = person.request(`feat: please\n\nPlease, on ${branch}.\n\nState: ${state}\n`);
    person.git("push", "-q", dir, branch);
    return commit;
  };
  const more: Record<string, string> = { TRAILHAND_ACCOUNT: String(github.botId) };
  const job = async (event: string, payload: unknown, ...args: string[]): Promise<Job> => {
    const folder = temporaryDir();
    const file = (name: string) => join(folder, name);
    writeFileSync(file("event.json"), JSON.stringify(payload));
    let said = "";
    const env = {
      ...process.env,
      XDG_CACHE_HOME: file("cache"),
      GITHUB_EVENT_NAME: event,
      GITHUB_EVENT_PATH: file("event.json"),
      GITHUB_REPOSITORY: `${OWNER}/${NAME}`,
      GITHUB_SERVER_URL: server,
      GITHUB_API_URL: github.url,
      GITHUB_TOKEN: TOKEN,
      GITHUB_STEP_SUMMARY: file("summary.md"),
      GITHUB_OUTPUT: file("output"),
      ACTIONS_RUNTIME_TOKEN: "runtime-token",
      AGENT_KEY: "agent-key",
      ...more,
    };
    const terminal = terminalTo((text) => void (said += text), env);
    const code = await runAction(
      callOf(command, args, folder, { terminal, env }),
      // The waiting itself is tested in test/integration/github/request-throttle.test.ts.
      new RequestThrottle(Date.now, { writeMs: 20 }),
    );
    const text = (name: string) => (existsSync(file(name)) ? readFileSync(file(name), "utf8") : "");
    const lines = text("output").trim().split("\n");
    const outputs = Object.fromEntries(lines.map((line) => line.split("=") as [string, string]));
    return { code, said, summary: text("summary.md"), outputs };
  };
  return { far: repoAt(dir), github, served, told, ask, job, more };
}

type Payload = Record<string, unknown>;

/** The first of GitHub's own examples of this event. */
function exampleOf(name: string): Payload {
  const all = examples as unknown as readonly { name: string; examples: readonly Payload[] }[];
  const found = all.find((one) => one.name === name)?.examples[0];
  if (!found) throw new Error(`there is no example of ${name}`);
  return structuredClone(found);
}

const push = (branch: string) => ({ ...exampleOf("push"), ref: `refs/heads/${branch}` });

test("a push starts a job that runs all requests and lists the branches waiting for a person", async () => {
  const fixture = await makeScene();
  fixture.ask("topic", "work");
  fixture.ask("other", "work");
  const { code, summary, outputs } = await fixture.job("push", push("topic"));
  expect(code).toBe(0);
  expect(outputs).toEqual({ applied: "true", answered: "2", failed: "0", waiting: "2" });
  for (const branch of ["topic", "other"]) {
    expect(fixture.far.git("log", "-1", "--format=%(trailers:key=State,valueonly)", branch).trim()).toBe(
      "look",
    );
    const commit = fixture.far.git("rev-parse", branch);
    expect(summary).toContain(`| \`${branch}\` | [\`${commit.slice(0, 9)}\`](`);
    expect(summary).toContain(`/${OWNER}/${NAME}/commit/${commit})`);
  }
  expect(summary).toContain("`work` → `look`");
  expect(summary).toContain("**Waiting for a person**");
  expect(summary).toContain("```mermaid\nstateDiagram-v2\n");
});

test("the token reaches git only: no script, file or log contains it, even if the workflow lists it", async () => {
  const fixture = await makeScene();
  fixture.ask("topic", "work");
  fixture.more["GIT_CONFIG_VALUE_0"] = "setting-of-the-machine";
  const { said, summary } = await fixture.job("push", push("topic"));
  const given = readFileSync(fixture.told, "utf8");
  expect(given).toContain("AGENT_KEY=agent-key");
  const secret = Buffer.from(`x-access-token:${TOKEN}`).toString("base64");
  for (const text of [given, said, summary]) {
    expect(text).not.toContain(TOKEN);
    expect(text).not.toContain(secret);
    expect(text).not.toContain("runtime-token");
    expect(text).not.toContain("setting-of-the-machine");
  }
  expect(fixture.served.asked.length).toBeGreaterThan(0);
});

test("the timer scans all branches, and finds nothing when nothing is requested", async () => {
  const fixture = await makeScene();
  const nothing = await fixture.job("schedule", { schedule: "17 * * * *" });
  expect(nothing).toMatchObject({ code: 0, outputs: { applied: "false", answered: "0" } });
  expect(nothing.summary).toContain("The event asked Trailhand for nothing");
  expect(nothing.said).toContain("The event asked Trailhand for nothing");
  fixture.ask("topic", "work");
  const swept = await fixture.job("workflow_dispatch", { inputs: {} });
  expect(swept.outputs["answered"]).toBe("1");
});

test("an event without an intent opens nothing", async () => {
  const fixture = await makeScene();
  fixture.ask("topic", "work");
  const said = await fixture.job("star", exampleOf("star"));
  expect(said).toMatchObject({ code: 0, outputs: { applied: "false", answered: "0", waiting: "0" } });
  expect(said.summary).toContain("The event asked Trailhand for nothing");
  expect(fixture.served.asked).toEqual([]);
});

test.each(["pull_request", "pull_request_target", "pull_request_review"])(
  "%s from a fork fetches, runs and writes nothing",
  async (event) => {
    const fixture = await makeScene();
    fixture.ask("topic", "work");
    const payload = exampleOf("pull_request");
    const fork = payload as { pull_request: { head: { repo: { id: number } | null } } };
    fork.pull_request.head.repo = { id: 4711 };
    const said = await fixture.job(event, payload);
    expect(said).toMatchObject({ code: 0, outputs: { applied: "false" } });
    expect(said.summary).toContain("fork");
    fork.pull_request.head.repo = null;
    expect(await fixture.job(event, payload)).toMatchObject({ code: 0, outputs: { applied: "false" } });
    expect(await fixture.job(event, {})).toMatchObject({ code: 0, outputs: { applied: "false" } });
    expect(fixture.served.asked).toEqual([]);
    expect(fixture.github.asked).toEqual([]);
    expect(existsSync(fixture.told)).toBe(false);
  },
);

/** An event of this repository, by an account that the fake GitHub knows. */
async function eventOf(
  { github }: GitHubFixture,
  name: string,
  login: string,
  changes: Payload,
): Promise<Payload> {
  const { id } = (await github.as(login, "GET", "/user")) as { id: number };
  const who = { login, id, type: "User" };
  const repository = { name: NAME, owner: { login: OWNER } };
  const payload = { ...exampleOf(name), repository, sender: who, ...changes };
  const comment = (payload as Payload)["comment"];
  return comment ? { ...payload, comment: { ...comment, user: who } } : payload;
}

/** Opens an issue and returns the event of a comment on it. */
async function commented(fixture: GitHubFixture, login: string, body: string): Promise<Payload> {
  const path = `/repos/${OWNER}/${NAME}/issues`;
  const issue = { title: "Throttle logins", body: "Five a minute." };
  const { number } = (await fixture.github.as(OWNER, "POST", path, issue)) as { number: number };
  const made = await fixture.github.as(login, "POST", `${path}/${number}/comments`, { body });
  const { id } = made as { id: number };
  return eventOf(fixture, "issue_comment", login, {
    action: "created",
    issue: { number, title: issue.title },
    comment: { id, body },
  });
}

const commentsOf = async ({ github }: GitHubFixture, payload: Payload): Promise<string[]> => {
  const { number } = payload["issue"] as { number: number };
  const path = `/repos/${OWNER}/${NAME}/issues/${number}/comments`;
  return ((await github.as(OWNER, "GET", path)) as { body: string }[]).map(({ body }) => body);
};

test("one job runs the command of a comment, runs its request and shows the result", async () => {
  const fixture = await makeScene();
  const payload = await commented(fixture, OWNER, "/request work");
  const { code, outputs, summary } = await fixture.job("issue_comment", payload);
  expect({ code, outputs }).toEqual({
    code: 0,
    outputs: { applied: "true", answered: "1", failed: "0", waiting: "1" },
  });
  const { number } = payload["issue"] as { number: number };
  const branch = `trailhand/issue-${number}`;
  const [answer = "", request = ""] = fixture.far.git("log", "-2", "--format=%an %s", branch).split("\n");
  expect(request).toBe(`${OWNER} Throttle logins`);
  expect(answer).not.toContain(OWNER);
  expect(summary).toContain(`| \`${branch}\` |`);
  const [said = "", status = "", ...calls] = await commentsOf(fixture, payload);
  expect([said, calls.flatMap(mentionsIn)]).toEqual([
    "/request work",
    [fixture.far.git("rev-parse", branch)],
  ]);
  expect(status).toContain("look");
  expect(fixture.github.reactions.map((one) => one["content"])).toEqual(["eyes"]);
  // GitHub starts no job for the buttons of a check run that a job created.
  expect(fixture.github.checks.length).toBeGreaterThan(0);
  for (const check of fixture.github.checks) expect(check["actions"]).toEqual([]);
  // The same event a second time writes nothing.
  const head = fixture.far.git("rev-parse", branch);
  fixture.github.forget();
  expect(await fixture.job("issue_comment", payload)).toMatchObject({ outputs: { applied: "false" } });
  expect(fixture.far.git("rev-parse", branch)).toBe(head);
  expect(fixture.github.writes()).toEqual([]);
});

test("with a personal token, earlier comments are recognised by the account", async () => {
  const fixture = await makeScene();
  fixture.more["TRAILHAND_ACCOUNT"] = "";
  const payload = await commented(fixture, OWNER, "/request work");
  expect(await fixture.job("issue_comment", payload)).toMatchObject({ code: 0 });
  expect(await commentsOf(fixture, payload)).toHaveLength(3);
  // The token of an App has no account, so nothing is shown. Otherwise every job would add comments.
  fixture.github.trouble({ path: /^\/user$/, status: 403 });
  fixture.github.forget();
  const { summary } = await fixture.job("schedule", {});
  expect(summary).toContain("the input account");
  expect(fixture.github.writes()).toEqual([]);
});

test("a job opens the pull request of a state, and ignores its own closing of it", async () => {
  const fixture = await makeScene(WORK, WORKFLOW.replace("human: true", "human: true, pull: true"));
  fixture.ask("topic", "work");
  expect(await fixture.job("push", push("topic"))).toMatchObject({ code: 0 });
  const path = `/repos/${OWNER}/${NAME}/pulls`;
  const [pull] = (await fixture.github.as(OWNER, "GET", path)) as { head: { ref: string } }[];
  expect(pull?.head.ref).toBe("topic");
  const head = fixture.far.git("rev-parse", "topic");
  const about = { ...pull, merged: false };
  const closed = { ...exampleOf("pull_request"), action: "closed", pull_request: about };
  const by = (sender: object) => ({ ...closed, sender: { login: "somebody", type: "User", ...sender } });
  expect(await fixture.job("pull_request", by({ id: fixture.github.botId }))).toMatchObject({
    outputs: { applied: "false" },
  });
  expect(fixture.far.git("rev-parse", "topic")).toBe(head);
  // A closing by another account is handled, and its right is checked.
  expect(await fixture.job("pull_request", by({ id: 666 }))).toMatchObject({ outputs: { applied: "true" } });
});

test("a command without the required right gets a refusal as a reply, and nothing is written", async () => {
  const fixture = await makeScene();
  const payload = await commented(fixture, "stranger", "/request work");
  const { code, summary } = await fixture.job("issue_comment", payload);
  expect(code).toBe(0);
  expect(fixture.far.git("for-each-ref", "--format=%(refname)", "refs/heads")).toBe("refs/heads/main");
  expect((await commentsOf(fixture, payload)).at(-1)).toContain("needs the right `write`");
  expect(fixture.github.reactions.map((one) => one["content"])).toEqual(["confused"]);
  expect(summary).toContain("right");
  expect(existsSync(fixture.told)).toBe(false);
});

test("a `failed` response fails the job, and the summary gives the reason", async () => {
  const fixture = await makeScene("#!/bin/sh\necho 'no luck | `today`' >&2\nexit 1\n");
  fixture.ask("topic", "work");
  const said = await fixture.job("push", push("topic"));
  expect(said).toMatchObject({ code: 1, outputs: { answered: "1", failed: "1" } });
  expect(said.summary).toContain("`work` → `failed`");
});

test("only the given branches run, and workflow commands of the job are disabled meanwhile", async () => {
  const fixture = await makeScene();
  fixture.ask("topic", "work");
  const before = fixture.ask("other", "work");
  const said = await fixture.job("push", push("topic"), "--branch", "topic");
  expect(said.outputs["answered"]).toBe("1");
  expect(fixture.far.git("rev-parse", "other")).toBe(before);
  // Names chosen by strangers are printed in between.
  const token = /^::stop-commands::([\w-]{36})\n/.exec(said.said)?.[1] ?? "none";
  expect(said.said.endsWith(`::${token}::\n`)).toBe(true);
});

test("with --signed, GitHub creates and signs responses; the summary gives the reason when it does not", async () => {
  const fixture = await makeScene();
  const signer = new TestSigner(fixture.far.dir);
  fixture.github.also(signer.answer);
  fixture.ask("topic", "work");
  const signed = await fixture.job("push", push("topic"), "--signed");
  expect(signed.outputs["answered"]).toBe("1");
  expect(signer.hasSigned("topic")).toBe(true);
  expect(signed.summary).not.toContain("without a signature");
  fixture.ask("other", "work");
  fixture.github.trouble({ path: /\/git\/commits$/, status: 403, message: "Resource not accessible" });
  const refused = await fixture.job("push", push("other"), "--signed");
  expect(refused.outputs["answered"]).toBe("1");
  expect(signer.hasSigned("other")).toBe(false);
  expect(refused.summary).toContain("without a signature");
  fixture.ask("third", "work");
  await fixture.job("push", push("third"));
  expect(signer.hasSigned("third")).toBe(false);
});

test("an invalid workflow fails the job with the reason", async () => {
  const fixture = await makeScene(WORK, "states: { work: { next: nowhere } }\n");
  fixture.ask("topic", "work");
  const error = await errorOf(fixture.job("push", push("topic")));
  expect(error.message).toContain("nowhere");
});

test("outside of a job, the missing variables are named", async () => {
  const terminal = terminalTo(() => undefined);
  const call = callOf(command, [], "/", { terminal, env: { GITHUB_EVENT_NAME: "push" } });
  const error = await errorOf(command.run(call));
  expect(error.message).toContain("GITHUB_EVENT_PATH, GITHUB_REPOSITORY");
  expect(error.message).not.toContain("GITHUB_EVENT_NAME,");
});
