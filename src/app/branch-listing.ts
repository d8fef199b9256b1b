/**
 * Lists all branches with the decisions that a runner would make now.
 *
 * Invariants:
 * - Nothing is written.
 */
import { decide, type Decision } from "../core/scheduling/decide.ts";
import { admit } from "../core/scheduling/admission.ts";
import type { Branch } from "../core/protocol/ids.ts";
import { reasonOf, type Reason } from "../core/scheduling/reasons.ts";
import type { Head, Now, Snapshot } from "../core/scheduling/snapshot.ts";
import { shellWord } from "../core/messages/messages.ts";
import type { ReadTrustedConfig } from "../git/read-trusted-config.ts";
import { listCheckouts } from "../git/checkouts.ts";
import { isDead } from "../process/process-identity.ts";
import { FactLoader } from "../engine/loop/fact-loader.ts";
import { Observer } from "../engine/observer.ts";
import type { Workspace } from "./workspace.ts";

export interface BranchListing {
  readonly snapshot: Snapshot;
  readonly trustedConfig: ReadTrustedConfig;
  readonly decisions: readonly Decision[];
  readonly now: Now;
}

/** Reads the refs once. A broken workflow does not throw: its problems are in `trustedConfig`. */
export async function listBranches(workspace: Workspace, now: Now): Promise<BranchListing> {
  const { repository } = workspace;
  const refs = await repository.listRefs();
  const { target, heads } = refs;
  const [trustedConfig, takeovers] = await Promise.all([
    workspace.trustedConfig(target, heads),
    repository.takenOver(target, heads),
  ]);
  const facts = await new FactLoader(repository).load(refs, trustedConfig, takeovers);
  const observer = new Observer({ clock: { mono: () => now.mono }, machine: { isDead } });
  const snapshot = observer.observe(refs, takeovers, new Map(), facts);
  const decisions = decide(snapshot, trustedConfig.workflow, now);
  return { snapshot, trustedConfig, decisions: await withBlockers(workspace, decisions, target), now };
}

/** A branch whose dirty checkout blocks its run waits for a person. */
async function withBlockers(
  workspace: Workspace,
  decisions: readonly Decision[],
  target: Branch,
): Promise<Decision[]> {
  const checkedOut = new Set((await listCheckouts(workspace.location)).map(({ branch }) => branch));
  return Promise.all(
    decisions.map(async (decision): Promise<Decision> => {
      const { head, kind } = decision;
      const otherBranch =
        kind === "run" ? await workspace.repository.answeredElsewhere(decision.request, target) : undefined;
      if (otherBranch !== undefined)
        return { kind: "ignore", head, why: { code: "bound-elsewhere", detail: otherBranch } };
      if (kind !== "run" && kind !== "land") return decision;
      // Landing moves the trusted branch too.
      const moved = kind === "run" && decision.state?.land ? [head.branch, target] : [head.branch];
      let why: string | undefined;
      for (const branch of moved)
        if (checkedOut.has(branch)) why ??= await workspace.repository.blocker(branch);
      return why === undefined ? decision : { kind: "park", head, why: { code: "blocked", detail: why } };
    }),
  );
}

/** A run that no lane admits now becomes a wait. */
export function asAdmitted({ snapshot, trustedConfig, now }: BranchListing, decision: Decision): Decision {
  if (decision.kind !== "run") return decision;
  const { waits } = admit(snapshot, trustedConfig.workflow, [decision], now, Number.POSITIVE_INFINITY);
  return waits[0] ?? decision;
}

export const currentTime = (): Now => ({ mono: performance.now(), wall: Date.now() });

/** The state that people see: that of the head's request, or of the request below commits of a person. */
export function stateOf(snapshot: Snapshot, head: Head): string | undefined {
  if (head.reading.kind === "request") return head.reading.state;
  return snapshot.takeovers.get(head.key)?.state;
}

/** The reason of a decision; at a state of a person, with the successors that the person may choose. */
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
    next: `trailhand approve ${shellWord(branch)}`,
  };
}
