/**
 * Finds what is unfinished at the end of a simulation.
 *
 * Invariants:
 * - L1: nothing is runnable, no lease or lane slot is held, and every head is answered, ended or
 *   waiting for a reason that a person understands.
 */
import { decide } from "../../src/core/scheduling/decide.ts";
import { readCarriedState, type CarriedState } from "../../src/core/workflow/carried-state.ts";
import { HEADS, type Ref } from "../../src/core/protocol/ids.ts";
import { refsOf } from "../../src/core/protocol/refs.ts";
import { DECIDING_REFS } from "../../src/core/protocol/refs.ts";
import { LANES } from "../../src/core/protocol/refs.ts";
import { LEASES } from "../../src/core/protocol/refs.ts";
import { NO_HISTORY_FACTS, type Head, type Snapshot } from "../../src/core/scheduling/snapshot.ts";
import { buildListing, readEntry } from "../../src/git/build-listing.ts";
import { findCancelledChildren, whyRunnable } from "./check-waits.ts";
import { findElsewhere, findTakenOver } from "./simulated-repository.ts";
import { short } from "./trace.ts";
import type { World } from "./world.ts";

/** Reasons that only a person can resolve, or that need no resolution. */
const SETTLED_CODES = new Set<string>(
  "target no-state merge person ended parked waiting unknown-state bound-elsewhere taken-over cycle waits".split(
    " ",
  ),
);
const DECIDING = [HEADS, ...DECIDING_REFS];

/** Describes everything that is unfinished. */
export function findUnfinished(world: World): string[] {
  const { remote, objects, running } = world;
  const { rests: backoffLeases, decisions } = evaluate(world);
  const held = [...remote.refs].filter(
    ([ref]) => (ref.startsWith(LEASES) && !backoffLeases.has(ref)) || ref.startsWith(LANES),
  );
  const scripts = [...running.values()].filter(({ hasEnded, proc }) => !hasEnded && proc.isAlive);
  return [
    ...held.map(
      ([ref, value]) => `${ref} stands (${objects.lease(value)?.branch} ${objects.lease(value)?.runner})`,
    ),
    ...scripts.map(({ call }) => `the script of ${short(call.run)} runs`),
    ...decisions,
  ];
}

/** What runners would do for the current refs, and the leases that may stay in back-off. */
function evaluate(world: World): { readonly decisions: string[]; readonly rests: ReadonlySet<Ref> } {
  const { remote, objects, scheduler, scenario, target } = world;
  const deciding = [...remote.refs].filter(([ref]) => DECIDING.some((place) => ref.startsWith(place)));
  const entries = new Map(
    deciding.map(([ref, value]) => [ref as string, readEntry(ref, objects.get(value))]),
  );
  const { heads, parkedResponses: parked, sideRefs } = buildListing(entries, undefined, false);
  const continues = scenario.workflow["on-plain-commit"] === "continue";
  const view: Snapshot = {
    target,
    heads,
    parkedResponses: parked,
    takeovers: continues ? findTakenOver(world, target, heads) : new Map<string, never>(),
    leases: new Map(),
    slots: new Map<Ref, never>(),
    firstSightings: new Map(),
    runningAttempts: new Map(),
    sideRefs,
    facts: { ...NO_HISTORY_FACTS, carriedStates: carriedStatesOf(world, heads) },
  };
  const backoffLeases = new Set<Ref>();
  const wall = (scenario.hasJoins && world.machines[0]?.wall()) || scheduler.now;
  const decisions = decide(view, scenario.workflow, { mono: scheduler.now, wall }).flatMap((one) => {
    const isElsewhere = one.kind === "run" && findElsewhere(world, one.request, target, heads);
    const isWaiting = "why" in one && (one.why.code === "waits" || one.why.code === "cycle");
    if (isElsewhere || isWaiting) {
      // No runner runs it or ends its back-off, which keeps the number of its attempts.
      const { lease } = refsOf(one.head.key);
      const leftLease = objects.lease(remote.value(lease));
      if (leftLease?.backoff && (isElsewhere || leftLease.request === one.head.commit))
        backoffLeases.add(lease);
    }
    if (isElsewhere) return [];
    const reason = "why" in one && one.why.code === "waits" ? whyRunnable(world, one.head) : undefined;
    if (reason !== undefined) return [`${one.head.branch} waits, and ${reason}`];
    if ("why" in one && SETTLED_CODES.has(one.why.code)) return [];
    return [`${one.head.branch} is to ${one.kind}${"why" in one ? ` (${one.why.code})` : ""}`];
  });
  return { decisions: [...decisions, ...findCancelledChildren(world, heads)], rests: backoffLeases };
}

/** What the work below people's requests carries. */
function carriedStatesOf({ objects }: World, heads: readonly Head[]): ReadonlyMap<string, CarriedState> {
  const byHand = heads.filter(({ reading }) => reading.kind === "request" && reading.answers === undefined);
  return new Map(byHand.map(({ key, commit }) => [key, readCarriedState([...objects.firstParents(commit)])]));
}
