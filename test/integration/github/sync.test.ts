/** `trailhand github sync`: from real refs to a real HTTP server, also after changes by hand. */
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
import { call, comments, labels, makeSyncFixture, ROOT } from "../../support/github/run-sync.ts";

describe("sync", () => {
  test("with --dry-run lists the writes, and writes nothing", async () => {
    const fixture = await makeSyncFixture();
    const { code, out } = await call(fixture, {}, "--dry-run");
    expect(code).toBe(0);
    expect(out).toMatch(/^WHERE +WRITE +WHAT\n/);
    expect(out).toMatch(new RegExp(`#${fixture.number} +create-comment +.*State`));
    expect(out).toMatch(/[0-9a-f]{9} +create-check +trailhand \/ work: queued/);
    const { writes } = JSON.parse((await call(fixture, {}, "-n", "--json")).out) as { writes: object[] };
    expect(writes).toHaveLength(5);
    expect(writes[1]).toEqual({ where: "labels", write: "create-label", what: "state:work" });
    expect(fixture.github.writes()).toEqual([]);
  });

  test("shows the work, follows it, and corrects changes made by hand", async () => {
    const fixture = await makeSyncFixture();
    const { github, repo, number } = fixture;
    expect((await call(fixture)).code).toBe(0);
    expect(await labels(fixture)).toEqual(["state:work"]);
    github.forget();
    expect(await call(fixture)).toMatchObject({ code: 0, out: "", err: "GitHub shows what the refs say.\n" });
    expect(github.writes()).toEqual([]);

    await run(repo);
    await github.as("stranger", "POST", `${ROOT}/issues/${number}/comments`, {
      body: `${STATUS_MARKER}x -->\nMe too.`,
    });
    expect((await call(fixture)).code).toBe(0);
    expect(await labels(fixture)).toEqual(["state:review"]);
    const [status, foreign, asked] = await comments(fixture);
    expect(asked?.body).toContain("**A person must act** on `review`: waits for a person");
    expect(status?.body).toContain("**State** `review` · **next** a person");
    expect(status?.body).toMatch(/`work` → `review` \| `[^`]+` \| `[^`]+, attempt 1\/3`/);
    expect(github.checks.map(({ name, status: at, conclusion }) => [name, at, conclusion])).toEqual([
      ["trailhand / work", "completed", "success"],
      ["trailhand / review", "completed", "action_required"],
    ]);

    await github.as("octo", "DELETE", `${ROOT}/issues/comments/${status?.id}`);
    await github.as("octo", "DELETE", `${ROOT}/issues/${number}/labels/state:review`);
    await github.as("octo", "POST", `${ROOT}/issues/${number}/labels`, { labels: ["bug", "state:done"] });
    const corrected = await call(fixture);
    expect(corrected.out.match(/(?:add|remove|create|edit|delete)-\w+/g)).toEqual([
      "add-label",
      "remove-label",
      "create-comment",
    ]);
    expect(await labels(fixture)).toEqual(["bug", "state:review"]);
    expect(
      (await comments(fixture)).map(({ id, body, user }) => [id === foreign?.id, body, user.login]),
    ).toEqual([
      [true, foreign?.body, "stranger"],
      [false, asked?.body, "trailhand-bot"],
      [false, status?.body, "trailhand-bot"],
    ]);
  });

  test("shows a pull request by its head branch", async () => {
    const fixture = await makeSyncFixture();
    const { github, repo } = fixture;
    repo.git("switch", "-qc", "topic", "main");
    repo.request("feat: more\n\nPlease.\n\nState: review\n");
    repo.git("switch", "-q", "main");
    const main = (await github.as(OWNER, "GET", `${ROOT}/git/ref/heads/main`)) as { object: { sha: string } };
    await github.as(OWNER, "POST", `${ROOT}/git/refs`, { ref: "refs/heads/topic", sha: main.object.sha });
    const pull = { title: "more", head: "topic", base: "main" };
    const { number } = (await github.as(OWNER, "POST", `${ROOT}/pulls`, pull)) as { number: number };
    expect((await call(fixture)).code).toBe(0);
    expect(await labels({ ...fixture, number })).toEqual(["state:review"]);
    expect((await comments({ ...fixture, number })).map(({ body }) => body)).toEqual([
      expect.stringContaining("Branch [`topic`]"),
    ]);
  });

  test("acts as the App, and recognises its own comment by the account number", async () => {
    const fixture = await makeSyncFixture();
    const { github, number } = fixture;
    const app = { GITHUB_TOKEN: "", APP_ID: String(APP.id), PRIVATE_KEY };
    const mine = `${STATUS_MARKER}x -->\nIt is not from the App.`;
    await github.as("trailhand-bot", "POST", `${ROOT}/issues/${number}/comments`, { body: mine });
    expect((await call(fixture, app)).code).toBe(0);
    github.forget();
    expect(await call(fixture, app)).toMatchObject({ code: 0, out: "" });
    expect(github.writes().map(({ path }) => path)).toEqual([
      `/app/installations/${APP.installation}/access_tokens`,
    ]);
    expect((await comments(fixture)).map(({ user }) => user.login)).toEqual(["trailhand-bot", APP.login]);
    expect(github.checks).toHaveLength(1);
  });

  test("works in a job of Actions, whose token belongs to no user", async () => {
    const { github } = await makeSyncFixture();
    const env = { GITHUB_TOKEN: TOKEN, GITHUB_API_URL: github.url };
    const repo = { owner: OWNER, name: NAME };
    const who = (more: object) => openGithub({ ...env, ...more }, repo, () => undefined);
    github.trouble({
      path: /^\/user$/,
      status: 403,
      message: "Resource not accessible by integration",
      times: 2,
    });
    const bot = (await github.as(OWNER, "GET", "/users/github-actions%5Bbot%5D")) as { id: number };
    expect((await who({ GITHUB_ACTIONS: "true" })).self).toEqual({ accountId: bot.id, appId: undefined });
    await expect(who({})).rejects.toThrow("Resource not accessible by integration");
    expect((await who({})).self.accountId).toBe(github.botId);
  });

  test("reports refused and postponed writes, also in its exit code", async () => {
    const fixture = await makeSyncFixture();
    const message = "You must authenticate via a GitHub App.";
    fixture.github.trouble({ method: "POST", path: /\/check-runs$/, status: 403, message });
    const said = await call(fixture);
    expect(said.code).toBe(1);
    expect(said.err).toContain(`refused: create-check at`);
    expect(said.err).toContain(message);
    fixture.github.trouble({
      method: "POST",
      path: /\/check-runs$/,
      status: 403,
      headers: { "retry-after": "7200" },
    });
    const later = await call(fixture, {}, "--json");
    expect(later.code).toBe(75);
    expect(JSON.parse(later.out)).toMatchObject({
      writes: [],
      left: [{ write: "create-check" }],
      waitMs: 7_200_000,
    });
  });

  test("needs a repository and credentials", async () => {
    const fixture = await makeSyncFixture();
    const why = async (env: Record<string, string>, ...args: string[]) => {
      const error = await call(fixture, env, ...args).catch((thrown: unknown) => thrown);
      return error instanceof UserError ? error.message : "no fault";
    };
    expect(await why({}, "--repo", "../x")).toContain("--repo must be a repository as owner/name");
    expect(await why({ GITHUB_TOKEN: "" })).toContain("No GitHub credentials in the environment");
    fixture.github.refused.add("bad");
    expect(await why({ GITHUB_TOKEN: "bad" })).toContain("GitHub rejects the credentials");
    expect(fixture.github.writes()).toEqual([]);
  });
});

test("a request that GitHub does not document is a problem", () => {
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

test("every operation of the program is documented by GitHub", () => {
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
