/** How GitHub is written to: paced, obedient, nothing twice, nothing left out. */
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
import { NAME, OWNER, startFakeGithub, TOKEN, type FakeGithub } from "../../support/fake-github.ts";
import { answer, ask, projected, seenOf } from "../../support/github/branch-builders.ts";

const none = () => undefined;
const SILENT = { debug: none, info: none, warn: none, error: none };
const LIMITED = { "retry-after": "30" };

interface Stage {
  readonly fakeGithub: FakeGithub;
  readonly publisher: Publisher;
  readonly self: PublisherIdentity;
  /** How long was waited, in its order. */
  readonly slept: number[];
  /** What it said of its waiting. */
  readonly said: string[];
  readonly tokens: boolean[];
  readonly number: number;
}

const ROOT = `/repos/${OWNER}/${NAME}`;

/** A client with a clock that stands still but for its own waiting. */
async function makeStage(): Promise<Stage> {
  const fakeGithub = await startFakeGithub();
  const slept: number[] = [];
  const tokens: boolean[] = [];
  const said: string[] = [];
  const clock = { now: 1_700_000_000_000 };
  const octokit = await openClient({
    baseUrl: fakeGithub.url,
    throttle: new RequestThrottle(() => clock.now),
    token: (fresh) => {
      tokens.push(fresh);
      return Promise.resolve(
        tokens.includes(true) ? TOKEN : fakeGithub.refused.has("stale") ? "stale" : TOKEN,
      );
    },
    log: (text) => void said.push(text),
    sleep: (ms) => {
      slept.push(ms);
      clock.now += ms;
      return Promise.resolve();
    },
  });
  const { number } = (await fakeGithub.as("stranger", "POST", `${ROOT}/issues`, { title: "it breaks" })) as {
    number: number;
  };
  const publisher = octokitPublisher(octokit.request, { owner: OWNER, name: NAME });
  return {
    fakeGithub,
    publisher,
    self: { accountId: fakeGithub.botId, appId: undefined },
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
const comments = ({ fakeGithub, number }: Stage) =>
  fakeGithub.as("stranger", "GET", `${ROOT}/issues/${number}/comments`) as Promise<Comment[]>;
const labels = async ({ fakeGithub, number }: Stage) =>
  (
    (await fakeGithub.as("stranger", "GET", `${ROOT}/issues/${number}`)) as { labels: { name: string }[] }
  ).labels.map(({ name }) => name);
const kindsOf = (writes: readonly { readonly kind: string }[]) => writes.map(({ kind }) => kind);

describe("bringing GitHub in line", () => {
  test("makes everything once, one write a second, and then has nothing to write", async () => {
    const stage = await makeStage();
    const { fakeGithub, publisher, self, slept, number } = stage;
    const wanted = wantedAt(number);
    const { done, refused, uncertain: open } = await reconcile(publisher, wanted, self);
    expect(kindsOf(done)).toEqual(["react", "create-label", "add-label", "create-comment", "create-check"]);
    expect([refused, open]).toEqual([[], []]);
    expect(slept).toEqual([1000, 1000, 1000, 1000]);
    expect(await labels(stage)).toEqual(["state:work"]);
    expect((await comments(stage)).map(({ body, user }) => [body, user.login])).toEqual([
      [wanted.threads[0]?.body, "trailhand-bot"],
    ]);
    expect(fakeGithub.checks).toMatchObject([{ name: "trailhand / work", status: "queued" }]);
    expect(fakeGithub.reactions).toMatchObject([{ location: "issues/comments/900", content: "eyes" }]);
    fakeGithub.forget();
    expect((await reconcile(publisher, wanted, self)).done).toEqual([]);
    expect(fakeGithub.writes()).toEqual([]);
    fakeGithub.forget();
    await reconcile(publisher, wanted, self);
    // What did not change is not told again.
    expect(new Set(fakeGithub.asked.map(({ status }) => status))).toEqual(new Set([304]));
  });

  test("writes what changed, and no more", async () => {
    const stage = await makeStage();
    const { fakeGithub, publisher, self, number } = stage;
    await reconcile(publisher, wantedAt(number), self);
    fakeGithub.forget();
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
    expect(await labels(stage)).toEqual(["state:done"]);
    expect(await comments(stage)).toHaveLength(1);
    expect(fakeGithub.checks.map(({ name, conclusion }) => [name, conclusion])).toEqual([
      ["trailhand / work", "success"],
      ["trailhand / done", "success"],
    ]);
  });

  test("what was done though GitHub said otherwise is not done again", async () => {
    const stage = await makeStage();
    const { fakeGithub, publisher, self, number } = stage;
    fakeGithub.trouble({ method: "POST", path: /\/comments$/, status: 502, runs: true });
    fakeGithub.trouble({ method: "POST", path: /\/check-runs$/, status: 0, runs: true });
    const { uncertain: open } = await reconcile(publisher, wantedAt(number), self);
    expect(open).toEqual([]);
    expect(await comments(stage)).toHaveLength(1);
    expect(fakeGithub.checks).toHaveLength(1);
  });

  test("a client that would try again by itself is told not to", async () => {
    const { fakeGithub } = await makeStage();
    const octokit = new Octokit({ baseUrl: fakeGithub.url, auth: TOKEN, log: SILENT });
    const told: unknown[] = [];
    // As Probot's plugins do, before ours.
    octokit.hook.wrap("request", (request, options) => {
      told.push(options.request["retries"], options.request.signal instanceof AbortSignal);
      return request(options);
    });
    addThrottle(octokit, { throttle: new RequestThrottle() });
    await octokit.request("GET /user");
    expect(told).toEqual([0, true]);
  });

  test("what was not done is done in the end", async () => {
    const stage = await makeStage();
    const { fakeGithub, publisher, self, slept, said, number } = stage;
    fakeGithub.trouble({ method: "POST", path: /\/comments$/, status: 502 });
    fakeGithub.trouble({ path: /\/labels$/, status: 503, times: 2 });
    fakeGithub.trouble({ method: "POST", path: /\/reactions$/, status: 403, headers: LIMITED });
    const { uncertain: open, refused } = await reconcile(publisher, wantedAt(number), self);
    expect([open, refused]).toEqual([[], []]);
    expect(slept).toContain(30_000);
    expect(said).toContain("GitHub: a fault; retrying in 30 s");
    expect(await comments(stage)).toHaveLength(1);
    expect(await labels(stage)).toEqual(["state:work"]);
    expect(diff(await readActualState(publisher, wantedAt(number), self), wantedAt(number))).toEqual([]);
  });

  test("a limit that lasts puts the rest off", async () => {
    const stage = await makeStage();
    const { fakeGithub, publisher, self, number } = stage;
    fakeGithub.trouble({
      method: "POST",
      path: /\/comments$/,
      status: 403,
      headers: { "retry-after": "3600" },
    });
    const { done, postponed: later } = await reconcile(publisher, wantedAt(number), self);
    expect(kindsOf(done)).toEqual(["react", "create-label", "add-label"]);
    expect(later?.ms).toBe(3_600_000);
    expect(kindsOf(later?.writes ?? [])).toEqual(["create-comment", "create-check"]);
    expect(await comments(stage)).toEqual([]);
  });

  test("a limit that is used up is not run into: the rest is put off", async () => {
    const stage = await makeStage();
    const { fakeGithub, publisher, self, slept, number } = stage;
    const used = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(1_700_000_000 + 3000) };
    fakeGithub.trouble({ method: "POST", path: /\/reactions$/, status: 200, headers: used });
    const { done, postponed: later } = await reconcile(publisher, wantedAt(number), self);
    expect(kindsOf(done)).toEqual(["react"]);
    expect(later).toMatchObject({ ms: 3_001_000, writes: [{}, {}, {}, {}] });
    expect(slept).toEqual([]);
  });

  test("an issue that was moved to another repository is not followed", async () => {
    const stage = await makeStage();
    const { fakeGithub, publisher, number } = stage;
    const other = (await fakeGithub.as("stranger", "POST", `${ROOT}/issues`, { title: "other" })) as {
      number: number;
    };
    const location = `${fakeGithub.url}${ROOT}/issues/${other.number}`;
    fakeGithub.trouble({ path: new RegExp(`/issues/${number}$`), status: 301, headers: { location } });
    expect(await publisher.readThread(number)).toBeUndefined();
    expect(fakeGithub.asked).toHaveLength(1);
    expect(await publisher.readThread(number)).toMatchObject({ labels: [], isOpen: true, isPull: false });
  });

  test("a pull request from a fork's branch of the same name is none of the branch", async () => {
    const { fakeGithub, publisher } = await makeStage();
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
    fakeGithub.trouble({ path: /\/pulls\?/, status: 200, data });
    expect(await publisher.listPullsFrom("topic" as Branch)).toEqual([
      { number: 1, isOpen: false, commit: sha },
    ]);
  });

  test("a token that ran out is replaced once; one that is refused is an error", async () => {
    const stage = await makeStage();
    const { fakeGithub, publisher, self, tokens, number } = stage;
    fakeGithub.refused.add("stale");
    await reconcile(publisher, wantedAt(number), self);
    expect(await comments(stage)).toHaveLength(1);
    expect(tokens.filter(Boolean)).toHaveLength(1);
    expect(fakeGithub.asked.filter(({ status }) => status === 401)).toHaveLength(1);
    fakeGithub.refused.add(TOKEN);
    fakeGithub.forget();
    await expect(reconcile(publisher, wantedAt(number), self)).rejects.toMatchObject({ status: 401 });
    expect(fakeGithub.asked).toHaveLength(2);
  });

  test("an issue that is gone is passed over, and what is refused keeps nothing else from being written", async () => {
    const stage = await makeStage();
    const { fakeGithub, publisher, self, number } = stage;
    const gone = await reconcile(publisher, wantedAt(4711), self);
    expect(kindsOf(gone.done)).toEqual(["react", "create-check"]);
    const message = "You must authenticate via a GitHub App.";
    fakeGithub.trouble({ method: "POST", path: /\/check-runs$/, status: 403, message, times: 9 });
    const { done, refused, uncertain: open } = await reconcile(publisher, wantedAt(number), self);
    expect(kindsOf(done)).toContain("create-comment");
    expect(refused.map(({ why }) => why)).toEqual([expect.stringContaining(message)]);
    expect(open).toEqual([]);
  });

  test("a process that ended anywhere in between has left nothing that is then doubled", async () => {
    const stage = await makeStage();
    const { publisher, self, number } = stage;
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
    expect(await comments(stage)).toHaveLength(1);
    expect(stage.fakeGithub.checks).toHaveLength(1);
    expect(diff(await readActualState(publisher, wanted, self), wanted)).toEqual([]);
  });
});
