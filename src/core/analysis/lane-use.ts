/**
 * Reports how full each lane is: slots, quotas, and waiting requests.
 *
 * Invariants:
 * - It counts as admission does, so a lane that is full here is full there.
 */
import type { Decision } from "../scheduling/decision.ts";
import { LANES } from "../protocol/refs.ts";
import { opensAt } from "../scheduling/quotas.ts";
import type { Now, Snapshot } from "../scheduling/snapshot.ts";
import type { Workflow } from "../workflow/workflow.ts";

export interface LaneUse {
  readonly name: string;
  /** Occupied slots. Running attempts, if the lane has no limit of slots. */
  readonly taken: number;
  /** The number of slots. Undefined means no limit. */
  readonly places: number | undefined;
  /** Use within the window. Undefined if the lane has no quota. */
  readonly used: Amount | undefined;
  /** The quota. */
  readonly most: Partial<Amount>;
  readonly windowMs: number | undefined;
  /** Milliseconds since 1970. Undefined while the lane is open. */
  readonly closedUntil: number | undefined;
  /** Requests that could run if the lane had a free slot. */
  readonly waiting: number;
  /** The age of the oldest waiting request, in milliseconds. */
  readonly oldestMs: number | undefined;
}

interface Amount {
  readonly runs: number;
  readonly tokens: number;
  readonly cost: number;
}

/** The lanes that the workflow declares, that states use, or that are closed. */
export function lanesInUse(
  snapshot: Snapshot,
  workflow: Workflow,
  decisions: readonly Decision[],
  now: Now,
): LaneUse[] {
  const states = Object.values(workflow.states).filter(({ human }) => !human);
  const names = new Set([
    ...Object.keys(workflow.lanes),
    ...states.flatMap(({ lane }) => lane),
    ...snapshot.sideRefs.closedUntil.keys(),
  ]);
  return [...names].map((name) => laneUse(name, snapshot, workflow, decisions, now));
}

function laneUse(
  name: string,
  snapshot: Snapshot,
  workflow: Workflow,
  decisions: readonly Decision[],
  now: Now,
): LaneUse {
  const { slots, runs, tokens, cost, window, open } = workflow.lanes[name] ?? {};
  const hasQuota = runs !== undefined || tokens !== undefined || cost !== undefined;
  const live = snapshot.sideRefs.laneUsage.filter(
    ({ lane, at }) => lane === name && at + (window ?? 0) > now.wall,
  );
  const sum = (key: "tokens" | "cost") => live.reduce((total, usage) => total + usage[key], 0);
  const until = Math.max(snapshot.sideRefs.closedUntil.get(name) ?? 0, opensAt(open, now.wall));
  const waitingSince = decisions.flatMap((decision) => startOfWait(decision, name, workflow));
  return {
    name,
    taken: countTaken(name, slots, snapshot),
    places: slots,
    used: hasQuota ? { runs: live.length, tokens: sum("tokens"), cost: sum("cost") } : undefined,
    most: {
      ...(runs === undefined ? {} : { runs }),
      ...(tokens === undefined ? {} : { tokens }),
      ...(cost === undefined ? {} : { cost }),
    },
    windowMs: hasQuota ? window : undefined,
    closedUntil: until > now.wall ? until : undefined,
    waiting: waitingSince.length,
    oldestMs: waitingSince.length > 0 ? Math.max(0, now.wall - Math.min(...waitingSince)) : undefined,
  };
}

function countTaken(name: string, capacity: number | undefined, { slots, leases }: Snapshot): number {
  if (capacity !== undefined)
    return [...slots.keys()].filter((ref) => ref.startsWith(`${LANES}${name}/`)).length;
  return [...leases.values()].filter(({ lease }) => lease && !lease.backoff && lease.lanes.includes(name))
    .length;
}

/** When a request that waits for this lane was committed, in milliseconds; empty for other decisions. */
function startOfWait(decision: Decision, name: string, workflow: Workflow): number[] {
  const { reading, committed } = decision.head;
  const isReady =
    decision.kind === "run"
      ? decision.knownAnswer === undefined && decision.limit === undefined
      : "why" in decision && decision.why.code === "held";
  const state = reading.kind === "request" ? workflow.states[reading.state] : undefined;
  const lanes = decision.kind === "run" ? decision.state?.lane : state?.lane;
  return isReady && lanes?.includes(name) ? [committed * 1000] : [];
}
