/**
 * One look for the reading commands: refs, contract, decisions, and what stands in the way here.
 *
 * What must hold: nothing is written; the decisions are those that `run` would make now.
 */
import { decide, type Decision } from "../core/scheduling/decide.ts";
import { admit } from "../core/scheduling/admission.ts";
import { nearest } from "../core/util/suggest.ts";
import { parseBranch, type Branch, type Ref } from "../core/protocol/ids.ts";
import { reasonOf, type Reason } from "../core/scheduling/reasons.ts";
import type { Head, Now, SeenLease, SeenSlot, View } from "../core/scheduling/snapshot.ts";
import { Fault, typed, words } from "../core/messages/messages.ts";
import type { ReadContract } from "../git/contract.ts";
import { listCheckouts } from "../git/checkouts.ts";
import { isDead } from "../process/machine.ts";
import { Inquirer } from "../engine/loop/fact-loader.ts";
import type { Site } from "./workspace.ts";

export interface Survey {
  readonly view: View;
  readonly contract: ReadContract;
  readonly decisions: readonly Decision[];
  readonly now: Now;
}

/** Looks once. A broken workflow is not thrown: its problems are in the contract. */
export async function survey(site: Site, now: Now): Promise<Survey> {
  const look = await site.repository.look();
  const [contract, takenOver] = await Promise.all([
    site.contract(look.target, look.heads),
    site.repository.takenOver(look.target, look.heads),
  ]);
  const leases = new Map<string, SeenLease>();
  for (const [key, seen] of look.leases) {
    const holder = seen.lease?.holder;
    const dead = holder !== undefined && isDead(holder);
    leases.set(key, { ...seen, firstSeen: now.mono, known: false, dead });
  }
  const slots = new Map<Ref, SeenSlot>();
  for (const [ref, { value, lease }] of look.slots)
    slots.set(ref, { ref, value, run: lease?.run, known: false });
  const { target, heads, parked, sides } = look;
  const facts = await new Inquirer(site.repository).inquire(look, contract, takenOver);
  const view: View = {
    target,
    heads,
    leases,
    slots,
    parked,
    takenOver,
    sightings: new Map(),
    going: new Map(),
    sides,
    facts,
  };
  const decisions = decide(view, contract.workflow, now);
  return { view, contract, decisions: await withBlockers(site, decisions, target), now };
}

/** A branch that could run but for its dirty checkout is shown as waiting for a person. */
async function withBlockers(site: Site, decisions: readonly Decision[], target: Branch): Promise<Decision[]> {
  const checkedOut = new Set(listCheckouts(site.place).map(({ branch }) => branch));
  return Promise.all(
    decisions.map(async (decision): Promise<Decision> => {
      const { head, kind } = decision;
      const other =
        kind === "run" ? await site.repository.answeredElsewhere(decision.request, target) : undefined;
      if (other !== undefined)
        return { kind: "ignore", head, why: { code: "bound-elsewhere", detail: other } };
      if (kind !== "run" && kind !== "land") return decision;
      // What lands moves the trusted branch too.
      const moved = kind === "run" && decision.state?.land ? [head.branch, target] : [head.branch];
      let why: string | undefined;
      for (const one of moved) if (checkedOut.has(one)) why ??= await site.repository.blocker(one);
      return why === undefined ? decision : { kind: "park", head, why: { code: "blocked", detail: why } };
    }),
  );
}

/** The decision as a runner would carry it out now: not, while a lane of it is full or closed. */
export function asAdmitted({ view, contract, now }: Survey, decision: Decision): Decision {
  if (decision.kind !== "run") return decision;
  const { held } = admit(view, contract.workflow, [decision], now, Number.POSITIVE_INFINITY);
  return held[0] ?? decision;
}

/** The present moment. */
export const present = (): Now => ({ mono: performance.now(), wall: Date.now() });

/** The state that a branch is in, for people: its request, or the request below its head. */
export function stateOf(view: View, head: Head): string | undefined {
  if (head.asked.kind === "request") return head.asked.state;
  return view.takenOver.get(head.key)?.state;
}

/** The reason of a decision, with the states that the workflow offers to a person. */
export function reasonIn({ contract, view, now }: Survey, decision: Decision): Reason {
  const reason = reasonOf(decision, now.wall);
  const code = "why" in decision ? decision.why.code : undefined;
  if (code === "unknown-state" && contract.problems.length > 0)
    return { ...reason, sentence: `the workflow on ${view.target} cannot be used`, next: "trailhand doctor" };
  const { asked, branch } = decision.head;
  if (code !== "person" || asked.kind !== "request") return reason;
  const [first, ...others] = contract.workflow.states[asked.state]?.next ?? [];
  if (first === undefined) return reason;
  return {
    ...reason,
    sentence: `waits for a person: ${[first, ...others].join(" or ")}`,
    next: `trailhand request ${first} --branch ${typed(branch)}`,
  };
}

/** The branch that was named, or the checked-out one. Throws a Fault where there is none. */
export function requireHead(site: Site, heads: readonly Head[], name: string | undefined): Head {
  const wanted = name === undefined ? checkedOutBranch(site) : parseBranch(name);
  if (!wanted) throw new Fault(words.badBranch(name ?? ""));
  const found = heads.find(({ branch }) => branch === wanted);
  if (found) return found;
  const near = nearest(
    wanted,
    heads.map(({ branch }) => branch),
  );
  throw new Fault(words.noSuchBranch(wanted, near));
}

/** The branch checked out where we stand. Throws a Fault when HEAD is detached. */
export function checkedOutBranch(site: Site): Branch {
  if (!site.here) throw new Fault(words.detachedHead());
  const here = site.here.git.place.dir;
  const checkouts = listCheckouts(site.here).filter(({ dir }) => here === dir || here.startsWith(`${dir}/`));
  const [nearestOne] = checkouts.toSorted((a, b) => b.dir.length - a.dir.length);
  if (nearestOne) return nearestOne.branch;
  throw new Fault(words.detachedHead());
}
