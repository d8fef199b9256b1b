/**
 * Recovers deliveries that were missed while the server was down, from GitHub's log and with a sweep.
 *
 * Invariants:
 * - Recovered deliveries go through the inbox, oldest first, so that duplicates are recognised.
 * - The number of requests is limited and paced.
 * - A failure is a warning, and never stops the server.
 */
import { setTimeout } from "node:timers/promises";
import type { Probot } from "probot";
import type { Inbox } from "./inbox.ts";
import type { Repo } from "../api/repo.ts";
import { DELIVERY } from "../timing.ts";

export interface RedeliverOptions {
  readonly app: Pick<Probot, "auth">;
  readonly inbox: Pick<Inbox, "accept" | "has">;
  /** When the last delivery arrived before the server started; undefined when the inbox is new. */
  readonly since: number | undefined;
  /** Scans repositories regardless of their deliveries. Omitted when no sweep is needed. */
  readonly sweep?: ((repos: readonly Repo[]) => Promise<void>) | undefined;
  /** How far back the log is read, in milliseconds. */
  readonly logWindowMs?: number;
  readonly warn: (text: string) => void;
  readonly now?: () => number;
  /** Aborted when the server stops. */
  readonly signal?: AbortSignal;
  /** The time between two requests. */
  readonly paceMs?: number;
  readonly maxPages?: number;
  readonly maxDeliveries?: number;
}

export interface RedeliverResult {
  /** Deliveries that were added to the inbox. */
  readonly accepted: number;
  /** Deliveries that GitHub was asked to send again. */
  readonly requested: number;
  readonly sweptRepos: number;
}

interface LoggedDelivery {
  /** A string, because it can exceed the safe integers. */
  readonly id: string;
  readonly guid: string;
  readonly event: string;
  readonly at: number;
  readonly isDelivered: boolean;
}

type App = Awaited<ReturnType<Probot["auth"]>>;

const MAX_PAGES = 30;
const MAX_DELIVERIES = 1000;

type ResolvedOptions = Required<Omit<RedeliverOptions, "paceMs" | "sweep">> & {
  readonly pace: () => Promise<void>;
};

/** Never rejects. */
export async function redeliver(options: RedeliverOptions): Promise<RedeliverResult> {
  const {
    paceMs = DELIVERY.redeliverPaceMs,
    signal = new AbortController().signal,
    sweep,
    ...rest
  } = options;
  const pace = () => setTimeout(paceMs, undefined, { signal, ref: false });
  const all: ResolvedOptions = {
    now: Date.now,
    maxPages: MAX_PAGES,
    maxDeliveries: MAX_DELIVERIES,
    logWindowMs: DELIVERY.logMs,
    ...rest,
    signal,
    pace,
  };
  const delivered = await warnOnFailure(all, "missed deliveries", { accepted: 0, requested: 0 }, () =>
    recoverFromLog(all),
  );
  const repos =
    sweep === undefined
      ? 0
      : await warnOnFailure(all, "the list of all repositories", 0, () => sweepAll(all, sweep));
  return { ...delivered, sweptRepos: repos };
}

async function warnOnFailure<T>(
  { warn }: RedeliverOptions,
  what: string,
  none: T,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    warn(`GitHub did not provide ${what}: ${error instanceof Error ? error.message : String(error)}`);
    return none;
  }
}

async function recoverFromLog(options: ResolvedOptions): Promise<{ accepted: number; requested: number }> {
  const { app, inbox, since, pace, warn, maxDeliveries } = options;
  const github = await app.auth();
  const missed = missedDeliveries(await readLog(options, github), inbox, since);
  if (missed.length > maxDeliveries)
    warn(`${missed.length} deliveries were missed; only the newest ${maxDeliveries} are recovered`);
  let accepted = 0;
  let requested = 0;
  for (const delivery of missed.slice(-maxDeliveries)) {
    await pace();
    const { data } = await github.request("GET /app/hook/deliveries/{delivery_id}", {
      delivery_id: delivery.id as never,
    });
    const payload: unknown = data.request.payload;
    if (typeof payload === "object" && payload !== null) {
      const result = await inbox.accept({ id: delivery.guid, name: delivery.event, payload });
      if (result === "new") accepted++;
    } else {
      await github.request("POST /app/hook/deliveries/{delivery_id}/attempts", {
        delivery_id: delivery.id as never,
      });
      requested++;
    }
  }
  return { accepted, requested };
}

/** Newest first, up to the limits of time and pages. */
async function readLog(
  { now, logWindowMs, pace, maxPages, warn }: ResolvedOptions,
  github: App,
): Promise<LoggedDelivery[]> {
  const oldest = now() - logWindowMs;
  const deliveries: LoggedDelivery[] = [];
  let page = 0;
  for await (const { data } of github.paginate.iterator("GET /app/hook/deliveries", {
    per_page: 100,
  })) {
    const lines = data.map(({ id, guid, event, delivered_at, status_code }) => ({
      id: String(id),
      guid,
      event,
      at: Date.parse(delivered_at),
      isDelivered: status_code >= 200 && status_code < 300,
    }));
    deliveries.push(...lines.filter(({ at }) => at > oldest));
    if (lines.some(({ at }) => at <= oldest)) break;
    if (++page >= maxPages) {
      warn(`the log of deliveries is longer than ${maxPages} pages; the sweep covers older deliveries`);
      break;
    }
    await pace();
  }
  return deliveries;
}

/**
 * Deliveries that failed, and successful ones that are newer than the inbox: its folder can be lost.
 * A new inbox trusts every success in the log.
 */
function missedDeliveries(
  log: readonly LoggedDelivery[],
  inbox: Pick<Inbox, "has">,
  since = Infinity,
): LoggedDelivery[] {
  const delivered = new Set(log.filter(({ isDelivered }) => isDelivered).map(({ guid }) => guid));
  // A repeated delivery is in the log more than once.
  const unique = new Map(log.map((delivery) => [delivery.guid, delivery]));
  return [...unique.values()]
    .filter(({ guid, at }) => !inbox.has(guid) && (!delivered.has(guid) || at > since))
    .toSorted((a, b) => a.at - b.at);
}

async function sweepAll(
  { app, pace, signal, warn }: ResolvedOptions,
  sweep: NonNullable<RedeliverOptions["sweep"]>,
): Promise<number> {
  const github = await app.auth();
  let count = 0;
  for await (const { data } of github.paginate.iterator("GET /app/installations", {
    per_page: 100,
  })) {
    for (const { id, suspended_at } of data) {
      if (suspended_at) continue;
      await pace();
      try {
        const repos = await listRepos(await app.auth(id), pace);
        if (repos.length > 0) await sweep(repos);
        count += repos.length;
      } catch (error) {
        signal.throwIfAborted();
        warn(`installation ${id} could not be scanned: ${String(error)}`);
      }
    }
  }
  return count;
}

async function listRepos(github: App, pace: ResolvedOptions["pace"]): Promise<Repo[]> {
  const repos: Repo[] = [];
  const pages = github.paginate.iterator("GET /installation/repositories", {
    per_page: 100,
  });
  for await (const { data } of pages) {
    for (const { name, owner, archived } of data) {
      if (!archived) repos.push({ owner: owner.login, name });
    }
    await pace();
  }
  return repos;
}
