/**
 * How full each lane is: places, quotas, and what waits.
 *
 * What must hold: pure; counted as admission counts it, so that what is full here is full there.
 */
import type { Decision } from "../scheduling/decision.ts";
import { LANES } from "../protocol/refs.ts";
import { opensAt } from "../scheduling/quotas.ts";
import type { Now, Snapshot } from "../scheduling/snapshot.ts";
import type { Workflow } from "../workflow/workflow.ts";

export interface LaneUse {
  readonly name: string;
  /** Places taken, or attempts that run where places are not counted. */
  readonly taken: number;
  /** Undefined: any number. */
  readonly places: number | undefined;
  /** What was begun and spent within the window; undefined: nothing is counted there. */
  readonly used: Amount | undefined;
  readonly most: Partial<Amount>;
  readonly windowMs: number | undefined;
  /** Milliseconds since 1970; undefined while it is open. */
  readonly closedUntil: number | undefined;
  /** Requests that could run, had they a place. */
  readonly waiting: number;
  /** How long the oldest of them has waited, in milliseconds. */
  readonly oldestMs: number | undefined;
}

interface Amount {
  readonly runs: number;
  readonly tokens: number;
  readonly cost: number;
}

/** Every lane that the workflow, a request or a closed lane names. */
export function lanesInUse(
  view: Snapshot,
  workflow: Workflow,
  decisions: readonly Decision[],
  now: Now,
): LaneUse[] {
  const states = Object.values(workflow.states).filter(({ human }) => !human);
  const names = new Set([
    ...Object.keys(workflow.lanes),
    ...states.flatMap(({ lane }) => lane),
    ...view.sideRefs.closedUntil.keys(),
  ]);
  return [...names].map((name) => laneUse(name, view, workflow, decisions, now));
}

function laneUse(
  name: string,
  view: Snapshot,
  workflow: Workflow,
  decisions: readonly Decision[],
  now: Now,
): LaneUse {
  const { slots, runs, tokens, cost, window, open } = workflow.lanes[name] ?? {};
  const counts = runs !== undefined || tokens !== undefined || cost !== undefined;
  const live = view.sideRefs.laneUsage.filter(
    (one) => one.lane === name && one.at + (window ?? 0) > now.wall,
  );
  const sum = (key: "tokens" | "cost") => live.reduce((total, one) => total + one[key], 0);
  const until = Math.max(view.sideRefs.closedUntil.get(name) ?? 0, opensAt(open, now.wall));
  const since = decisions.flatMap((one) => waitingSince(one, name, workflow));
  return {
    name,
    taken: taken(name, slots, view),
    places: slots,
    used: counts ? { runs: live.length, tokens: sum("tokens"), cost: sum("cost") } : undefined,
    most: {
      ...(runs === undefined ? {} : { runs }),
      ...(tokens === undefined ? {} : { tokens }),
      ...(cost === undefined ? {} : { cost }),
    },
    windowMs: counts ? window : undefined,
    closedUntil: until > now.wall ? until : undefined,
    waiting: since.length,
    oldestMs: since.length > 0 ? Math.max(0, now.wall - Math.min(...since)) : undefined,
  };
}

function taken(name: string, slots: number | undefined, { slots: places, leases }: Snapshot): number {
  if (slots !== undefined)
    return [...places.keys()].filter((ref) => ref.startsWith(`${LANES}${name}/`)).length;
  return [...leases.values()].filter(({ lease }) => lease && !lease.backoff && lease.lanes.includes(name))
    .length;
}

/** When the request was made that waits for this lane. */
function waitingSince(decision: Decision, name: string, workflow: Workflow): number[] {
  const { reading, committed } = decision.head;
  const isReady =
    decision.kind === "run"
      ? decision.knownAnswer === undefined && decision.limit === undefined
      : "why" in decision && decision.why.code === "held";
  const state = reading.kind === "request" ? workflow.states[reading.state] : undefined;
  const lanes = decision.kind === "run" ? decision.state?.lane : state?.lane;
  return isReady && lanes?.includes(name) ? [committed * 1000] : [];
}
