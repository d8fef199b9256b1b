/**
 * Formats and parses the lease record: which run executes a request, or how long its back-off lasts.
 *
 * Invariants:
 * - It contains no time stamp, because the clocks of two machines differ.
 * - A run owns the lease that names it, whatever the id of the commit.
 * - The attempt number belongs to the request, and a take-over does not reset it.
 */
import { formatAmounts, NO_AMOUNTS, parseAmounts, addAmounts, type Amounts } from "../util/amounts.ts";
import { cleanLine, redact } from "../util/redact.ts";
import { composeMessage } from "./compose.ts";
import { parseBranch, parseRunId, parseSha, type Branch, type RunId, type Sha } from "./ids.ts";
import { parseMessage, valueOf } from "./message.ts";
import { KEY } from "./trailer-keys.ts";
import { LEASE_LIMITS } from "./limits.ts";

/** The process of the runner. On its own machine, other runners see at once that it has died. */
export interface Holder {
  readonly boot: string;
  readonly pid: number;
  /** Start time of the process, in units of the system: process ids are reused. */
  readonly started: string;
}

export interface Lease {
  readonly branch: Branch;
  readonly request: Sha;
  readonly run: RunId;
  readonly runner: string;
  /** The number of the running attempt; during a back-off, the number of used attempts. */
  readonly attempt: number;
  readonly ttlMs: number;
  readonly nonce: string;
  readonly lanes: readonly string[];
  /** The slots that the run holds in lanes with a capacity, such as `agents/0`. */
  readonly slots: readonly string[];
  /** What all attempts at this request have spent so far, failed ones included. */
  readonly spent: Amounts;
  readonly holder?: Holder;
  /** Set between two attempts: the next one waits this long after an observer first saw the record. */
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
            // The text of a script or a parser may have many lines, or none.
            { key: KEY.because, value: cleanLine(redact(backoff.why)) || "-" },
          ]
        : []),
    ],
  });
}

/** Undefined if the message is not a lease record. Numbers out of bounds are clamped. */
export function parseLease(message: string): Lease | undefined {
  const { trailers } = parseMessage(message);
  const value = (key: string) => valueOf(trailers, key) ?? "";
  const branch = parseBranch(value(KEY.branch));
  const request = parseSha(value(KEY.request));
  const run = parseRunId(value(KEY.run));
  const attempt = integer(value(KEY.attempt), 0, LEASE_LIMITS.maxAttempt);
  const ttlMs = integer(value(KEY.ttlMs), LEASE_LIMITS.shortestMs, LEASE_LIMITS.longestMs);
  if (!branch || !request || !run || attempt === undefined || ttlMs === undefined) return undefined;
  const holder = parseHolder(value(KEY.process));
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

function parseHolder(text: string): Holder | undefined {
  const [boot, pid, started] = text.split(" ");
  // To the system, 0 and negative ids mean a whole process group, which must never be signalled.
  if (!boot || !pid || !started || !/^[1-9]\d{0,9}$/.test(pid)) return undefined;
  return { boot, pid: Number(pid), started };
}

function integer(text: string, low: number, high: number): number | undefined {
  return /^\d{1,15}$/.test(text) ? Math.min(high, Math.max(low, Number(text))) : undefined;
}
