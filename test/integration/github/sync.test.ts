/** `trailhand github sync`: from real refs to a real HTTP server, and back when people change things by hand. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { UserError } from "../../../src/core/messages/messages.ts";
import { STATUS_MARKER } from "../../../src/github/display/desired-state.ts";
import { openGithub } from "../../../src/server/open-github.ts";
import { run } from "../../support/run-runner.ts";
import { APP, NAME, OWNER, TOKEN } from "../../support/fake-github.ts";
import { PRIVATE_KEY } from "../../support/webhooks.ts";
import { requestProblems } from "../../support/github-openapi.ts";
import { call, comments, labels, makeStage, ROOT } from "../../support/github/run-sync.ts";

describe("sync", () => {
  test("dry, tells what it would write, and writes nothing", async () => {
    const stage = await makeStage();
    const { code, out } = await call(stage, {}, "--dry-run");
    expect(code).toBe(0);
    expect(out).toMatch(/^WHERE +WRITE +WHAT\n/);
    expect(out).toMatch(new RegExp(`#${stage.number} +create-comment +.*State`));
    expect(out).toMatch(/[0-9a-f]{9} +create-check +trailhand \/ work: queued/);
    const { writes } = JSON.parse((await call(stage, {}, "-n", "--json")).out) as { writes: object[] };
    expect(writes).toHaveLength(5);
    expect(writes[1]).toEqual({ where: "labels", write: "create-label", what: "state:work" });
    expect(stage.fakeGithub.writes()).toEqual([]);
  });

  test("shows the work, follows it, and puts right what people change by hand", async () => {
    const stage = await makeStage();
    const { fakeGithub, repo, number } = stage;
    expect((await call(stage)).code).toBe(0);
    expect(await labels(stage)).toEqual(["state:work"]);
    fakeGithub.forget();
    expect(await call(stage)).toMatchObject({ code: 0, out: "", err: "GitHub shows what the refs say.\n" });
    expect(fakeGithub.writes()).toEqual([]);

    await run(repo);
    await fakeGithub.as("stranger", "POST", `${ROOT}/issues/${number}/comments`, {
      body: `${STATUS_MARKER}x -->\nMe too.`,
    });
    expect((await call(stage)).code).toBe(0);
    expect(await labels(stage)).toEqual(["state:review"]);
    const [status, foreign, asked] = await comments(stage);
    expect(asked?.body).toContain("**A person must act** on `review`: waits for a person");
    expect(status?.body).toContain("**State** `review` · **next** a person");
    expect(status?.body).toMatch(/`work` → `review` \| `[^`]+` \| `[^`]+, attempt 1\/3`/);
    expect(fakeGithub.checks.map(({ name, status: at, conclusion }) => [name, at, conclusion])).toEqual([
      ["trailhand / work", "completed", "success"],
      ["trailhand / review", "completed", "action_required"],
    ]);

    await fakeGithub.as("octo", "DELETE", `${ROOT}/issues/comments/${status?.id}`);
    await fakeGithub.as("octo", "DELETE", `${ROOT}/issues/${number}/labels/state:review`);
    await fakeGithub.as("octo", "POST", `${ROOT}/issues/${number}/labels`, { labels: ["bug", "state:done"] });
    const mended = await call(stage);
    expect(mended.out.match(/(?:add|remove|create|edit|delete)-\w+/g)).toEqual([
      "add-label",
      "remove-label",
      "create-comment",
    ]);
    expect(await labels(stage)).toEqual(["bug", "state:review"]);
    expect(
      (await comments(stage)).map(({ id, body, user }) => [id === foreign?.id, body, user.login]),
    ).toEqual([
      [true, foreign?.body, "stranger"],
      [false, asked?.body, "trailhand-bot"],
      [false, status?.body, "trailhand-bot"],
    ]);
  });

  test("shows a pull request by its head branch", async () => {
    const stage = await makeStage();
    const { fakeGithub, repo } = stage;
    repo.git("switch", "-qc", "topic", "main");
    repo.request("feat: more\n\nPlease.\n\nState: review\n");
    repo.git("switch", "-q", "main");
    const main = (await fakeGithub.as(OWNER, "GET", `${ROOT}/git/ref/heads/main`)) as {
      object: { sha: string };
    };
    await fakeGithub.as(OWNER, "POST", `${ROOT}/git/refs`, { ref: "refs/heads/topic", sha: main.object.sha });
    const pull = { title: "more", head: "topic", base: "main" };
    const { number } = (await fakeGithub.as(OWNER, "POST", `${ROOT}/pulls`, pull)) as { number: number };
    expect((await call(stage)).code).toBe(0);
    expect(await labels({ ...stage, number })).toEqual(["state:review"]);
    expect((await comments({ ...stage, number })).map(({ body }) => body)).toEqual([
      expect.stringContaining("Branch [`topic`]"),
    ]);
  });

  test("acts as the App, which knows its own comment by its number", async () => {
    const stage = await makeStage();
    const { fakeGithub, number } = stage;
    const app = { GITHUB_TOKEN: "", APP_ID: String(APP.id), PRIVATE_KEY };
    const mine = `${STATUS_MARKER}x -->\nIt is not from the App.`;
    await fakeGithub.as("trailhand-bot", "POST", `${ROOT}/issues/${number}/comments`, { body: mine });
    expect((await call(stage, app)).code).toBe(0);
    fakeGithub.forget();
    expect(await call(stage, app)).toMatchObject({ code: 0, out: "" });
    expect(fakeGithub.writes().map(({ path }) => path)).toEqual([
      `/app/installations/${APP.installation}/access_tokens`,
    ]);
    expect((await comments(stage)).map(({ user }) => user.login)).toEqual(["trailhand-bot", APP.login]);
    expect(fakeGithub.checks).toHaveLength(1);
  });

  test("knows who it is in a job of Actions, whose token is nobody's", async () => {
    const { fakeGithub } = await makeStage();
    const env = { GITHUB_TOKEN: TOKEN, GITHUB_API_URL: fakeGithub.url };
    const repo = { owner: OWNER, name: NAME };
    const who = (more: object) => openGithub({ ...env, ...more }, repo, () => undefined);
    fakeGithub.trouble({
      path: /^\/user$/,
      status: 403,
      message: "Resource not accessible by integration",
      times: 2,
    });
    const bot = (await fakeGithub.as(OWNER, "GET", "/users/github-actions%5Bbot%5D")) as { id: number };
    expect((await who({ GITHUB_ACTIONS: "true" })).self).toEqual({ accountId: bot.id, appId: undefined });
    await expect(who({})).rejects.toThrow("Resource not accessible by integration");
    expect((await who({})).self.accountId).toBe(fakeGithub.botId);
  });

  test("says what is refused, or put off, and by its exit code too", async () => {
    const stage = await makeStage();
    const message = "You must authenticate via a GitHub App.";
    stage.fakeGithub.trouble({ method: "POST", path: /\/check-runs$/, status: 403, message });
    const said = await call(stage);
    expect(said.code).toBe(1);
    expect(said.err).toContain(`refused: create-check at`);
    expect(said.err).toContain(message);
    stage.fakeGithub.trouble({
      method: "POST",
      path: /\/check-runs$/,
      status: 403,
      headers: { "retry-after": "7200" },
    });
    const later = await call(stage, {}, "--json");
    expect(later.code).toBe(75);
    expect(JSON.parse(later.out)).toMatchObject({
      writes: [],
      left: [{ write: "create-check" }],
      waitMs: 7_200_000,
    });
  });

  test("needs a repository and somebody to be", async () => {
    const stage = await makeStage();
    const why = async (env: Record<string, string>, ...args: string[]) => {
      const error = await call(stage, env, ...args).catch((thrown: unknown) => thrown);
      return error instanceof UserError ? error.message : "no fault";
    };
    expect(await why({}, "--repo", "../x")).toContain("--repo must be a repository as owner/name");
    expect(await why({ GITHUB_TOKEN: "" })).toContain("There is no GITHUB_TOKEN in the environment");
    stage.fakeGithub.refused.add("bad");
    expect(await why({ GITHUB_TOKEN: "bad" })).toContain("GitHub rejects the credentials");
    expect(stage.fakeGithub.writes()).toEqual([]);
  });
});

test("a request that GitHub does not describe is a problem", () => {
  const path = `${ROOT}/check-runs`;
  const good = { name: "a", head_sha: "b", status: "completed", conclusion: "success" };
  expect(requestProblems("POST", path, good)).toEqual([]);
  expect(requestProblems("POST", path, { ...good, colour: "red" })).toHaveLength(1);
  expect(requestProblems("POST", path, { ...good, conclusion: "fine" })).not.toEqual([]);
  expect(requestProblems("POST", path, { name: "a" })).not.toEqual([]);
  const action = { label: "Stop", description: "End it", identifier: "stop" };
  expect(requestProblems("POST", path, { ...good, actions: [action, action, action] })).toEqual([]);
  expect(
    requestProblems("POST", path, { ...good, actions: [{ ...action, label: "x".repeat(21) }] }),
  ).not.toEqual([]);
  expect(requestProblems("POST", path, { ...good, actions: [{ ...action, id: "stop" }] })).not.toEqual([]);
  expect(requestProblems("POST", `${ROOT}/nothing`, {})).toHaveLength(1);
  expect(requestProblems("GET", `${ROOT}/issues/x`, undefined)).not.toEqual([]);
  expect(requestProblems("GET", `${ROOT}/labels?per_page=100&colour=red`, undefined)).toHaveLength(1);
  expect(requestProblems("GET", `${ROOT}/labels`, { a: 1 })).toHaveLength(1);
});

test("every operation that the program names is one that GitHub describes", () => {
  const src = fileURLToPath(new URL("../../../src", import.meta.url));
  const fixture = new URL("../../fixtures/github-openapi.json", import.meta.url);
  const { operations } = JSON.parse(readFileSync(fixture, "utf8")) as { operations: object };
  const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".ts"),
  );
  const named = files.flatMap((path) => {
    const text = readFileSync(join(src, path), "utf8");
    return [...text.matchAll(/"((?:GET|POST|PATCH|PUT|DELETE) \/[^"\s]+)"/g)].map(([, route = ""]) => route);
  });
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((route) => !(route in operations))).toEqual([]);
});
