/**
 * The lease record: who runs a request now, or how long its next attempt rests.
 *
 * What must hold: no time stamp is in it; a lease is mine when its run is mine, whatever its object
 * id; the attempt number is counted here, on the work, and no takeover resets it. Its ref is named
 * by a hash, because branch names clash as directories and on disks that fold case.
 */
import { formatAmounts, NO_AMOUNTS, parseAmounts, addAmounts, type Amounts } from "../util/amounts.ts";
import { cleanLine, redact } from "../util/redact.ts";
import { composeMessage } from "./compose.ts";
import { parseBranch, parseRunId, parseSha, type Branch, type RunId, type Sha } from "./ids.ts";
import { parseMessage, valueOf } from "./message.ts";
import { KEY } from "./trailer-keys.ts";
import { LEASE_LIMITS } from "./limits.ts";

/** The process that holds a lease, so that on its own machine its death is certain at once. */
export interface Holder {
  readonly boot: string;
  readonly pid: number;
  /** Start time of the process in the system's own units: process ids are used again. */
  readonly started: string;
}

export interface Lease {
  readonly branch: Branch;
  readonly request: Sha;
  readonly run: RunId;
  readonly runner: string;
  /** The attempt that runs now; while resting, the attempts used up. */
  readonly attempt: number;
  readonly ttlMs: number;
  readonly nonce: string;
  readonly lanes: readonly string[];
  /** The places that the run takes in lanes that have a capacity, such as `agents/0`. */
  readonly slots: readonly string[];
  /** What attempts at this request have spent so far, those that did not answer included. */
  readonly spent: Amounts;
  readonly holder?: Holder;
  /** Set between attempts: nobody runs, and the next attempt waits this long after it was seen. */
  readonly backoff?: { readonly ms: number; readonly why: string };
}

/** The message of the lease commit, which is a root commit with the empty tree. */
export function formatLease(lease: Lease): string {
  const { holder, backoff } = lease;
  const spent = formatAmounts(lease.spent);
  return composeMessage({
    header: backoff
      ? `lease: ${lease.branch} rests after attempt ${lease.attempt}`
      : `lease: attempt ${lease.attempt} on ${lease.branch}`,
    trailers: [
      { key: KEY.branch, value: lease.branch },
      { key: KEY.request, value: lease.request },
      { key: KEY.run, value: lease.run },
      { key: KEY.runner, value: lease.runner },
      { key: KEY.attempt, value: String(lease.attempt) },
      { key: KEY.lane, value: lease.lanes.join(" ") },
      ...(lease.slots.length === 0 ? [] : [{ key: KEY.slot, value: lease.slots.join(" ") }]),
      ...(spent === undefined ? [] : [{ key: KEY.spent, value: spent }]),
      { key: KEY.ttlMs, value: String(lease.ttlMs) },
      { key: KEY.nonce, value: lease.nonce },
      ...(holder ? [{ key: KEY.process, value: `${holder.boot} ${holder.pid} ${holder.started}` }] : []),
      ...(backoff
        ? [
            { key: KEY.restMs, value: String(backoff.ms) },
            // What a script or a parser said: of many lines, perhaps, or of none.
            { key: KEY.because, value: cleanLine(redact(backoff.why)) || "-" },
          ]
        : []),
    ],
  });
}

/** Reads a lease commit; undefined when it is none of ours. Foreign numbers are clamped. */
export function parseLease(message: string): Lease | undefined {
  const { trailers } = parseMessage(message);
  const value = (key: string) => valueOf(trailers, key) ?? "";
  const branch = parseBranch(value(KEY.branch));
  const request = parseSha(value(KEY.request));
  const run = parseRunId(value(KEY.run));
  const attempt = integer(value(KEY.attempt), 0, LEASE_LIMITS.maxAttempt);
  const ttlMs = integer(value(KEY.ttlMs), LEASE_LIMITS.shortestMs, LEASE_LIMITS.longestMs);
  if (!branch || !request || !run || attempt === undefined || ttlMs === undefined) return undefined;
  const holder = readHolder(value(KEY.process));
  const rest = integer(value(KEY.restMs), 0, LEASE_LIMITS.longestBackoffMs);
  return {
    branch,
    request,
    run,
    attempt,
    ttlMs,
    runner: value(KEY.runner),
    nonce: value(KEY.nonce),
    lanes: (value(KEY.lane) || "default").split(" "),
    slots: value(KEY.slot)
      .split(" ")
      .filter((one) => /^[a-z0-9][a-z0-9._-]*\/\d{1,4}$/.test(one)),
    spent: addAmounts(NO_AMOUNTS, parseAmounts(value(KEY.spent)) ?? {}),
    ...(holder ? { holder } : {}),
    ...(rest === undefined ? {} : { backoff: { ms: rest, why: value(KEY.because) } }),
  };
}

function readHolder(text: string): Holder | undefined {
  const [boot, pid, started] = text.split(" ");
  // 0 and numbers below it mean a whole group to the system, and must never be signalled.
  if (!boot || !pid || !started || !/^[1-9]\d{0,9}$/.test(pid)) return undefined;
  return { boot, pid: Number(pid), started };
}

function integer(text: string, low: number, high: number): number | undefined {
  return /^\d{1,15}$/.test(text) ? Math.min(high, Math.max(low, Number(text))) : undefined;
}
