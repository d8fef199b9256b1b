/**
 * What was missed while nobody listened: from GitHub's own log of deliveries, and by a look at
 * every repository.
 *
 * What must hold: what is recovered goes into the inbox like what was delivered, the oldest first,
 * so that it is known when GitHub delivers it again; all of it is bounded and paced; what fails is
 * said, and never keeps the server from serving.
 */
import { setTimeout } from "node:timers/promises";
import type { Probot } from "probot";
import type { Inbox } from "./inbox.ts";
import type { Repo } from "../api/repo.ts";
import { DELIVERY } from "../timing.ts";

export interface RedeliverOptions {
  readonly app: Pick<Probot, "auth">;
  readonly inbox: Pick<Inbox, "accept" | "has">;
  /** When the last delivery came before this server began; undefined: there is no memory. */
  readonly since: number | undefined;
  /** Looks at repositories whatever was delivered; left out: they are looked at otherwise. */
  readonly sweep?: ((repos: readonly Repo[]) => Promise<void>) | undefined;
  /** How far back the log is read, in milliseconds. */
  readonly logWindowMs?: number;
  readonly warn: (text: string) => void;
  readonly now?: () => number;
  /** The server stops: nothing more is asked for. */
  readonly signal?: AbortSignal;
  /** Between two requests. */
  readonly paceMs?: number;
  readonly maxPages?: number;
  readonly maxDeliveries?: number;
}

export interface RedeliverResult {
  /** Deliveries that are in the inbox now. */
  readonly accepted: number;
  /** Deliveries that GitHub was asked to make again. */
  readonly requested: number;
  readonly sweptRepos: number;
}

/** A line of GitHub's log. */
interface LoggedDelivery {
  /** Larger than a number can be told exactly. */
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
    ...given
  } = options;
  const pace = () => setTimeout(paceMs, undefined, { signal, ref: false });
  const all: ResolvedOptions = {
    now: Date.now,
    maxPages: MAX_PAGES,
    maxDeliveries: MAX_DELIVERIES,
    logWindowMs: DELIVERY.logMs,
    ...given,
    signal,
    pace,
  };
  const delivered = await warnOnFailure(all, "missed deliveries", { accepted: 0, requested: 0 }, () =>
    recoverFromLog(all),
  );
  const repos =
    sweep === undefined
      ? 0
      : await warnOnFailure(all, "a look at every repository", 0, () => sweepAll(all, sweep));
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
    warn(`${what} could not be had from GitHub: ${error instanceof Error ? error.message : String(error)}`);
    return none;
  }
}

async function recoverFromLog(options: ResolvedOptions): Promise<{ accepted: number; requested: number }> {
  const { app, inbox, since, pace, warn, maxDeliveries: most } = options;
  const github = await app.auth();
  const missed = missedDeliveries(await readLog(options, github), inbox, since);
  if (missed.length > most)
    warn(`${missed.length} deliveries were missed; the youngest ${most} are recovered`);
  let accepted = 0;
  let requested = 0;
  for (const one of missed.slice(-most)) {
    await pace();
    const { data } = await github.request("GET /app/hook/deliveries/{delivery_id}", {
      delivery_id: one.id as never,
    });
    const payload: unknown = data.request.payload;
    if (typeof payload === "object" && payload !== null) {
      const came = await inbox.accept({ id: one.guid, name: one.event, payload });
      if (came === "new") accepted++;
    } else {
      await github.request("POST /app/hook/deliveries/{delivery_id}/attempts", {
        delivery_id: one.id as never,
      });
      requested++;
    }
  }
  return { accepted, requested };
}

/** The youngest first, as far back as GitHub and our patience go. */
async function readLog(
  { now, logWindowMs: backMs, pace, maxPages: pages, warn }: ResolvedOptions,
  github: App,
): Promise<LoggedDelivery[]> {
  const oldest = now() - backMs;
  const found: LoggedDelivery[] = [];
  let page = 0;
  for await (const { data } of github.paginate.iterator("GET /app/hook/deliveries", {
    per_page: 100,
  })) {
    const lines = data.map((one) => ({
      id: String(one.id),
      guid: one.guid,
      event: one.event,
      at: Date.parse(one.delivered_at),
      isDelivered: one.status_code >= 200 && one.status_code < 300,
    }));
    found.push(...lines.filter(({ at }) => at > oldest));
    if (lines.some(({ at }) => at <= oldest)) break;
    if (++page >= pages) {
      warn(`the log of deliveries is longer than ${pages} pages; what is older is left to the sweep`);
      break;
    }
    await pace();
  }
  return found;
}

/**
 * What nobody answered well; and what somebody did, but after the last that we remember: a spool can
 * be lost. With no memory at all, an answer in the log is believed.
 */
function missedDeliveries(
  log: readonly LoggedDelivery[],
  inbox: Pick<Inbox, "has">,
  since = Infinity,
): LoggedDelivery[] {
  const well = new Set(log.filter(({ isDelivered: ok }) => ok).map(({ guid }) => guid));
  // A delivery that was made again is in the log more than once.
  const once = new Map(log.map((one) => [one.guid, one]));
  return [...once.values()]
    .filter(({ guid, at }) => !inbox.has(guid) && (!well.has(guid) || at > since))
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
        warn(`installation ${id} could not be looked at: ${String(error)}`);
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
