/** `trailhand serve`: invalid settings, shutdown, and no accepted delivery lost after a kill. */
import { spawnSync } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import {
  environmentOfServer,
  makeWebhooks,
  readWorked,
  send,
  sendAll,
  startServer,
  untilWorked,
  type Serving,
  type Webhook,
} from "../../../bench/webhook-load.ts";
import { readBaseUrl, readCredentials } from "../../../src/github/api/credentials.ts";
import type { InboxStats } from "../../../src/github/webhooks/inbox.ts";
import { DiskInbox } from "../../../src/github/webhooks/disk-inbox.ts";
import { deliveryInboxFolder, startService } from "../../../src/server/service.ts";
import { type ServiceParts } from "../../../src/server/service-parts.ts";
import { cliIn, cliStart, introduce, listen } from "../../support/run-cli.ts";
import { makeRepo, temporaryDir } from "../../support/temp-repo.ts";
import { PRIVATE_KEY, stubGitHub } from "../../support/webhooks.ts";
import { until } from "../../support/until.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
/** The server that `npm run bench` measures. */
const PROGRAM = join(ROOT, "dist", "webhooks.mjs");

async function start(dir: string, port = 0): Promise<Serving> {
  const serving = await startServer(PROGRAM, environmentOfServer(), dir, String(port));
  onTestFinished(async () => {
    serving.child.kill("SIGKILL");
    await serving.ended;
  });
  return serving;
}

test.each([
  [{}, ["APP_ID", "PRIVATE_KEY or PRIVATE_KEY_PATH", "WEBHOOK_SECRET"]],
  [{ APP_ID: "1", WEBHOOK_SECRET: "s" }, ["PRIVATE_KEY or PRIVATE_KEY_PATH"]],
  [{ APP_ID: "1", PRIVATE_KEY, WEBHOOK_SECRET: " " }, ["WEBHOOK_SECRET"]],
])("without credentials it says which are missing, and sends no request", async (env, missing) => {
  const github = await stubGitHub(() => undefined);
  const said = cliIn(temporaryDir(), { ...env, GITHUB_API_URL: github.url }, "serve", "--port", "0");
  expect(said.code).toBe(2);
  expect(said.err).toContain(`lacks credentials of the GitHub App: ${missing.join(", ")}.`);
  expect(said.err).toContain("next: trailhand app-manifest");
  expect(said.out).toBe("");
  expect(github.asked).toEqual([]);
});

test("a key is read as text, on one line, as base64 and from a file; an invalid one is refused", () => {
  const path = join(temporaryDir(), "key.pem");
  writeFileSync(path, PRIVATE_KEY);
  const base = { APP_ID: "12", WEBHOOK_SECRET: "s" };
  for (const given of [
    { PRIVATE_KEY },
    { PRIVATE_KEY: `"${PRIVATE_KEY.trim().replaceAll("\n", "\\n")}"` },
    { PRIVATE_KEY: Buffer.from(PRIVATE_KEY).toString("base64") },
    { PRIVATE_KEY_PATH: path },
  ]) {
    const { privateKey } = readCredentials({ ...base, ...given });
    expect(privateKey.trim()).toBe(PRIVATE_KEY.trim());
  }
  expect(() => readCredentials({ ...base, PRIVATE_KEY: "hello" })).toThrow("cannot be read");
  expect(() => readCredentials({ ...base, PRIVATE_KEY_PATH: "/nowhere" })).toThrow("ENOENT");
  expect(() => readCredentials({ ...base, APP_ID: "Iv1.abc", PRIVATE_KEY })).toThrow("APP_ID");
  expect(readBaseUrl({ GHE_HOST: "ghe.example.com" })).toBe("https://ghe.example.com/api/v3");
  expect(() => readBaseUrl({ GITHUB_API_URL: "ghe.example.com" })).toThrow("GITHUB_API_URL");
});

test("the program serves, reports its health, and exits with 0 after a signal", async () => {
  const github = await stubGitHub((asked) => (asked.startsWith("GET /app/") ? { body: [] } : undefined));
  const repo = makeRepo();
  const env = { APP_ID: "1", PRIVATE_KEY, WEBHOOK_SECRET: "s", GITHUB_API_URL: github.url };
  const { child, said, exited } = listen(
    cliStart(repo, { ...env, XDG_STATE_HOME: repo.cache }, "serve", "--port", "0"),
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  let out = "";
  child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString()));
  await until("it listens", () => out.includes("\n"));
  expect(out.trim()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/api\/github\/webhooks$/);
  const ready = await fetch(new URL("/readyz", out.trim()));
  expect(await ready.json()).toEqual({ ready: true, waiting: 0, working: 0, failed: [] });
  await until("it asked for what it missed", () =>
    github.asked.some((one) => one.includes("/hook/deliveries")),
  );
  child.kill("SIGTERM");
  expect(await exited).toBe(0);
  expect(said()).toContain("Stopped.");
  expect(said()).not.toContain("Warning");
});

