/**
 * A job of GitHub Actions from end to end: an event, a real repository behind smart HTTP that asks
 * for the job's token, and what the job leaves behind.
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
import { NAME, OWNER, startFakeGithub, TOKEN, type FakeGithub } from "../../support/fake-github.ts";
import { TestSigner } from "../../support/fake-signer.ts";
import { git, makeRepo, repoAt, temporaryDir, type Repo } from "../../support/temp-repo.ts";

const WORK = '#!/bin/sh\nenv >"$OUT"\necho "summary=Done by the script." >>"$TRAILHAND_OUTPUT"\n';
const WORKFLOW = `states:
  work: { next: look, retries: 0, env: [GITHUB_TOKEN, GIT_CONFIG_VALUE_0, ACTIONS_RUNTIME_TOKEN, AGENT_KEY] }
  look: { human: true, next: [done, work] }
`;

/** The repository on GitHub (bare) and its API, what a script told, and further variables of jobs. */
interface Scene {
  readonly far: Repo;
  readonly fakeGithub: FakeGithub;
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

async function makeScene(script = WORK, workflow = WORKFLOW): Promise<Scene> {
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
  const fakeGithub = await startFakeGithub();
  const server = served.url("").replace(/\/$/, "");
  const ask = (branch: string, state: string) => {
    person.git("checkout", "-q", "-B", branch, "main");
    const commit = person.request(`feat: please\n\nPlease, on ${branch}.\n\nState: ${state}\n`);
    person.git("push", "-q", dir, branch);
    return commit;
  };
  const more: Record<string, string> = { TRAILHAND_ACCOUNT: String(fakeGithub.botId) };
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
      GITHUB_API_URL: fakeGithub.url,
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
      // What GitHub would refuse is for test/integration/github/request-throttle.test.ts.
      new RequestThrottle(Date.now, { writeMs: 20 }),
    );
    const text = (name: string) => (existsSync(file(name)) ? readFileSync(file(name), "utf8") : "");
    const lines = text("output").trim().split("\n");
    const outputs = Object.fromEntries(lines.map((line) => line.split("=") as [string, string]));
    return { code, said, summary: text("summary.md"), outputs };
  };
  return { far: repoAt(dir), fakeGithub, served, told, ask, job, more };
}

type Payload = Record<string, unknown>;

/** The first of GitHub's own examples of an event. */
function exampleOf(name: string): Payload {
  const all = examples as unknown as readonly { name: string; examples: readonly Payload[] }[];
  const found = all.find((one) => one.name === name)?.examples[0];
  if (!found) throw new Error(`there is no example of ${name}`);
  return structuredClone(found);
}

const push = (branch: string) => ({ ...exampleOf("push"), ref: `refs/heads/${branch}` });

test("a push wakes the job, which answers everything and says what waits for a person", async () => {
  const scene = await makeScene();
  scene.ask("topic", "work");
  scene.ask("other", "work");
  const { code, summary, outputs } = await scene.job("push", push("topic"));
  expect(code).toBe(0);
  expect(outputs).toEqual({ applied: "true", answered: "2", failed: "0", waiting: "2" });
  for (const branch of ["topic", "other"]) {
    expect(scene.far.git("log", "-1", "--format=%(trailers:key=State,valueonly)", branch).trim()).toBe(
      "look",
    );
    const commit = scene.far.git("rev-parse", branch);
    expect(summary).toContain(`| \`${branch}\` | [\`${commit.slice(0, 9)}\`](`);
    expect(summary).toContain(`/${OWNER}/${NAME}/commit/${commit})`);
  }
  expect(summary).toContain("`work` → `look`");
  expect(summary).toContain("**For a person**");
  expect(summary).toContain("```mermaid\nstateDiagram-v2\n");
});

test("the token reaches git alone: no script, no file, no log has it, even where the workflow lists it", async () => {
  const scene = await makeScene();
  scene.ask("topic", "work");
  scene.more["GIT_CONFIG_VALUE_0"] = "setting-of-the-machine";
  const { said, summary } = await scene.job("push", push("topic"));
  const given = readFileSync(scene.told, "utf8");
  expect(given).toContain("AGENT_KEY=agent-key");
  const secret = Buffer.from(`x-access-token:${TOKEN}`).toString("base64");
  for (const text of [given, said, summary]) {
    expect(text).not.toContain(TOKEN);
    expect(text).not.toContain(secret);
    expect(text).not.toContain("runtime-token");
    expect(text).not.toContain("setting-of-the-machine");
  }
  expect(scene.served.asked.length).toBeGreaterThan(0);
});

test("the timer sweeps, and finds nothing where nothing is asked for", async () => {
  const scene = await makeScene();
  const nothing = await scene.job("schedule", { schedule: "17 * * * *" });
  expect(nothing).toMatchObject({ code: 0, outputs: { applied: "false", answered: "0" } });
  expect(nothing.summary).toContain("Nothing here was for Trailhand.");
  expect(nothing.said).toContain("Nothing here was for Trailhand.");
  scene.ask("topic", "work");
  const swept = await scene.job("workflow_dispatch", { inputs: {} });
  expect(swept.outputs["answered"]).toBe("1");
});

