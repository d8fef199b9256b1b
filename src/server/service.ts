/**
 * Assembles the GitHub App: HTTP server, inbox, dispatcher and Probot.
 *
 * Invariants:
 * - GitHub's packages are loaded only when a server starts.
 * - One process owns an inbox.
 * - A stop accepts no more connections, finishes current deliveries, and leaves the rest on disk.
 */
import { mkdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Octokit } from "@octokit/rest";
import type { Probot } from "probot";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import { createApp } from "../github/api/probot-app.ts";
import type { Credentials } from "../github/api/credentials.ts";
import type { OwnIdentity } from "../github/commands/parse-event.ts";
import type { Delivery } from "../github/api/delivery.ts";
import { loadProbot } from "../github/api/packages.ts";
import { redeliver, type RedeliverOptions } from "../github/webhooks/redeliver.ts";
import { HttpServer } from "../github/webhooks/http-server.ts";
import { DiskInbox } from "../github/webhooks/disk-inbox.ts";
import { Dispatcher } from "../github/webhooks/dispatcher.ts";
import { isGone, thisOwner, type Owner } from "../process/process-identity.ts";
import { stateFolder, shortHash, type Environment } from "../app/workspace.ts";
import { accountNumber } from "./installation.ts";
import type { ServiceParts } from "./service-parts.ts";
import { SERVER } from "./timing.ts";

export interface ServiceOptions {
  readonly credentials: Credentials;
  readonly baseUrl: string | undefined;
  readonly inbox: string;
  readonly port: number;
  readonly host: string;
  readonly parts: (app: Probot, self: () => Promise<OwnIdentity>) => ServiceParts;
  /** The default asks GitHub. */
  readonly self?: () => Promise<OwnIdentity>;
  readonly log: (text: string) => void;
  /** How often missed deliveries are recovered, in milliseconds, from the start on. Undefined: never. */
  readonly recoverMs?: number | undefined;
}

export interface Service {
  readonly port: number;
  /** Deliveries that the previous server left in the inbox. */
  readonly waiting: number;
  readonly stop: () => Promise<void>;
}

/** Throws a UserError when the inbox or the port is in use. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { log, inbox: dir } = options;
  const release = lockInbox(dir);
  try {
    const inbox = new DiskInbox(dir);
    if (inbox.brokenLines > 0) log(`${inbox.brokenLines} incomplete lines in ${dir} were skipped`);
    const app = await openApp(options);
    const self = options.self ?? identityLoader(app, options.credentials.appId);
    const parts = options.parts(app, self);
    await app.load(createApp(deliveryHandler(parts, self)));
    const server = new HttpServer({
      inbox,
      warn: log,
      verify: (body, signature) => app.webhooks.verify(body, signature),
    });
    const handle = (delivery: Delivery) => app.receive(delivery as Parameters<Probot["receive"]>[0]);
    const dispatcher = new Dispatcher({ inbox, warn: log, handle });
    const { waiting } = inbox.stats();
    const since = inbox.lastSeen();
    const port = await listen(server, options);
    dispatcher.start();
    const compact = () =>
      void inbox.compact().catch((error: unknown) => log(`the inbox cannot be compacted: ${String(error)}`));
    compact();
    const timer = setInterval(compact, SERVER.compactMs);
    const stopping = new AbortController();
    const signal = stopping.signal;
    const recovery =
      options.recoverMs === undefined
        ? undefined
        : recoverMissed({ app, inbox, since, warn: log, signal }, parts, options.recoverMs);
    const stop = async () => {
      clearInterval(timer);
      stopping.abort();
      await server.close();
      await dispatcher.stop();
      await parts.stop();
      // A request of the recovery may take long, so it is not waited for.
      await Promise.race([recovery, setTimeout(SERVER.stopMs, undefined, { ref: false })]);
      await inbox.close();
      release();
    };
    return { port, waiting, stop };
  } catch (error) {
    release();
    throw error;
  }
}

/** Returns the handler that reads a delivery and handles its intents. */
export function deliveryHandler(
  parts: ServiceParts,
  self: () => Promise<OwnIdentity>,
): (delivery: Delivery) => Promise<void> {
  return async ({ name, payload }) => {
    const { intents } = parts.readEvent(name, payload, await self());
    for (const intent of intents) await parts.handle(intent);
  };
}

