/**
 * Whether everything has come to an end, and to a good one.
 *
 * What must hold: L1 nothing is runnable, no lease or place is held, every head is answered, over,
 * or waits with a reason that a person understands.
 */
import { decide } from "../../src/core/decide.ts";
import type { Ref } from "../../src/core/ids.ts";
import { LANES, LEASES, PARKED, refsOf } from "../../src/core/lease.ts";
import type { View } from "../../src/core/view.ts";
import { assemble, readEntry } from "../../src/git/assemble.ts";
import { findElsewhere, findTakenOver } from "./desk.ts";
import { short } from "./trace.ts";
import type { World } from "./world.ts";

/** Reasons that only a person or nobody ends. */
const STANDING = new Set<string>(
  "target no-state merge person ended parked waiting unknown-state bound-elsewhere taken-over".split(" "),
);
const DECIDING = ["refs/heads/", LEASES, LANES, PARKED];

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
  const { heads, parked } = assemble(entries, undefined, false);
  const continues = plan.workflow["on-plain-commit"] === "continue";
  const view: View = {
    target,
    heads,
    parked,
    takenOver: continues ? findTakenOver(world, target, heads) : new Map<string, never>(),
    leases: new Map(),
    slots: new Map<Ref, never>(),
    sightings: new Map(),
    going: new Map(),
  };
  const rests = new Set<Ref>();
  const decisions = decide(view, plan.workflow, { mono: scheduler.now, wall: scheduler.now }).flatMap(
    (one) => {
      if (one.kind === "run" && findElsewhere(world, one.request, target, heads)) {
        // Nobody runs it, and nobody ends its rest: it is the head still.
        const { lease } = refsOf(one.head.key);
        if (objects.lease(remote.value(lease))?.rest) rests.add(lease);
        return [];
      }
      if ("why" in one && STANDING.has(one.why.code)) return [];
      return [`${one.head.branch} is to ${one.kind}${"why" in one ? ` (${one.why.code})` : ""}`];
    },
  );
  return { decisions, rests };
}