test("an event that asks for nothing opens nothing", async () => {
  const scene = await makeScene();
  scene.ask("topic", "work");
  const said = await scene.job("star", exampleOf("star"));
  expect(said).toMatchObject({ code: 0, outputs: { applied: "false", answered: "0", waiting: "0" } });
  expect(said.summary).toContain("Nothing here was for Trailhand");
  expect(scene.served.asked).toEqual([]);
});

test.each(["pull_request", "pull_request_target", "pull_request_review"])(
  "%s of a fork is data: nothing is fetched, run or written",
  async (event) => {
    const scene = await makeScene();
    scene.ask("topic", "work");
    const payload = exampleOf("pull_request");
    const fork = payload as { pull_request: { head: { repo: { id: number } | null } } };
    fork.pull_request.head.repo = { id: 4711 };
    const said = await scene.job(event, payload);
    expect(said).toMatchObject({ code: 0, outputs: { applied: "false" } });
    expect(said.summary).toContain("fork");
    fork.pull_request.head.repo = null;
    expect(await scene.job(event, payload)).toMatchObject({ code: 0, outputs: { applied: "false" } });
    expect(await scene.job(event, {})).toMatchObject({ code: 0, outputs: { applied: "false" } });
    expect(scene.served.asked).toEqual([]);
    expect(scene.fakeGithub.asked).toEqual([]);
    expect(existsSync(scene.told)).toBe(false);
  },
);

/** An event of this repository, by somebody whom its GitHub knows. */
async function eventOf(
  { fakeGithub }: Scene,
  name: string,
  login: string,
  changes: Payload,
): Promise<Payload> {
  const { id } = (await fakeGithub.as(login, "GET", "/user")) as { id: number };
  const who = { login, id, type: "User" };
  const repository = { name: NAME, owner: { login: OWNER } };
  const payload = { ...exampleOf(name), repository, sender: who, ...changes };
  const comment = (payload as Payload)["comment"];
  return comment ? { ...payload, comment: { ...comment, user: who } } : payload;
}

/** An issue, and the event of a comment on it. */
async function commented(scene: Scene, login: string, body: string): Promise<Payload> {
  const path = `/repos/${OWNER}/${NAME}/issues`;
  const issue = { title: "Throttle logins", body: "Five a minute." };
  const { number } = (await scene.fakeGithub.as(OWNER, "POST", path, issue)) as { number: number };
  const made = await scene.fakeGithub.as(login, "POST", `${path}/${number}/comments`, { body });
  const { id } = made as { id: number };
  return eventOf(scene, "issue_comment", login, {
    action: "created",
    issue: { number, title: issue.title },
    comment: { id, body },
  });
}

const commentsOf = async ({ fakeGithub }: Scene, payload: Payload): Promise<string[]> => {
  const { number } = payload["issue"] as { number: number };
  const path = `/repos/${OWNER}/${NAME}/issues/${number}/comments`;
  return ((await fakeGithub.as(OWNER, "GET", path)) as { body: string }[]).map(({ body }) => body);
};

test("a command in a comment is carried out, worked off and shown, by one job", async () => {
  const scene = await makeScene();
  const payload = await commented(scene, OWNER, "/request work");
  const { code, outputs, summary } = await scene.job("issue_comment", payload);
  expect({ code, outputs }).toEqual({
    code: 0,
    outputs: { applied: "true", answered: "1", failed: "0", waiting: "1" },
  });
  const { number } = payload["issue"] as { number: number };
  const branch = `trailhand/issue-${number}`;
  const [answer = "", request = ""] = scene.far.git("log", "-2", "--format=%an %s", branch).split("\n");
  expect(request).toBe(`${OWNER} Throttle logins`);
  expect(answer).not.toContain(OWNER);
  expect(summary).toContain(`| \`${branch}\` |`);
  const [said = "", status = "", ...calls] = await commentsOf(scene, payload);
  expect([said, calls.flatMap(mentionsIn)]).toEqual(["/request work", [scene.far.git("rev-parse", branch)]]);
  expect(status).toContain("look");
  expect(scene.fakeGithub.reactions.map((one) => one["content"])).toEqual(["eyes"]);
  // A button of a check that a job made is heard by nobody.
  expect(scene.fakeGithub.checks.length).toBeGreaterThan(0);
  for (const check of scene.fakeGithub.checks) expect(check["actions"]).toEqual([]);
  // The same event once more writes nothing.
  const head = scene.far.git("rev-parse", branch);
  scene.fakeGithub.forget();
  expect(await scene.job("issue_comment", payload)).toMatchObject({ outputs: { applied: "false" } });
  expect(scene.far.git("rev-parse", branch)).toBe(head);
  expect(scene.fakeGithub.writes()).toEqual([]);
});