/** Probot with a reduced log, because its own log would contain the text of events. */
export async function openApp({
  credentials,
  baseUrl,
  log,
}: Pick<ServiceOptions, "credentials" | "baseUrl" | "log">): Promise<Probot> {
  const { Probot, ProbotOctokit } = await loadProbot();
  const app = new Probot({
    ...credentials,
    // Its own throttle waits three seconds for each comment, in addition to ours.
    Octokit: ProbotOctokit.defaults((given: object) => ({ ...given, throttle: { enabled: false } })),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    log: quietLog(log) as never,
  });
  return app.ready();
}

/** The logger for Probot and octokit: only the first line of warnings and errors, without their data. */
function quietLog(log: (text: string) => void): object {
  const none = () => undefined;
  const warn = (...values: readonly unknown[]) => {
    const text = values.find((value): value is string => typeof value === "string");
    if (text !== undefined) log(text.split("\n")[0]?.slice(0, 500) ?? "");
  };
  const logger = { trace: none, debug: none, info: none, warn, error: warn, fatal: warn };
  return { ...logger, child: () => quietLog(log) };
}

/** Returns a function that asks GitHub for the App's identity once, and again after a failure. */
export function identityLoader(app: Probot, appId: number): () => Promise<OwnIdentity> {
  let identity: Promise<OwnIdentity> | undefined;
  return () => {
    identity ??= readIdentity(app, appId).catch((error: unknown) => {
      identity = undefined;
      throw error;
    });
    return identity;
  };
}

async function readIdentity(app: Probot, appId: number): Promise<OwnIdentity> {
  const github = await app.auth();
  const { data } = await github.request("GET /app");
  const slug = data?.slug ?? "";
  const { data: installations } = await github.request("GET /app/installations", { per_page: 1 });
  const [first] = installations;
  if (!first) throw new UserError(MESSAGES.notInstalled(slug));
  const asInstallation = (await app.auth(first.id)) as unknown as Octokit;
  return { appId, slug, botIds: [await accountNumber(asInstallation, `${slug}[bot]`)] };
}

/** Recovers missed deliveries at the start and then periodically, until its signal is aborted. */
async function recoverMissed(
  settings: Omit<RedeliverOptions, "sweep"> & { readonly signal: AbortSignal },
  parts: ServiceParts,
  everyMs: number,
): Promise<void> {
  const { signal, warn } = settings;
  const log = (text: string) => {
    if (!signal.aborted) warn(text);
  };
  const recover = async (options: Partial<RedeliverOptions>) => {
    const { accepted, requested, sweptRepos } = await redeliver({ ...settings, ...options, warn: log });
    if (accepted + requested > 0) log(`${accepted + requested} missed deliveries were recovered`);
    if (sweptRepos > 0) log(`${sweptRepos} repositories were scanned`);
  };
  await recover({ sweep: (repos) => parts.handle({ kind: "sweep", repos }) });
  for (;;) {
    await setTimeout(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return;
    // Accepted deliveries are in the inbox, and open services scan by themselves, so no sweep is needed.
    await recover({ since: undefined, logWindowMs: everyMs * SERVER.recoverRounds });
  }
}

async function listen(server: HttpServer, { port, host }: ServiceOptions): Promise<number> {
  try {
    return await server.listen(port, host);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(MESSAGES.noServePort(host, port, why), { cause });
  }
}

/** Each App has its own folder for each GitHub server. */
export function deliveryInboxFolder(env: Environment, appId: number, baseUrl: string | undefined): string {
  const suffix = baseUrl === undefined ? "" : `-${shortHash(baseUrl)}`;
  return join(stateFolder(env), `inbox-${appId}${suffix}`);
}

/** Locks the folder for this process. Throws a UserError while another running process owns it. */
function lockInbox(dir: string): () => void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, "owner.json");
  const content = JSON.stringify(thisOwner());
  for (let tries = 0; ; tries++) {
    try {
      writeFileSync(path, content, { flag: "wx", mode: 0o600 });
      return () => unlinkSync(path);
    } catch (error) {
      const owner = readOwner(path);
      if (owner && !isGone(owner)) throw new UserError(MESSAGES.inboxOwned(dir, owner.pid), { cause: error });
      if (tries > 3) throw error;
      unlinkSync(path);
    }
  }
}

function readOwner(path: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Owner;
  } catch {
    return undefined;
  }
}
