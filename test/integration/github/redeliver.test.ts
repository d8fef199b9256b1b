/** What was missed comes from GitHub's log; that it cannot be had stops nothing. */
import { expect, onTestFinished, test } from "vitest";
import type { Repo } from "../../../src/github/api/repo.ts";
import { redeliver } from "../../../src/github/webhooks/redeliver.ts";
import { DiskInbox } from "../../../src/github/webhooks/disk-inbox.ts";
import { openApp, startService } from "../../../src/server/service.ts";
import { temporaryDir } from "../../support/temp-repo.ts";
import { PRIVATE_KEY, SECRET, stubGitHub, type Reply } from "../../support/webhooks.ts";
import { until } from "../../support/until.ts";

const NOW = Date.parse("2030-01-10T12:00:00Z");
/** Before the last digit: ids are larger than a number can be told exactly. */
const BIG = "900719925474099312";
const HOUR = 60 * 60 * 1000;

interface Logged {
  readonly id: number;
  readonly guid: string;
  readonly agoHours: number;
  readonly code: number;
  /** Null: GitHub keeps it no more. */
  readonly payload?: object | null;
}

/** GitHub with this log, two lines on a page, and two installations, one of them suspended. */
async function fakeGithub(
  log: readonly Logged[],
  fails: (asked: string) => Reply | undefined = () => undefined,
) {
  const repos: Repo[] = [];
  const warned: string[] = [];
  const inbox = new DiskInbox(temporaryDir(), { now: () => NOW });
  onTestFinished(() => inbox.close());
  const stub = await stubGitHub((asked, _request, url) => {
    const failure = fails(asked);
    if (failure) return failure;
    const cursor = Number(/cursor=(\d+)/.exec(asked)?.[1] ?? 0);
    if (asked.startsWith("GET /app/hook/deliveries?")) {
      const page = log.slice(cursor, cursor + 2);
      const next = `<${url}/app/hook/deliveries?per_page=100&cursor=${cursor + 2}>; rel="next"`;
      const lines = page.map(({ id, guid, agoHours, code }) => ({
        id: `ID${BIG}${id}`,
        guid,
        event: "push",
        delivered_at: new Date(NOW - agoHours * HOUR).toISOString(),
        status_code: code,
      }));
      return {
        body: JSON.stringify(lines).replace(/"ID(\d+)"/g, "$1"),
        headers: cursor + 2 < log.length ? { link: next } : {},
      };
    }
    const one = log.find(({ id }) => asked.startsWith(`GET /app/hook/deliveries/${BIG}${id}`));
    if (one)
      return { body: { request: { payload: one.payload === undefined ? { from: one.guid } : one.payload } } };
    if (/^POST \/app\/hook\/deliveries\/\d+\/attempts/.test(asked)) return { status: 202, body: {} };
    if (asked.startsWith("GET /app/installations?")) {
      return { body: [{ id: 7 }, { id: 8, suspended_at: "2029-01-01T00:00:00Z" }] };
    }
    if (asked.startsWith("POST /app/installations/7/access_tokens")) {
      return { status: 201, body: { token: "t", expires_at: "2099-01-01T00:00:00Z", permissions: {} } };
    }
    if (asked.startsWith("GET /installation/repositories")) {
      const one = (name: string, archived = false) => ({ name, owner: { login: "octo" }, archived });
      return { body: { total_count: 2, repositories: [one("app"), one("old", true)] } };
    }
    return undefined;
  });
  const credentials = { appId: 1, privateKey: PRIVATE_KEY, secret: SECRET };
  const app = await openApp({ credentials, baseUrl: stub.url, log: () => undefined });
  const begin = () =>
    redeliver({
      app,
      inbox,
      since: inbox.lastSeen(),
      sweep: async (all) => void repos.push(...all),
      warn: (text) => warned.push(text),
      now: () => NOW,
      paceMs: 0,
    });
  const waiting = async () => {
    const guids: string[] = [];
    for (let taken = await inbox.take(); taken; taken = await inbox.take()) {
      guids.push(taken.delivery.id);
      inbox.done(taken.delivery.id);
    }
    return guids;
  };
  return { inbox, stub, repos, warned, begin, waiting };
}

