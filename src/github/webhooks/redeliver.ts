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

export interface RedeliverOptions {
  readonly app: Pick<Probot, "auth">;
  readonly inbox: Pick<Inbox, "accept" | "knows">;
  /** When the last delivery came before this server began; undefined: there is no memory. */
  readonly since: number | undefined;
  /** Looks at repositories whatever was delivered; left out: they are looked at otherwise. */
  readonly sweep?: ((repos: readonly Repo[]) => Promise<void>) | undefined;
  /** How far back the log is read, in milliseconds. */
  readonly backMs?: number;
  readonly warn: (text: string) => void;
  readonly now?: () => number;
  /** The server stops: nothing more is asked for. */
  readonly signal?: AbortSignal;
  /** Between two requests. */
  readonly paceMs?: number;
  readonly pages?: number;
  readonly most?: number;
}

export interface RedeliverResult {
  /** Deliveries that are in the inbox now. */
  readonly accepted: number;
  /** Deliveries that GitHub was asked to make again. */
  readonly asked: number;
  readonly repos: number;
}

/** A line of GitHub's log. */
interface Logged {
  /** Larger than a number can be told exactly. */
  readonly id: string;
  readonly guid: string;
  readonly event: string;
  readonly at: number;
  readonly ok: boolean;
}

type App = Awaited<ReturnType<Probot["auth"]>>;

/** GitHub keeps its log as long. */
const LOG_MS = 3 * 24 * 60 * 60 * 1000;
const PAGES = 30;
const MOST = 1000;
const PACE_MS = 100;

type Ready = Required<Omit<RedeliverOptions, "paceMs" | "sweep">> & { readonly pace: () => Promise<void> };

/** Never rejects. */
export async function redeliver(options: RedeliverOptions): Promise<RedeliverResult> {
  const { paceMs = PACE_MS, signal = new AbortController().signal, sweep, ...given } = options;
  const pace = () => setTimeout(paceMs, undefined, { signal, ref: false });
  const all: Ready = {
    now: Date.now,
    pages: PAGES,
    most: MOST,
    backMs: LOG_MS,
    ...given,
    signal,
    pace,
  };
  const delivered = await attempt(all, "missed deliveries", { accepted: 0, asked: 0 }, () => fromLog(all));
  const repos =
    sweep === undefined ? 0 : await attempt(all, "a look at every repository", 0, () => sweepAll(all, sweep));
  return { ...delivered, repos };
}

async function attempt<T>(
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

async function fromLog(options: Ready): Promise<{ accepted: number; asked: number }> {
  const { app, inbox, since, pace, warn, most } = options;
  const github = await app.auth();
  const missed = missing(await readLog(options, github), inbox, since);
  if (missed.length > most)
    warn(`${missed.length} deliveries were missed; the youngest ${most} are recovered`);
  let accepted = 0;
  let asked = 0;
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
      asked++;
    }
  }
  return { accepted, asked };
}

/** The youngest first, as far back as GitHub and our patience go. */
async function readLog({ now, backMs, pace, pages, warn }: Ready, github: App): Promise<Logged[]> {
  const oldest = now() - backMs;
  const found: Logged[] = [];
  let page = 0;
  for await (const { data } of github.paginate.iterator("GET /app/hook/deliveries", {
    per_page: 100,
  })) {
    const lines = data.map((one) => ({
      id: String(one.id),
      guid: one.guid,
      event: one.event,
      at: Date.parse(one.delivered_at),
      ok: one.status_code >= 200 && one.status_code < 300,
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
function missing(log: readonly Logged[], inbox: Pick<Inbox, "knows">, since = Infinity): Logged[] {
  const well = new Set(log.filter(({ ok }) => ok).map(({ guid }) => guid));
  // A delivery that was made again is in the log more than once.
  const once = new Map(log.map((one) => [one.guid, one]));
  return [...once.values()]
    .filter(({ guid, at }) => !inbox.knows(guid) && (!well.has(guid) || at > since))
    .toSorted((a, b) => a.at - b.at);
}

async function sweepAll(
  { app, pace, signal, warn }: Ready,
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

async function listRepos(github: App, pace: Ready["pace"]): Promise<Repo[]> {
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
