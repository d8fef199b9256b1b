/**
 * Puts the GitHub App together: door, inbox and Probot.
 *
 * What must hold: packages of GitHub are loaded here and only when a server starts; one process owns
 * an inbox; a stop lets nobody in, ends what is being worked on, and leaves the rest on disk.
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
  /** Asked of GitHub when left out. */
  readonly self?: () => Promise<OwnIdentity>;
  readonly log: (text: string) => void;
  /** Ask GitHub for what was missed: at the start, and every so many milliseconds; left out: never. */
  readonly recoverMs?: number | undefined;
}

export interface Service {
  readonly port: number;
  /** Deliveries that were left by the server before. */
  readonly waiting: number;
  readonly stop: () => Promise<void>;
}

/** Begins to serve. Throws a Fault when the inbox or the port is taken. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { log, inbox: dir } = options;
  const release = lockInbox(dir);
  try {
    const inbox = new DiskInbox(dir);
    if (inbox.brokenLines > 0) log(`${inbox.brokenLines} half-written lines in ${dir} were passed over`);
    const app = await openApp(options);
    const self = options.self ?? identityLoader(app, options.credentials.appId);
    const parts = options.parts(app, self);
    await app.load(createApp(deliveryHandler(parts, self)));
    const door = new HttpServer({
      inbox,
      warn: log,
      verify: (body, given) => app.webhooks.verify(body, given),
    });
    const handle = (delivery: Delivery) => app.receive(delivery as Parameters<Probot["receive"]>[0]);
    const work = new Dispatcher({ inbox, warn: log, handle });
    const { waiting } = inbox.stats();
    const since = inbox.lastSeen();
    const port = await listen(door, options);
    work.start();
    const tidy = () => void inbox.compact().catch((error: unknown) => log(`the inbox: ${String(error)}`));
    tidy();
    const timer = setInterval(tidy, SERVER.compactMs);
    const stopping = new AbortController();
    const signal = stopping.signal;
    const recovered =
      options.recoverMs === undefined
        ? undefined
        : recoverMissed({ app, inbox, since, warn: log, signal }, parts, options.recoverMs);
    const stop = async () => {
      clearInterval(timer);
      stopping.abort();
      await door.close();
      await work.stop();
      await parts.stop();
      // What it waits for may never answer; the inbox takes nothing more from it.
      await Promise.race([recovered, setTimeout(SERVER.stopMs, undefined, { ref: false })]);
      await inbox.close();
      release();
    };
    return { port, waiting, stop };
  } catch (error) {
    release();
    throw error;
  }
}

/** From a delivery to what GitHub shows of it. */
export function deliveryHandler(
  parts: ServiceParts,
  self: () => Promise<OwnIdentity>,
): (delivery: Delivery) => Promise<void> {
  return async ({ name, payload }) => {
    const { intents } = parts.readEvent(name, payload, await self());
    for (const intent of intents) await parts.handle(intent);
  };
}

/** Probot with our own log: its own would write what events say. */
export async function openApp({
  credentials,
  baseUrl,
  log,
}: Pick<ServiceOptions, "credentials" | "baseUrl" | "log">): Promise<Probot> {
  const { Probot, ProbotOctokit } = await loadProbot();
  const app = new Probot({
    ...credentials,
    // Its own pace is three seconds for each comment, on top of ours.
    Octokit: ProbotOctokit.defaults((given: object) => ({ ...given, throttle: { enabled: false } })),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    log: quietLog(log) as never,
  });
  return app.ready();
}

/** The log that Probot and octokit write to: warnings alone, in one line, without what they are about. */
function quietLog(log: (text: string) => void): object {
  const none = () => undefined;
  const warn = (...given: readonly unknown[]) => {
    const text = given.find((one): one is string => typeof one === "string");
    if (text !== undefined) log(text.split("\n")[0]?.slice(0, 500) ?? "");
  };
  const logger = { trace: none, debug: none, info: none, warn, error: warn, fatal: warn };
  return { ...logger, child: () => quietLog(log) };
}

/** Who we are on GitHub, asked for once; asked for again where that failed. */
export function identityLoader(app: Probot, appId: number): () => Promise<OwnIdentity> {
  let known: Promise<OwnIdentity> | undefined;
  return () => {
    known ??= readIdentity(app, appId).catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  };
}

async function readIdentity(app: Probot, appId: number): Promise<OwnIdentity> {
  const github = await app.auth();
  const { data } = await github.request("GET /app");
  const slug = data?.slug ?? "";
  const { data: installations } = await github.request("GET /app/installations", { per_page: 1 });
  const [first] = installations;
  if (!first) throw new UserError(MESSAGES.notInstalled(slug));
  const asInstalled = (await app.auth(first.id)) as unknown as Octokit;
  return { appId, slug, botIds: [await accountNumber(asInstalled, `${slug}[bot]`)] };
}

/** What was missed before the start, then again and again what was missed since; ends with its signal. */
async function recoverMissed(
  how: Omit<RedeliverOptions, "sweep"> & { readonly signal: AbortSignal },
  parts: ServiceParts,
  everyMs: number,
): Promise<void> {
  const { signal, warn } = how;
  const tell = (text: string) => {
    if (!signal.aborted) warn(text);
  };
  const once = async (options: Partial<RedeliverOptions>) => {
    const {
      accepted,
      requested: asked,
      sweptRepos: repos,
    } = await redeliver({ ...how, ...options, warn: tell });
    if (accepted + asked > 0) tell(`${accepted + asked} missed deliveries were recovered`);
    if (repos > 0) tell(`${repos} repositories were looked at`);
  };
  await once({ sweep: (repos) => parts.handle({ kind: "sweep", repos }) });
  for (;;) {
    await setTimeout(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return;
    // What was answered since is known; stations that are open look by themselves.
    await once({ since: undefined, logWindowMs: everyMs * SERVER.recoverRounds });
  }
}

async function listen(door: HttpServer, { port, host }: ServiceOptions): Promise<number> {
  try {
    return await door.listen(port, host);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(MESSAGES.noServePort(host, port, why), { cause });
  }
}

/** Each App at each GitHub has its own. */
export function deliveryInboxFolder(env: Environment, appId: number, baseUrl: string | undefined): string {
  const where = baseUrl === undefined ? "" : `-${shortHash(baseUrl)}`;
  return join(stateFolder(env), `inbox-${appId}${where}`);
}

/** Takes the folder for this process. Throws a Fault while another one lives that has it. */
function lockInbox(dir: string): () => void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, "owner.json");
  const mine = JSON.stringify(thisOwner());
  for (let tries = 0; ; tries++) {
    try {
      writeFileSync(path, mine, { flag: "wx", mode: 0o600 });
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
