/** Writes to GitHub: paced, within its limits, and without duplicates or gaps. */
import { Octokit } from "@octokit/rest";
import { describe, expect, test } from "vitest";
import type { Branch } from "../../../src/core/protocol/ids.ts";
import { addThrottle, openClient } from "../../../src/github/api/client.ts";
import { diff } from "../../../src/github/display/diff.ts";
import { octokitPublisher } from "../../../src/github/display/octokit-publisher.ts";
import { RequestThrottle } from "../../../src/github/api/request-throttle.ts";
import { readActualState } from "../../../src/github/display/actual-state.ts";
import { project } from "../../../src/github/display/project.ts";
import { reconcile } from "../../../src/github/display/apply.ts";
import type { PublisherIdentity, Publisher } from "../../../src/github/display/publisher-port.ts";
import { NAME, OWNER, startFakeGitHub, TOKEN, type FakeGitHub } from "../../support/fake-github.ts";
import { answer, ask, projected, seenOf } from "../../support/github/branch-builders.ts";

const none = () => undefined;
const SILENT = { debug: none, info: none, warn: none, error: none };
const LIMITED = { "retry-after": "30" };

interface SyncFixture {
  readonly github: FakeGitHub;
  readonly publisher: Publisher;
  readonly self: PublisherIdentity;
  /** The waits in milliseconds, in their order. */
  readonly slept: number[];
  /** The messages about waits. */
  readonly said: string[];
  readonly tokens: boolean[];
  readonly number: number;
}

const ROOT = `/repos/${OWNER}/${NAME}`;

/** A client whose clock advances only with its own waits. */
async function makeSyncFixture(): Promise<SyncFixture> {
  const github = await startFakeGitHub();
  const slept: number[] = [];
  const tokens: boolean[] = [];
  const said: string[] = [];
  const clock = { now: 1_700_000_000_000 };
  const octokit = await openClient({
    baseUrl: github.url,
    throttle: new RequestThrottle(() => clock.now),
    token: (fresh) => {
      tokens.push(fresh);
      return Promise.resolve(tokens.includes(true) ? TOKEN : github.refused.has("stale") ? "stale" : TOKEN);
    },
    log: (text) => void said.push(text),
    sleep: (ms) => {
      slept.push(ms);
      clock.now += ms;
      return Promise.resolve();
    },
  });
  const { number } = (await github.as("stranger", "POST", `${ROOT}/issues`, { title: "it breaks" })) as {
    number: number;
  };
  const publisher = octokitPublisher(octokit.request, { owner: OWNER, name: NAME });
  return {
    github,
    publisher,
    self: { accountId: github.botId, appId: undefined },
    slept,
    said,
    tokens,
    number,
  };
}

const wantedAt = (number: number, ...more: readonly string[]) =>
  project(
    projected([
      seenOf(`trailhand/issue-${number}`, [ask("work", "Event: github:octo/shop:comment:900\n"), ...more]),
    ]),
  );

interface Comment {
  readonly id: number;
  readonly body: string;
  readonly user: { readonly login: string };
}
const comments = ({ github, number }: SyncFixture) =>
  github.as("stranger", "GET", `${ROOT}/issues/${number}/comments`) as Promise<Comment[]>;
const labels = async ({ github, number }: SyncFixture) =>
  (
    (await github.as("stranger", "GET", `${ROOT}/issues/${number}`)) as { labels: { name: string }[] }
  ).labels.map(({ name }) => name);
const kindsOf = (writes: readonly { readonly kind: string }[]) => writes.map(({ kind }) => kind);

