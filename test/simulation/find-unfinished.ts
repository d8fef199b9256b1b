/**
 * Whether everything has come to an end, and to a good one.
 *
 * What must hold: L1 nothing is runnable, no lease or place is held, every head is answered, over,
 * or waits with a reason that a person understands.
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
import { findCalledOff, whyStuck } from "./check-waits.ts";
import { findElsewhere, findTakenOver } from "./simulated-repository.ts";
import { short } from "./trace.ts";
import type { World } from "./world.ts";

/** Reasons that only a person or nobody ends. */
const STANDING = new Set<string>(
  "target no-state merge person ended parked waiting unknown-state bound-elsewhere taken-over cycle waits".split(
    " ",
  ),
);
const DECIDING = [HEADS, ...DECIDING_REFS];

/** What is still to be done, in words; nothing when all is settled. */
export function unfinished(world: World): string[] {
  const { remote, objects, running } = world;
  const { rests, decisions } = look(world);
  const held = [...remote.refs].filter(
    ([ref]) => (ref.startsWith(LEASES) && !rests.has(ref)) || ref.startsWith(LANES),
  );
  const scripts = [...running.values()].filter(({ ended, proc }) => !ended && proc.alive);
  return [
    ...held.map(
      ([ref, value]) => `${ref} stands (${objects.lease(value)?.branch} ${objects.lease(value)?.runner})`,
    ),
    ...scripts.map(({ call }) => `the script of ${short(call.run)} runs`),
    ...decisions,
  ];
}

/** What is to be done by the refs as they are, and the leases that rest for good. */
function look(world: World): { readonly decisions: string[]; readonly rests: ReadonlySet<Ref> } {
  const { remote, objects, scheduler, plan, target } = world;
  const deciding = [...remote.refs].filter(([ref]) => DECIDING.some((place) => ref.startsWith(place)));
  const entries = new Map(
    deciding.map(([ref, value]) => [ref as string, readEntry(ref, objects.get(value))]),
  );
  const { heads, parkedResponses: parked, sideRefs } = buildListing(entries, undefined, false);
  const continues = plan.workflow["on-plain-commit"] === "continue";
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
    facts: { ...NO_HISTORY_FACTS, carriedStates: itemsOf(world, heads) },
  };
  const rests = new Set<Ref>();
  const wall = (plan.joins && world.machines[0]?.wall()) || scheduler.now;
  const decisions = decide(view, plan.workflow, { mono: scheduler.now, wall }).flatMap((one) => {
    const isElsewhere = one.kind === "run" && findElsewhere(world, one.request, target, heads);
    const isWaiting = "why" in one && (one.why.code === "waits" || one.why.code === "cycle");
    if (isElsewhere || isWaiting) {
      // Nobody runs it, and nobody ends its rest: it is the head still, and its attempts count on.
      const { lease } = refsOf(one.head.key);
      const left = objects.lease(remote.value(lease));
      if (left?.backoff && (isElsewhere || left.request === one.head.commit)) rests.add(lease);
    }
    if (isElsewhere) return [];
    const stuck = "why" in one && one.why.code === "waits" ? whyStuck(world, one.head) : undefined;
    if (stuck !== undefined) return [`${one.head.branch} waits, and ${stuck}`];
    if ("why" in one && STANDING.has(one.why.code)) return [];
    return [`${one.head.branch} is to ${one.kind}${"why" in one ? ` (${one.why.code})` : ""}`];
  });
  return { decisions: [...decisions, ...findCalledOff(world, heads)], rests };
}

/** The work that requests of people carry on. */
function itemsOf({ objects }: World, heads: readonly Head[]): ReadonlyMap<string, CarriedState> {
  const byHand = heads.filter(({ reading }) => reading.kind === "request" && reading.answers === undefined);
  return new Map(byHand.map(({ key, commit }) => [key, readCarriedState([...objects.line(commit)])]));
}
