/**
 * One look for the reading commands: refs, contract, decisions, and what stands in the way here.
 *
 * What must hold: nothing is written; the decisions are those that `run` would make now.
 */
import { decide, type Decision } from "../core/scheduling/decide.ts";
import { admit } from "../core/scheduling/admission.ts";
import { suggest } from "../core/util/suggest.ts";
import { parseBranch, type Branch } from "../core/protocol/ids.ts";
import { reasonOf, type Reason } from "../core/scheduling/reasons.ts";
import type { Head, Now, Snapshot } from "../core/scheduling/snapshot.ts";
import { UserError, shellWord, MESSAGES } from "../core/messages/messages.ts";
import type { ReadTrustedConfig } from "../git/contract.ts";
import { listCheckouts } from "../git/checkouts.ts";
import { isDead } from "../process/process-identity.ts";
import { FactLoader } from "../engine/loop/fact-loader.ts";
import { Observer } from "../engine/loop/observer.ts";
import type { Workspace } from "./workspace.ts";

export interface BranchListing {
  readonly snapshot: Snapshot;
  readonly trustedConfig: ReadTrustedConfig;
  readonly decisions: readonly Decision[];
  readonly now: Now;
}

/** Looks once. A broken workflow is not thrown: its problems are in the contract. */
export async function listBranches(workspace: Workspace, now: Now): Promise<BranchListing> {
  const { repository } = workspace;
  const listing = await repository.listRefs();
  const { target, heads } = listing;
  const [trustedConfig, takenOver] = await Promise.all([
    workspace.trustedConfig(target, heads),
    repository.takenOver(target, heads),
  ]);
  const facts = await new FactLoader(repository).load(listing, trustedConfig, takenOver);
  const observer = new Observer({ clock: { mono: () => now.mono }, machine: { isDead } });
  const snapshot = observer.observe(listing, takenOver, new Map(), facts);
  const decisions = decide(snapshot, trustedConfig.workflow, now);
  return { snapshot, trustedConfig, decisions: await withBlockers(workspace, decisions, target), now };
}

/** A branch that could run but for its dirty checkout is shown as waiting for a person. */
async function withBlockers(
  workspace: Workspace,
  decisions: readonly Decision[],
  target: Branch,
): Promise<Decision[]> {
  const checkedOut = new Set(listCheckouts(workspace.location).map(({ branch }) => branch));
  return Promise.all(
    decisions.map(async (decision): Promise<Decision> => {
      const { head, kind } = decision;
      const other =
        kind === "run" ? await workspace.repository.answeredElsewhere(decision.request, target) : undefined;
      if (other !== undefined)
        return { kind: "ignore", head, why: { code: "bound-elsewhere", detail: other } };
      if (kind !== "run" && kind !== "land") return decision;
      // What lands moves the trusted branch too.
      const moved = kind === "run" && decision.state?.land ? [head.branch, target] : [head.branch];
      let why: string | undefined;
      for (const one of moved) if (checkedOut.has(one)) why ??= await workspace.repository.blocker(one);
      return why === undefined ? decision : { kind: "park", head, why: { code: "blocked", detail: why } };
    }),
  );
}

/** The decision as a runner would carry it out now: not, while a lane of it is full or closed. */
export function asAdmitted({ snapshot, trustedConfig, now }: BranchListing, decision: Decision): Decision {
  if (decision.kind !== "run") return decision;
  const { waits } = admit(snapshot, trustedConfig.workflow, [decision], now, Number.POSITIVE_INFINITY);
  return waits[0] ?? decision;
}

/** The present moment. */
export const currentTime = (): Now => ({ mono: performance.now(), wall: Date.now() });

/** The state that a branch is in, for people: its request, or the request below its head. */
export function stateOf(view: Snapshot, head: Head): string | undefined {
  if (head.reading.kind === "request") return head.reading.state;
  return view.takeovers.get(head.key)?.state;
}

/** The reason of a decision, with the states that the workflow offers to a person. */
export function reasonIn({ trustedConfig, snapshot, now }: BranchListing, decision: Decision): Reason {
  const reason = reasonOf(decision, now.wall);
  const code = "why" in decision ? decision.why.code : undefined;
  if (code === "unknown-state" && trustedConfig.problems.length > 0)
    return {
      ...reason,
      sentence: `the workflow on ${snapshot.target} cannot be used`,
      next: "trailhand doctor",
    };
  const { reading, branch } = decision.head;
  if (code !== "person" || reading.kind !== "request") return reason;
  const [first, ...others] = trustedConfig.workflow.states[reading.state]?.next ?? [];
  if (first === undefined) return reason;
  return {
    ...reason,
    sentence: `waits for a person: ${[first, ...others].join(" or ")}`,
    next: `trailhand request ${first} --branch ${shellWord(branch)}`,
  };
}

/** The branch that was named, or the checked-out one. Throws a Fault where there is none. */
export function requireHead(workspace: Workspace, heads: readonly Head[], name: string | undefined): Head {
  const wanted = name === undefined ? checkedOutBranch(workspace) : parseBranch(name);
  if (!wanted) throw new UserError(MESSAGES.badBranch(name ?? ""));
  const found = heads.find(({ branch }) => branch === wanted);
  if (found) return found;
  const near = suggest(
    wanted,
    heads.map(({ branch }) => branch),
  );
  throw new UserError(MESSAGES.noSuchBranch(wanted, near));
}

/** The branch checked out where we stand. Throws a Fault when HEAD is detached. */
export function checkedOutBranch(workspace: Workspace): Branch {
  if (!workspace.here) throw new UserError(MESSAGES.detachedHead());
  const here = workspace.here.git.target.dir;
  const checkouts = listCheckouts(workspace.here).filter(
    ({ dir }) => here === dir || here.startsWith(`${dir}/`),
  );
  const [nearestOne] = checkouts.toSorted((a, b) => b.dir.length - a.dir.length);
  if (nearestOne) return nearestOne.branch;
  throw new UserError(MESSAGES.detachedHead());
}
