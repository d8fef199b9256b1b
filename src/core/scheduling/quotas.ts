/**
 * Lanes that are used up rather than held: so many runs, tokens or USD within a time, open hours,
 * and lanes that a rate limit closed.
 *
 * What must hold: a run is marked in the swap that claims it, on one of as many refs as the lane has
 * runs, so that no two runners begin one too many; what it spends is known only afterwards, so tokens
 * and USD stop the next run, not this one.
 */
import type { QuotaClaim, Run, DecisionReason } from "./decide.ts";
import type { Ref } from "../protocol/ids.ts";
import { USED, usedRef } from "../protocol/refs.ts";
import { hashScore } from "./sharding.ts";
import type { Now, Snapshot } from "./snapshot.ts";
import type { Lane } from "../workflow/workflow.ts";
import { MINUTE_MS } from "../util/duration.ts";

/** Marks that there are where a lane counts no runs. */
const MARKS = 1000;
const DAY = 24 * 60;

/** The mark that a run makes in a lane; why it cannot begin now; undefined: the lane has no quota. */
export function findQuota(
  view: Snapshot,
  run: Run,
  name: string,
  lane: Lane,
  now: Now,
  given: ReadonlySet<Ref>,
): QuotaClaim | DecisionReason | undefined {
  const closed = view.sideRefs.closedUntil.get(name) ?? 0;
  if (closed > now.wall) return { code: "lane-closed", detail: name, until: closed };
  const opens = opensAt(lane.open, now.wall);
  if (opens > now.wall) return { code: "lane-closed", detail: name, until: opens };
  if (lane.runs === undefined && lane.tokens === undefined && lane.cost === undefined) return undefined;
  const marks = view.sideRefs.laneUsage.filter((one) => one.lane === name);
  const live = marks.filter(({ at }) => at + lane.window > now.wall);
  const sum = (key: "tokens" | "cost") => live.reduce((total, one) => total + one[key], 0);
  const spent =
    (lane.tokens !== undefined && sum("tokens") >= lane.tokens) ||
    (lane.cost !== undefined && sum("cost") >= lane.cost);
  const most = lane.runs ?? MARKS;
  const found = spent
    ? undefined
    : freeMark(
        run,
        name,
        most,
        marks,
        live.map(({ ref }) => ref),
        given,
      );
  if (found) return found;
  const oldest = Math.min(...live.map(({ at }) => at), now.wall);
  return { code: "lane-closed", detail: name, until: oldest + lane.window };
}

function freeMark(
  run: Run,
  lane: string,
  most: number,
  marks: Snapshot["sideRefs"]["laneUsage"],
  live: readonly Ref[],
  given: ReadonlySet<Ref>,
): QuotaClaim | undefined {
  // Marks beyond the number that was lowered meanwhile count too.
  const begun = [...given].filter((ref) => ref.startsWith(`${USED}${lane}/`));
  if (live.length + begun.length >= most) return undefined;
  const start = hashScore("", run.head.key) % most;
  for (let step = 0; step < most; step++) {
    const ref = usedRef(lane, (start + step) % most);
    if (live.includes(ref) || given.has(ref)) continue;
    return { lane, ref, expected: marks.find((one) => one.ref === ref)?.value ?? null };
  }
  return undefined;
}

/** When a lane with hours opens next, in milliseconds since 1970; the given time while it is open. */
export function opensAt(hours: string | undefined, wall: number): number {
  if (hours === undefined) return wall;
  const [from = 0, to = 0] = hours
    .split("-")
    .map((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)));
  const minute = Math.floor(wall / MINUTE_MS) % DAY;
  const isOpen = from <= to ? minute >= from && minute < to : minute >= from || minute < to;
  if (isOpen || from === to) return wall;
  return wall - (wall % MINUTE_MS) + ((from - minute + DAY) % DAY) * MINUTE_MS;
}
