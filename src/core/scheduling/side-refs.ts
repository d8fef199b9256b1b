/**
 * Notes on side refs: what a run used of a lane's quota, a closed lane, the global stop, checks.
 *
 * What must hold: each is one small commit that `git log` shows; what cannot be read says nothing.
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

/** The mark of a run in the quota of a lane. */
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

/** A lane that is closed until a time, in milliseconds since 1970. */
export function formatClosed(lane: string, until: number, why: string): string {
  return composeMessage({
    header: `closed: the lane ${lane}: ${why}`,
    trailers: [
      { key: KEY.lane, value: lane },
      { key: KEY.until, value: String(Math.round(until)) },
    ],
  });
}

/** The global stop. */
export function formatHold(why: string): string {
  return composeMessage({ header: `hold: ${why}`, trailers: [] });
}

/** The result of a check from outside, beside those that are known of the same commit. */
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

/** What the commits of side refs say. */
export function readSideRefs(
  entries: Iterable<readonly [ref: string, value: Sha, message: string]>,
): SideRefs {
  const used: LaneUsage[] = [];
  const closed = new Map<string, number>();
  const checks = new Map<string, CheckResults>();
  let hold: string | undefined;
  for (const [name, value, text] of entries) {
    const { header, trailers } = parseMessage(text);
    const number = (key: string) => Number.parseFloat(valueOf(trailers, key) ?? "") || 0;
    const lane = valueOf(trailers, KEY.lane) ?? "";
    if (name === HOLD) hold = header.replace(/^hold: /, "");
    else if (name.startsWith(CLOSED)) closed.set(lane, number(KEY.until));
    else if (name.startsWith(USED)) {
      used.push({
        ref: name as Ref,
        value,
        lane,
        at: number(KEY.at),
        tokens: number(KEY.tokens),
        cost: number(KEY.cost),
      });
    } else if (name.startsWith(CHECKS)) {
      const pairs = valuesOf(trailers, KEY.check).map((one) => one.split("=") as [string, string?]);
      const results = new Map(pairs.map(([key, result = ""]) => [key, result]));
      checks.set(name.slice(CHECKS.length), { commit: valueOf(trailers, KEY.commit) ?? "", results });
    }
  }
  return { laneUsage: used, closedUntil: closed, checks, hold };
}
