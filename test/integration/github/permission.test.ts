/** Rights come from GitHub's answer about the account, and from nothing else. */
import { describe, expect, it } from "vitest";
import { includesRight, RIGHTS } from "../../../src/github/commands/right.ts";
import {
  openGitHubQueries,
  type GitHubQueries,
  type Permission,
} from "../../../src/github/commands/github-queries.ts";
import { RateLimit } from "../../../src/github/commands/rate-limit.ts";
import { missingRightMessage, readRight } from "../../../src/github/commands/permission.ts";

const REPO = { owner: "acme", name: "shop" };
const ANN = { id: 1, login: "ann", isBot: false };
const queriesOf = (answer: () => Permission | undefined): GitHubQueries => ({
  permission: async () => answer(),
  issue: () => Promise.reject(new Error("not asked")),
  pull: () => Promise.reject(new Error("not asked")),
});
const failing = (status: number, headers: Record<string, string> = {}): GitHubQueries =>
  queriesOf(() => {
    throw Object.assign(new Error("no"), { status, response: { headers } });
  });

describe("a right", () => {
  it.each([...RIGHTS])("%s is taken from GitHub", async (role) => {
    const queries = queriesOf(() => ({ id: 1, role, permission: "none" }));
    expect(await readRight(queries, REPO, ANN)).toEqual({ right: role });
  });

  it("of a custom role is the permission that it includes", async () => {
    const queries = queriesOf(() => ({ id: 1, role: "release-crew", permission: "write" }));
    expect(await readRight(queries, REPO, ANN)).toEqual({ right: "write" });
  });

  it("of an unknown role is none", async () => {
    const queries = queriesOf(() => ({ id: 1, role: "owner", permission: "all" }));
    expect(await readRight(queries, REPO, ANN)).toEqual({ right: "none" });
  });

  it("belongs to the account number, not to the login", async () => {
    const queries = queriesOf(() => ({ id: 2, role: "admin", permission: "admin" }));
    const standing = await readRight(queries, REPO, ANN);
    expect(standing.right).toBe("none");
    expect(missingRightMessage("ann", "/request", "write", standing)).toContain(
      "this login now belongs to another account",
    );
  });

  it.each([
    ["no account of this name", queriesOf(() => undefined)],
    ["no such name", failing(404)],
    ["no leave to ask", failing(403)],
    ["no good credentials", failing(401)],
  ])("is none where there is %s", async (_, queries) =>
    expect((await readRight(queries, REPO, ANN)).right).toBe("none"),
  );

  it.each([
    ["is away", failing(502)],
    ["is asked too often", failing(429)],
    ["is asked too often, in other words", failing(403, { "retry-after": "60" })],
    ["is asked too often this hour", failing(403, { "x-ratelimit-remaining": "0" })],
  ])("is asked for again later where GitHub %s", async (_, queries) => {
    await expect(readRight(queries, REPO, ANN)).rejects.toThrow("no");
  });

  it("includes the rights before it", () => {
    for (const [at, have] of RIGHTS.entries())
      for (const [below, need] of RIGHTS.entries()) expect(includesRight(have, need)).toBe(at >= below);
  });

  it("that is missing is named in the message", () =>
    expect(missingRightMessage("ann", "/request", "write", { right: "triage" })).toBe(
      "@ann, `/request` needs the right `write` in this repository, and you have `triage`.",
    ));
});

describe("GitHub queries", () => {
  const ask = (data: unknown) => {
    const calls: [string, unknown][] = [];
    const request = ((route: string, parameters: unknown) => {
      calls.push([route, parameters]);
      return Promise.resolve({ data });
    }) as unknown as Parameters<typeof openGitHubQueries>[0]["request"];
    return { queries: openGitHubQueries({ request }), calls };
  };

  it("ask for the permission of the collaborator", async () => {
    const { queries, calls } = ask({ permission: "write", role_name: "maintain", user: { id: 1 } });
    expect(await queries.permission(REPO, "a/../b")).toEqual({
      id: 1,
      role: "maintain",
      permission: "write",
    });
    const route = "GET /repos/{owner}/{repo}/collaborators/{username}/permission";
    expect(calls).toEqual([[route, { owner: "acme", repo: "shop", username: "a/../b" }]]);
    expect(
      await ask({ permission: "write", role_name: "write", user: null }).queries.permission(REPO, "x"),
    ).toBeUndefined();
  });

  it("tell a pull request from an issue", async () => {
    const issue = { title: "T", body: null };
    expect(await ask(issue).queries.issue(REPO, 3)).toEqual({
      number: 3,
      title: "T",
      body: "",
      isPull: false,
    });
    expect((await ask({ ...issue, pull_request: {} }).queries.issue(REPO, 3)).isPull).toBe(true);
  });

  it.each([
    [{ id: 5 }, false],
    [{ id: 6 }, true],
    [null, true],
  ])("whose a head is: %j", async (repo, isFork) => {
    const head = { ref: "x", sha: "a".repeat(40), repo };
    const { queries } = ask({ title: "T", body: "B", head, base: { repo: { id: 5 } } });
    expect((await queries.pull(REPO, 3)).head).toEqual({ ref: "x", sha: "a".repeat(40), isFork });
  });
});

describe("rate limits", () => {
  it("count per account within the window", () => {
    const limits = new RateLimit({ maxAccepted: 2, maxAttempts: 5, windowMs: 1000 });
    limits.recordAccepted("a", "e1", 0);
    expect(limits.countAttempt("a", 10)).toBe(0);
    limits.recordAccepted("a", "e2", 500);
    expect(limits.countAttempt("a", 600)).toBe(400);
    expect(limits.countAttempt("b", 600)).toBe(0);
    expect(limits.countAttempt("a", 1000)).toBe(0);
    expect([
      limits.hasAccepted("e1", 999),
      limits.hasAccepted("e1", 1000),
      limits.hasAccepted("e3", 0),
    ]).toEqual([true, false, false]);
  });

  it("count refused attempts too", () => {
    const limits = new RateLimit({ maxAttempts: 3, windowMs: 1000 });
    expect([0, 1, 2].map((at) => limits.countAttempt("a", at))).toEqual([0, 0, 0]);
    expect(limits.countAttempt("a", 3)).toBe(997);
  });
});