test("with a token of somebody's own, what it wrote before is known by its account", async () => {
  const scene = await makeScene();
  scene.more["TRAILHAND_ACCOUNT"] = "";
  const payload = await commented(scene, OWNER, "/request work");
  expect(await scene.job("issue_comment", payload)).toMatchObject({ code: 0 });
  expect(await commentsOf(scene, payload)).toHaveLength(3);
  // An App's token is nobody's: then nothing is shown, rather than shown anew by every job.
  scene.fakeGithub.trouble({ path: /^\/user$/, status: 403 });
  scene.fakeGithub.forget();
  const { summary } = await scene.job("schedule", {});
  expect(summary).toContain("the input account");
  expect(scene.fakeGithub.writes()).toEqual([]);
});

test("a job opens the pull request that a state asks for, and hears nothing in its own closing of it", async () => {
  const scene = await makeScene(WORK, WORKFLOW.replace("human: true", "human: true, pull: true"));
  scene.ask("topic", "work");
  expect(await scene.job("push", push("topic"))).toMatchObject({ code: 0 });
  const path = `/repos/${OWNER}/${NAME}/pulls`;
  const [pull] = (await scene.fakeGithub.as(OWNER, "GET", path)) as { head: { ref: string } }[];
  expect(pull?.head.ref).toBe("topic");
  const head = scene.far.git("rev-parse", "topic");
  const about = { ...pull, merged: false };
  const closed = { ...exampleOf("pull_request"), action: "closed", pull_request: about };
  const by = (sender: object) => ({ ...closed, sender: { login: "somebody", type: "User", ...sender } });
  expect(await scene.job("pull_request", by({ id: scene.fakeGithub.botId }))).toMatchObject({
    outputs: { applied: "false" },
  });
  expect(scene.far.git("rev-parse", "topic")).toBe(head);
  // Anybody else is heard, and asked for the right to.
  expect(await scene.job("pull_request", by({ id: 666 }))).toMatchObject({ outputs: { applied: "true" } });
});

test("a command of somebody without the right is refused where it stands, and nothing is written", async () => {
  const scene = await makeScene();
  const payload = await commented(scene, "stranger", "/request work");
  const { code, summary } = await scene.job("issue_comment", payload);
  expect(code).toBe(0);
  expect(scene.far.git("for-each-ref", "--format=%(refname)", "refs/heads")).toBe("refs/heads/main");
  expect((await commentsOf(scene, payload)).at(-1)).toContain("needs the right `write`");
  expect(scene.fakeGithub.reactions.map((one) => one["content"])).toEqual(["confused"]);
  expect(summary).toContain("right");
  expect(existsSync(scene.told)).toBe(false);
});

test("an answer that is `failed` fails the job, and the summary says why", async () => {
  const scene = await makeScene("#!/bin/sh\necho 'no luck | `today`' >&2\nexit 1\n");
  scene.ask("topic", "work");
  const said = await scene.job("push", push("topic"));
  expect(said).toMatchObject({ code: 1, outputs: { answered: "1", failed: "1" } });
  expect(said.summary).toContain("`work` → `failed`");
});

test("only the branches that were named are worked on, with the commands of the job off meanwhile", async () => {
  const scene = await makeScene();
  scene.ask("topic", "work");
  const before = scene.ask("other", "work");
  const said = await scene.job("push", push("topic"), "--branch", "topic");
  expect(said.outputs["answered"]).toBe("1");
  expect(scene.far.git("rev-parse", "other")).toBe(before);
  // What strangers name is printed in between.
  const token = /^::stop-commands::([\w-]{36})\n/.exec(said.said)?.[1] ?? "none";
  expect(said.said.endsWith(`::${token}::\n`)).toBe(true);
});

test("with --signed GitHub makes and signs the answers; why it did not is in the summary", async () => {
  const scene = await makeScene();
  const testSigner = new TestSigner(scene.far.dir);
  scene.fakeGithub.also(testSigner.answer);
  scene.ask("topic", "work");
  const signed = await scene.job("push", push("topic"), "--signed");
  expect(signed.outputs["answered"]).toBe("1");
  expect(testSigner.hasSigned("topic")).toBe(true);
  expect(signed.summary).not.toContain("without a signature");
  scene.ask("other", "work");
  scene.fakeGithub.trouble({ path: /\/git\/commits$/, status: 403, message: "Resource not accessible" });
  const refused = await scene.job("push", push("other"), "--signed");
  expect(refused.outputs["answered"]).toBe("1");
  expect(testSigner.hasSigned("other")).toBe(false);
  expect(refused.summary).toContain("without a signature");
  scene.ask("third", "work");
  await scene.job("push", push("third"));
  expect(testSigner.hasSigned("third")).toBe(false);
});

test("a workflow that cannot be used fails the job with its reason", async () => {
  const scene = await makeScene(WORK, "states: { work: { next: nowhere } }\n");
  scene.ask("topic", "work");
  const error = await errorOf(scene.job("push", push("topic")));
  expect(error.message).toContain("nowhere");
});

test("outside of a job it says which variables are missing", async () => {
  const terminal = terminalTo(() => undefined);
  const call = callOf(command, [], "/", { terminal, env: { GITHUB_EVENT_NAME: "push" } });
  const error = await errorOf(command.run(call));
  expect(error.message).toContain("GITHUB_EVENT_PATH, GITHUB_REPOSITORY");
  expect(error.message).not.toContain("GITHUB_EVENT_NAME,");
});