test("a port or an inbox in use is reported", async () => {
  const dir = temporaryDir();
  const { child } = await start(dir);
  const env = environmentOfServer();
  const inbox = cliIn(dir, env, "serve", "--port", "0", "--inbox", join(dir, "inbox"));
  expect(inbox.err).toContain(`is in use by a running server, process ${child.pid}`);
  const other = createServer();
  await new Promise<void>((resolve) => {
    other.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => void other.close());
  const { port } = other.address() as AddressInfo;
  const taken = cliIn(dir, env, "serve", "--port", String(port), "--inbox", join(dir, "other"));
  expect(taken).toMatchObject({ code: 2, err: expect.stringContaining("EADDRINUSE") });
});

test("doctor lists dead letters with their reasons", async () => {
  const repo = introduce(makeRepo());
  const state = temporaryDir();
  const inbox = new DiskInbox(deliveryInboxFolder({ XDG_STATE_HOME: state }, 1, undefined));
  onTestFinished(() => inbox.close());
  await inbox.accept({ id: "abc-1", name: "push", payload: {} });
  await inbox.take();
  await inbox.giveUp("abc-1", "no such branch\u001b[2J");
  const said = cliIn(repo.dir, { XDG_STATE_HOME: state, XDG_CACHE_HOME: repo.cache }, "doctor", "--json");
  const { findings } = JSON.parse(said.out) as { findings: readonly { about: string; what: string }[] };
  const found = findings.filter(({ about }) => about === "delivery");
  expect(found).toMatchObject([
    { level: "odd", what: expect.stringMatching(/^push abc-1 was given up at .*: no such branch/) },
  ]);
  expect(found[0]?.what).not.toContain("\u001b");
});

test("a stop finishes the current deliveries, and leaves the rest to the next server", async () => {
  const dir = temporaryDir();
  const env = environmentOfServer();
  const acted: string[] = [];
  let release: () => void = () => undefined;
  const parts = (): ServiceParts => ({
    readEvent(_name, payload) {
      const { after } = payload as { after: string };
      return { intents: [{ kind: "wake", repo: { owner: "a", name: "b" }, branch: after }] };
    },
    async handle(intent) {
      await new Promise<void>((resolve) => (release = resolve));
      if (intent.kind === "wake") acted.push(intent.branch ?? "");
    },
    stop: () => Promise.resolve(),
  });
  const service = await startService({
    credentials: readCredentials(env),
    baseUrl: readBaseUrl(env),
    inbox: join(dir, "inbox"),
    port: 0,
    host: "127.0.0.1",
    parts,
    self: () => Promise.resolve({ botIds: [], slug: "test" }),
    log: () => undefined,
  });
  // The first and the 21st delivery belong to the same repository.
  const all = makeWebhooks(21);
  const [first, last] = [all[0], all[20]];
  if (!first || !last) throw new Error("there are too few");
  expect(await send(service.port, first)).toMatchObject({ status: 202 });
  expect(await send(service.port, last)).toMatchObject({ status: 202 });
  await until("one is being worked on", () => release.length === 1);
  let stopped = false;
  const stop = service.stop().then(() => (stopped = true));
  expect(await send(service.port, last)).toMatchObject({ status: undefined });
  expect(stopped).toBe(false);
  release();
  await stop;
  expect(acted).toEqual([first.mark]);

  await start(dir);
  expect(await untilWorked(dir, [last], 10_000)).toEqual([]);
  expect([...readWorked(dir).keys()]).toEqual([last.mark]);
});

test("none of 300 signed webhooks is lost after kill -9", async () => {
  const dir = temporaryDir();
  const all = makeWebhooks(300);
  const { port, child, ended } = await start(dir);
  let sending = 0;
  const sent = await sendAll(() => (++sending === 150 && child.kill("SIGKILL"), port), all, 400);
  await ended;
  const answered = sent.filter(({ status }) => status === 202).map(({ webhook }) => webhook);
  expect(answered.length).toBeGreaterThan(0);
  expect(answered.length).toBeLessThan(150);
  await start(dir, port);
  const marks = (some: readonly Webhook[]) => some.map(({ mark }) => mark);
  expect(marks(await untilWorked(dir, answered, 20_000))).toEqual([]);

  // Everything is delivered again; finished deliveries are not handled again.
  let left = 1;
  while (left > 0) {
    const ready = (await (await fetch(`http://127.0.0.1:${port}/readyz`)).json()) as InboxStats;
    left = ready.waiting + ready.working;
  }
  const before = readWorked(dir);
  const again = await sendAll(() => port, all, 400);
  expect(again.filter(({ status }) => status !== 202)).toEqual([]);
  expect(marks(await untilWorked(dir, all, 20_000))).toEqual([]);
  const after = readWorked(dir);
  expect(after.size).toBe(300);
  expect([...after].filter(([mark, times]) => times !== (before.get(mark) ?? 1))).toEqual([]);
});

test("other commands load none of GitHub's packages, and work without them", () => {
  const away = join(temporaryDir(), "dist");
  cpSync(join(ROOT, "dist"), away, { recursive: true });
  const repo = makeRepo();
  const env = { XDG_CACHE_HOME: repo.cache };
  const run = (...words: readonly string[]) =>
    spawnSync(process.execPath, [join(away, "trailhand.js"), ...words], {
      cwd: repo.dir,
      env: { ...process.env, ...env, APP_ID: "1", PRIVATE_KEY, WEBHOOK_SECRET: "s" },
      encoding: "utf8",
      timeout: 600_000,
    });
  expect(run("status").status).toBe(0);
  expect(run("help", "serve").status).toBe(0);
  // The probe can fail: a server needs the packages.
  expect(run("serve", "--port", "0", "--inbox", repo.cache).stderr).toContain("ERR_MODULE_NOT_FOUND");
});
