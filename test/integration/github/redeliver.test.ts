/** Recovers missed deliveries from GitHub's log; a failure stops nothing. */
import { expect, onTestFinished, test } from "vitest";
import type { Repo } from "../../../src/github/api/repo.ts";
import { redeliver } from "../../../src/github/webhooks/redeliver.ts";
import { DiskInbox } from "../../../src/github/webhooks/disk-inbox.ts";
import { openApp, startService } from "../../../src/server/service.ts";
import { temporaryDir } from "../../support/temp-repo.ts";
import { PRIVATE_KEY, SECRET, stubGitHub, type Reply } from "../../support/webhooks.ts";
import { until } from "../../support/until.ts";

const NOW = Date.parse("2030-01-10T12:00:00Z");
/** All but the last digit of an id: ids exceed the safe integers. */
const BIG = "900719925474099312";
const HOUR = 60 * 60 * 1000;

interface Logged {
  readonly id: number;
  readonly guid: string;
  readonly agoHours: number;
  readonly code: number;
  /** Null when GitHub has removed the payload. */
  readonly payload?: object | null;
}

/** A GitHub with this log, two entries per page, and two installations, one of them suspended. */
async function openGitHub(
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
    for (let names = await inbox.take(); names; names = await inbox.take()) {
      guids.push(names.delivery.id);
      inbox.done(names.delivery.id);
    }
    return guids;
  };
  return { inbox, stub, repos, warned, begin, waiting };
}

test("failed deliveries are recovered once, oldest first", async () => {
  const { begin, waiting, repos, warned } = await openGitHub([
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

test("with an older inbox, newer deliveries are recovered even if GitHub recorded a success", async () => {
  const { begin, waiting, inbox } = await openGitHub([
    { id: 3, guid: "after", agoHours: -1, code: 202 },
    { id: 2, guid: "mine", agoHours: 0, code: 202 },
    { id: 1, guid: "before", agoHours: 1, code: 202 },
  ]);
  await inbox.accept({ id: "mine", name: "push", payload: {} });
  expect(await begin()).toMatchObject({ accepted: 1 });
  expect(await waiting()).toEqual(["mine", "after"]);
});

test("GitHub is asked to redeliver when its log has no payload", async () => {
  const { begin, stub } = await openGitHub([{ id: 1, guid: "a", agoHours: 1, code: 500, payload: null }]);
  expect(await begin()).toMatchObject({ accepted: 0, requested: 1 });
  expect(stub.asked).toContain(`POST /app/hook/deliveries/${BIG}1/attempts`);
});

test("a failure is a warning, and the sweep still runs", async () => {
  const { begin, warned, repos } = await openGitHub([], (asked) =>
    asked.includes("/hook/deliveries") ? { status: 403, body: { message: "no" } } : undefined,
  );
  expect(await begin()).toEqual({ accepted: 0, requested: 0, sweptRepos: 1 });
  expect(warned).toEqual([expect.stringMatching(/^GitHub did not provide missed deliveries: no/)]);
  expect(repos).toHaveLength(1);
});

test("an installation that cannot be scanned does not stop the server", async () => {
  const { begin, warned } = await openGitHub([], (asked) =>
    asked.startsWith("GET /installation/") ? { status: 404, body: { message: "gone" } } : undefined,
  );
  expect(await begin()).toEqual({ accepted: 0, requested: 0, sweptRepos: 0 });
  expect(warned).toEqual([expect.stringContaining("installation 7 could not be scanned")]);
});

test("a running server recovers failed deliveries periodically", async () => {
  let isMissed = false;
  /** Always the current time, so that a slow machine does not matter. */
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
  const names: string[] = [];
  const service = await startService({
    credentials: { appId: 1, privateKey: PRIVATE_KEY, secret: SECRET },
    baseUrl: outer.url,
    inbox: temporaryDir(),
    port: 0,
    host: "127.0.0.1",
    parts: () => ({
      readEvent: (name) => (names.push(name), { intents: [] }),
      handle: () => Promise.resolve(),
      stop: () => Promise.resolve(),
    }),
    self: () => Promise.resolve({ botIds: [], slug: "test" }),
    log: () => undefined,
    recoverMs: 50,
  });
  onTestFinished(() => service.stop());
  await until("the second look", () => outer.asked.filter((one) => one.includes("deliveries?")).length > 1);
  expect(names).toEqual([]);
  isMissed = true;
  await until("the delivery is handled", () => names.length > 0);
  const looks = outer.asked.length;
  await until("further looks", () => outer.asked.length > looks + 5);
  expect(names).toEqual(["push"]);
  // Repositories are scanned once, at the start.
  expect(outer.asked.filter((one) => one.startsWith("GET /app/installations?"))).toHaveLength(1);
});