test("what nobody answered well is recovered, the oldest first, and once", async () => {
  const { begin, waiting, repos, warned } = await fakeGithub([
    { id: 5, guid: "late", agoHours: 1, code: 502 },
    { id: 4, guid: "again", agoHours: 2, code: 202 },
    { id: 3, guid: "again", agoHours: 3, code: 0 },
    { id: 2, guid: "early", agoHours: 4, code: 0 },
    { id: 1, guid: "answered", agoHours: 5, code: 202 },
    { id: 0, guid: "too old", agoHours: 73, code: 500 },
  ]);
  expect(await begin()).toEqual({ accepted: 2, requested: 0, sweptRepos: 1 });
  expect(await waiting()).toEqual(["early", "late"]);
  expect(repos).toEqual([{ owner: "octo", name: "app" }]);
  expect(warned).toEqual([]);
  expect(await begin()).toMatchObject({ accepted: 0 });
});

test("with a memory, what came after it is recovered even where GitHub was told that all is well", async () => {
  const { begin, waiting, inbox } = await fakeGithub([
    { id: 3, guid: "after", agoHours: -1, code: 202 },
    { id: 2, guid: "mine", agoHours: 0, code: 202 },
    { id: 1, guid: "before", agoHours: 1, code: 202 },
  ]);
  await inbox.accept({ id: "mine", name: "push", payload: {} });
  expect(await begin()).toMatchObject({ accepted: 1 });
  expect(await waiting()).toEqual(["mine", "after"]);
});

test("GitHub is asked to deliver again what its log holds no more", async () => {
  const { begin, stub } = await fakeGithub([{ id: 1, guid: "a", agoHours: 1, code: 500, payload: null }]);
  expect(await begin()).toMatchObject({ accepted: 0, requested: 1 });
  expect(stub.asked).toContain(`POST /app/hook/deliveries/${BIG}1/attempts`);
});

test("what cannot be had is a warning, and the rest is done", async () => {
  const { begin, warned, repos } = await fakeGithub([], (asked) =>
    asked.includes("/hook/deliveries") ? { status: 403, body: { message: "no" } } : undefined,
  );
  expect(await begin()).toEqual({ accepted: 0, requested: 0, sweptRepos: 1 });
  expect(warned).toEqual([expect.stringMatching(/^GitHub did not provide missed deliveries: no/)]);
  expect(repos).toHaveLength(1);
});

test("an installation that cannot be looked at keeps nobody from serving", async () => {
  const { begin, warned } = await fakeGithub([], (asked) =>
    asked.startsWith("GET /installation/") ? { status: 404, body: { message: "gone" } } : undefined,
  );
  expect(await begin()).toEqual({ accepted: 0, requested: 0, sweptRepos: 0 });
  expect(warned).toEqual([expect.stringContaining("installation 7 could not be scanned")]);
});

test("while it serves, what GitHub could not deliver is asked for again and again", async () => {
  let isMissed = false;
  /** Always just now, however slow this machine is. */
  const line = () => {
    const delivered_at = new Date().toISOString();
    return { id: 5, guid: "missed", event: "push", delivered_at, status_code: 502 };
  };
  const outer = await stubGitHub((asked) => {
    if (asked.startsWith("GET /app/hook/deliveries?")) return { body: isMissed ? [line()] : [] };
    if (asked.startsWith("GET /app/hook/deliveries/5"))
      return { body: { request: { payload: { repository: { id: 1 } } } } };
    return asked.startsWith("GET /app/installations?") ? { body: [] } : undefined;
  });
  const received: string[] = [];
  const service = await startService({
    credentials: { appId: 1, privateKey: PRIVATE_KEY, secret: SECRET },
    baseUrl: outer.url,
    inbox: temporaryDir(),
    port: 0,
    host: "127.0.0.1",
    parts: () => ({
      readEvent: (name) => (received.push(name), { intents: [] }),
      handle: () => Promise.resolve(),
      stop: () => Promise.resolve(),
    }),
    self: () => Promise.resolve({ botIds: [], slug: "test" }),
    log: () => undefined,
    recoverMs: 50,
  });
  onTestFinished(() => service.stop());
  await until("the second look", () => outer.asked.filter((one) => one.includes("deliveries?")).length > 1);
  expect(received).toEqual([]);
  isMissed = true;
  await until("it is worked off", () => received.length > 0);
  const looks = outer.asked.length;
  await until("further looks", () => outer.asked.length > looks + 5);
  expect(received).toEqual(["push"]);
  // Repositories are looked at once, at the start.
  expect(outer.asked.filter((one) => one.startsWith("GET /app/installations?"))).toHaveLength(1);
});
