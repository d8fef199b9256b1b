/**
 * Applies the quotas of lanes: runs, tokens or USD within a window, opening hours, and closed lanes.
 *
 * Invariants:
 * - A run is marked in the swap that claims it, on one of as many refs as the lane allows runs. So
 *   concurrent runners cannot start one run too many.
 * - The use of a run is known only after it. So tokens and USD stop the next run, not this one.
 */
import type { QuotaClaim, Run, DecisionReason } from "./decide.ts";
import type { Ref } from "../protocol/ids.ts";
import { USED } from "../protocol/refs.ts";
import { hashScore } from "./sharding.ts";
import type { Now, Snapshot } from "./snapshot.ts";
import type { Lane } from "../workflow/workflow.ts";
import { MINUTE_MS } from "../util/duration.ts";

/** Mark refs of a lane that limits tokens or USD, but not runs. */
const UNLIMITED_MARKS = 1000;
const DAY_MINUTES = 24 * 60;

/**
 * The mark that a run writes in a lane, or why it cannot start now. Undefined if the lane has no
 * quota. `assigned` holds the marks that this pass has given to other runs.
 */
export function findQuota(
  snapshot: Snapshot,
  run: Run,
  name: string,
  lane: Lane,
  now: Now,
  assigned: ReadonlySet<Ref>,
): QuotaClaim | DecisionReason | undefined {
  const closedUntil = snapshot.sideRefs.closedUntil.get(name) ?? 0;
  if (closedUntil > now.wall) return { code: "lane-closed", detail: name, until: closedUntil };
  const opens = opensAt(lane.open, now.wall);
  if (opens > now.wall) return { code: "lane-closed", detail: name, until: opens };
  if (lane.runs === undefined && lane.tokens === undefined && lane.cost === undefined) return undefined;
  const marks = snapshot.sideRefs.laneUsage.filter((mark) => mark.lane === name);
  const live = marks.filter(({ at }) => at + lane.window > now.wall);
  const sum = (key: "tokens" | "cost") => live.reduce((total, mark) => total + mark[key], 0);
  const isExhausted =
    (lane.tokens !== undefined && sum("tokens") >= lane.tokens) ||
    (lane.cost !== undefined && sum("cost") >= lane.cost);
  const liveRefs = live.map(({ ref }) => ref);
  const limit = lane.runs ?? UNLIMITED_MARKS;
  const mark = isExhausted ? undefined : findFreeMark(run, name, limit, marks, liveRefs, assigned);
  if (mark) return mark;
  const oldest = Math.min(...live.map(({ at }) => at), now.wall);
  return { code: "lane-closed", detail: name, until: oldest + lane.window };
}

function findFreeMark(
  run: Run,
  lane: string,
  limit: number,
  marks: Snapshot["sideRefs"]["laneUsage"],
  liveRefs: readonly Ref[],
  assigned: ReadonlySet<Ref>,
): QuotaClaim | undefined {
  // Live marks above a limit that was lowered still count.
  const newMarks = [...assigned].filter((ref) => ref.startsWith(`${USED}${lane}/`));
  if (liveRefs.length + newMarks.length >= limit) return undefined;
  const start = hashScore("", run.head.key) % limit;
  for (let step = 0; step < limit; step++) {
    const ref = `${USED}${lane}/${(start + step) % limit}` as Ref;
    if (liveRefs.includes(ref) || assigned.has(ref)) continue;
    return { lane, ref, expected: marks.find((mark) => mark.ref === ref)?.value ?? null };
  }
  return undefined;
}

/**
 * The next time at which a lane with opening hours (UTC, `08:00-18:00`) is open, in milliseconds
 * since 1970. It is `wall` itself while the lane is open.
 */
export function opensAt(hours: string | undefined, wall: number): number {
  if (hours === undefined) return wall;
  const [from = 0, to = 0] = hours
    .split("-")
    .map((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)));
  const minute = Math.floor(wall / MINUTE_MS) % DAY_MINUTES;
  const isOpen = from <= to ? minute >= from && minute < to : minute >= from || minute < to;
  if (isOpen || from === to) return wall;
  return wall - (wall % MINUTE_MS) + ((from - minute + DAY_MINUTES) % DAY_MINUTES) * MINUTE_MS;
}