describe("updating GitHub", () => {
  test("creates everything once, one write a second, and then has nothing to write", async () => {
    const fixture = await makeSyncFixture();
    const { github, publisher, self, slept, number } = fixture;
    const wanted = wantedAt(number);
    const { done, refused, uncertain: open } = await reconcile(publisher, wanted, self);
    expect(kindsOf(done)).toEqual(["react", "create-label", "add-label", "create-comment", "create-check"]);
    expect([refused, open]).toEqual([[], []]);
    expect(slept).toEqual([1000, 1000, 1000, 1000]);
    expect(await labels(fixture)).toEqual(["state:work"]);
    expect((await comments(fixture)).map(({ body, user }) => [body, user.login])).toEqual([
      [wanted.threads[0]?.body, "trailhand-bot"],
    ]);
    expect(github.checks).toMatchObject([{ name: "trailhand / work", status: "queued" }]);
    expect(github.reactions).toMatchObject([{ location: "issues/comments/900", content: "eyes" }]);
    github.forget();
    expect((await reconcile(publisher, wanted, self)).done).toEqual([]);
    expect(github.writes()).toEqual([]);
    github.forget();
    await reconcile(publisher, wanted, self);
    // Unchanged lists are not transferred again.
    expect(new Set(github.asked.map(({ status }) => status))).toEqual(new Set([304]));
  });

  test("writes only changes", async () => {
    const fixture = await makeSyncFixture();
    const { github, publisher, self, number } = fixture;
    await reconcile(publisher, wantedAt(number), self);
    github.forget();
    const { done } = await reconcile(publisher, wantedAt(number, answer(1, "done")), self);
    const kinds = [
      "react",
      "create-label",
      "add-label",
      "remove-label",
      "edit-comment",
      "create-check",
      "update-check",
    ];
    expect(kindsOf(done)).toEqual(kinds);
    expect(await labels(fixture)).toEqual(["state:done"]);
    expect(await comments(fixture)).toHaveLength(1);
    expect(github.checks.map(({ name, conclusion }) => [name, conclusion])).toEqual([
      ["trailhand / work", "success"],
      ["trailhand / done", "success"],
    ]);
  });

  test("a write that succeeded despite an error is not repeated", async () => {
    const fixture = await makeSyncFixture();
    const { github, publisher, self, number } = fixture;
    github.trouble({ method: "POST", path: /\/comments$/, status: 502, runs: true });
    github.trouble({ method: "POST", path: /\/check-runs$/, status: 0, runs: true });
    const { uncertain: open } = await reconcile(publisher, wantedAt(number), self);
    expect(open).toEqual([]);
    expect(await comments(fixture)).toHaveLength(1);
    expect(github.checks).toHaveLength(1);
  });

  test("a client's own retries are switched off", async () => {
    const { github } = await makeSyncFixture();
    const octokit = new Octokit({ baseUrl: github.url, auth: TOKEN, log: SILENT });
    const told: unknown[] = [];
    // Like Probot's plugins, which run before our hook.
    octokit.hook.wrap("request", (request, options) => {
      told.push(options.request["retries"], options.request.signal instanceof AbortSignal);
      return request(options);
    });
    addThrottle(octokit, { throttle: new RequestThrottle() });
    await octokit.request("GET /user");
    expect(told).toEqual([0, true]);
  });

  test("failed writes are repeated until they succeed", async () => {
    const fixture = await makeSyncFixture();
    const { github, publisher, self, slept, said, number } = fixture;
    github.trouble({ method: "POST", path: /\/comments$/, status: 502 });
    github.trouble({ path: /\/labels$/, status: 503, times: 2 });
    github.trouble({ method: "POST", path: /\/reactions$/, status: 403, headers: LIMITED });
    const { uncertain: open, refused } = await reconcile(publisher, wantedAt(number), self);
    expect([open, refused]).toEqual([[], []]);
    expect(slept).toContain(30_000);
    expect(said).toContain("GitHub: a fault; retrying in 30 s");
    expect(await comments(fixture)).toHaveLength(1);
    expect(await labels(fixture)).toEqual(["state:work"]);
    expect(diff(await readActualState(publisher, wantedAt(number), self), wantedAt(number))).toEqual([]);
  });

  test("a long rate limit postpones the remaining writes", async () => {
    const fixture = await makeSyncFixture();
    const { github, publisher, self, number } = fixture;
    github.trouble({ method: "POST", path: /\/comments$/, status: 403, headers: { "retry-after": "3600" } });
    const { done, postponed: later } = await reconcile(publisher, wantedAt(number), self);
    expect(kindsOf(done)).toEqual(["react", "create-label", "add-label"]);
    expect(later?.ms).toBe(3_600_000);
    expect(kindsOf(later?.writes ?? [])).toEqual(["create-comment", "create-check"]);
    expect(await comments(fixture)).toEqual([]);
  });

  test("an exhausted rate limit postpones the remaining writes without a request", async () => {
    const fixture = await makeSyncFixture();
    const { github, publisher, self, slept, number } = fixture;
    const used = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(1_700_000_000 + 3000) };
    github.trouble({ method: "POST", path: /\/reactions$/, status: 200, headers: used });
    const { done, postponed: later } = await reconcile(publisher, wantedAt(number), self);
    expect(kindsOf(done)).toEqual(["react"]);
    expect(later).toMatchObject({ ms: 3_001_000, writes: [{}, {}, {}, {}] });
    expect(slept).toEqual([]);
  });

  test("an issue that moved to another repository counts as deleted", async () => {
    const fixture = await makeSyncFixture();
    const { github, publisher, number } = fixture;
    const other = (await github.as("stranger", "POST", `${ROOT}/issues`, { title: "other" })) as {
      number: number;
    };
    const location = `${github.url}${ROOT}/issues/${other.number}`;
    github.trouble({ path: new RegExp(`/issues/${number}$`), status: 301, headers: { location } });
    expect(await publisher.readThread(number)).toBeUndefined();
    expect(github.asked).toHaveLength(1);
    expect(await publisher.readThread(number)).toMatchObject({ labels: [], isOpen: true, isPull: false });
  });

  test("a pull request from a fork's branch of the same name does not belong to the branch", async () => {
    const { github, publisher } = await makeSyncFixture();
    const sha = "a".repeat(40);
    const base = { ref: "main", repo: { id: 1 } };
    const from = (number: number, ref: string, repo: object | null) => ({
      number,
      state: "closed",
      head: { ref, sha, repo },
      base,
    });
    const data = [
      from(1, "topic", { id: 1 }),
      from(2, "topic", { id: 2 }),
      from(3, "topic", null),
      from(4, "other", { id: 1 }),
    ];
    github.trouble({ path: /\/pulls\?/, status: 200, data });
    expect(await publisher.listPullsFrom("topic" as Branch)).toEqual([
      { number: 1, isOpen: false, commit: sha },
    ]);
  });

  test("an expired token is replaced once; a rejected one is an error", async () => {
    const fixture = await makeSyncFixture();
    const { github, publisher, self, tokens, number } = fixture;
    github.refused.add("stale");
    await reconcile(publisher, wantedAt(number), self);
    expect(await comments(fixture)).toHaveLength(1);
    expect(tokens.filter(Boolean)).toHaveLength(1);
    expect(github.asked.filter(({ status }) => status === 401)).toHaveLength(1);
    github.refused.add(TOKEN);
    github.forget();
    await expect(reconcile(publisher, wantedAt(number), self)).rejects.toMatchObject({ status: 401 });
    expect(github.asked).toHaveLength(2);
  });

  test("a deleted issue is skipped, and a refused write does not stop the others", async () => {
    const fixture = await makeSyncFixture();
    const { github, publisher, self, number } = fixture;
    const gone = await reconcile(publisher, wantedAt(4711), self);
    expect(kindsOf(gone.done)).toEqual(["react", "create-check"]);
    const message = "You must authenticate via a GitHub App.";
    github.trouble({ method: "POST", path: /\/check-runs$/, status: 403, message, times: 9 });
    const { done, refused, uncertain: open } = await reconcile(publisher, wantedAt(number), self);
    expect(kindsOf(done)).toContain("create-comment");
    expect(refused.map(({ why }) => why)).toEqual([expect.stringContaining(message)]);
    expect(open).toEqual([]);
  });

  test("after a crash at any point, nothing is written twice", async () => {
    const fixture = await makeSyncFixture();
    const { publisher, self, number } = fixture;
    const wanted = wantedAt(number);
    for (let writes = 1; writes <= 6; writes++) {
      let left = writes;
      const dying = new Proxy(publisher, {
        get: (target, name, receiver) => {
          const found: unknown = Reflect.get(target, name, receiver);
          if (!/^(?:(?:create|add|remove|edit|delete|update)|react$)/.test(String(name))) return found;
          return async (...given: unknown[]) => {
            if (left-- === 0) throw new Error("killed");
            await (found as (...given: unknown[]) => Promise<void>)(...given);
          };
        },
      });
      await reconcile(dying, wanted, self).catch((error: unknown) =>
        expect(error).toMatchObject({ message: "killed" }),
      );
    }
    expect(await comments(fixture)).toHaveLength(1);
    expect(fixture.github.checks).toHaveLength(1);
    expect(diff(await readActualState(publisher, wanted, self), wanted)).toEqual([]);
  });
});
