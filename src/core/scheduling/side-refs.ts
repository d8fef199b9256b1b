/**
 * Writes and reads the side refs that influence decisions: lane usage, closed lanes, checks, hold.
 *
 * Invariants:
 * - Each is one small commit that `git log` can display.
 * - A value that cannot be read is ignored.
 */
import { composeMessage } from "../protocol/compose.ts";
import type { Ref, Sha } from "../protocol/ids.ts";
import { CHECKS, CLOSED, HOLD, USED } from "../protocol/refs.ts";
import { parseMessage, valueOf, valuesOf } from "../protocol/message.ts";
import type { CheckResults, SideRefs, LaneUsage } from "./snapshot.ts";
import { KEY } from "../protocol/trailer-keys.ts";

export interface LaneRun {
  readonly lane: string;
  readonly run: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly tokens: number;
  /** USD. */
  readonly cost: number;
}

/** The message of a run's mark in the quota of a lane. */
export function formatLaneRun({ lane, run, at, tokens, cost }: LaneRun): string {
  return composeMessage({
    header: `used: a run in the lane ${lane}`,
    trailers: [
      { key: KEY.lane, value: lane },
      { key: KEY.run, value: run },
      { key: KEY.at, value: String(Math.round(at)) },
      { key: KEY.tokens, value: String(tokens) },
      { key: KEY.cost, value: `${cost} USD` },
    ],
  });
}

/** The message that closes a lane. `until` is in milliseconds since 1970. */
export function formatClosed(lane: string, until: number, why: string): string {
  return composeMessage({
    header: `closed: the lane ${lane}: ${why}`,
    trailers: [
      { key: KEY.lane, value: lane },
      { key: KEY.until, value: String(Math.round(until)) },
    ],
  });
}

export function formatHold(why: string): string {
  return composeMessage({ header: `hold: ${why}`, trailers: [] });
}

export function formatChecks(branch: string, { commit, results }: CheckResults): string {
  return composeMessage({
    header: `checks: ${branch}`,
    trailers: [
      { key: KEY.branch, value: branch },
      { key: KEY.commit, value: commit },
      ...[...results].map(([name, result]) => ({ key: KEY.check, value: `${name}=${result}` })),
    ],
  });
}

export function readSideRefs(
  entries: Iterable<readonly [ref: string, value: Sha, message: string]>,
): SideRefs {
  const laneUsage: LaneUsage[] = [];
  const closedUntil = new Map<string, number>();
  const checks = new Map<string, CheckResults>();
  let hold: string | undefined;
  for (const [ref, value, message] of entries) {
    const { header, trailers } = parseMessage(message);
    const number = (key: string) => Number.parseFloat(valueOf(trailers, key) ?? "") || 0;
    const lane = valueOf(trailers, KEY.lane) ?? "";
    if (ref === HOLD) hold = header.replace(/^hold: /, "");
    else if (ref.startsWith(CLOSED)) closedUntil.set(lane, number(KEY.until));
    else if (ref.startsWith(USED)) {
      laneUsage.push({
        ref: ref as Ref,
        value,
        lane,
        at: number(KEY.at),
        tokens: number(KEY.tokens),
        cost: number(KEY.cost),
      });
    } else if (ref.startsWith(CHECKS)) {
      const pairs = valuesOf(trailers, KEY.check).map((text) => text.split("=") as [string, string?]);
      const results = new Map(pairs.map(([name, result = ""]) => [name, result]));
      checks.set(ref.slice(CHECKS.length), { commit: valueOf(trailers, KEY.commit) ?? "", results });
    }
  }
  return { laneUsage, closedUntil, checks, hold };
}
