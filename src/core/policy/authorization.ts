/**
 * Decides who may request a state.
 *
 * Invariants:
 * - An answer of a runner needs no permission. It counts as one only if its request is below it and
 *   the workflow allows that transition.
 * - Everything else is a person's request, and the workflow's `proof` says whose.
 */
import { successorsOf } from "../workflow/check-workflow.ts";
import { parseMessage, valueOf } from "../protocol/message.ts";
import { isNamed } from "./people.ts";
import { approvedCommit, type Commit } from "../protocol/request.ts";
import { readHandOffs, type HandOff } from "../protocol/hand-offs.ts";
import { isReservedState, type Workflow } from "../workflow/workflow.ts";
import { KEY } from "../protocol/trailer-keys.ts";

/** The commit that made the request, and whether it is the answer of a script. `trail` is newest first. */
export function findRequester(
  trail: readonly Commit[],
  workflow: Workflow,
): { readonly commit: Commit; readonly isByScript: boolean } | undefined {
  // An approval is not a request.
  const [head, previous] = readHandOffs(trail).filter(
    ({ commit }) => approvedCommit(commit.message) === undefined,
  );
  return head && { commit: head.commit, isByScript: isByScript(head, previous, workflow) };
}

function isByScript(head: HandOff, previous: HandOff | undefined, workflow: Workflow): boolean {
  if (head.isByPerson || !previous) return false;
  const state = valueOf(head.message.trailers, KEY.state) ?? "";
  if (head.answers === undefined) {
    // The first commit of a child: the answer below it must list the child.
    const key = (valueOf(head.message.trailers, KEY.branch) ?? "").split(".").at(-1) ?? "";
    const children = valueOf(previous.message.trailers, KEY.children) ?? "";
    return previous.answers !== undefined && children.split(" ").includes(key);
  }
  const from = valueOf(previous.message.trailers, KEY.state) ?? "";
  const entry = workflow.states[from];
  return (
    entry !== undefined &&
    !entry.human &&
    (successorsOf(workflow, from).includes(state) || isReservedState(state))
  );
}

/**
 * Why the agent that wrote an answer may not lead to a state; undefined if it may. `by` restricts
 * agents only if it names some. Scripts of the trusted branch are never restricted.
 */
export function agentProblem(workflow: Workflow, state: string, answer: Commit): string | undefined {
  const agents = (workflow.states[state]?.by ?? []).filter((name) => Object.hasOwn(workflow.agents, name));
  const agent = valueOf(parseMessage(answer.message).trailers, KEY.agent);
  if (agents.length === 0 || agent === undefined || agents.includes(agent)) return undefined;
  return `only these agents may lead there: ${agents.join(", ")}; the answer is by ${agent}`;
}

/** Why an address may not request a state; undefined if it may. No `address`: its proof is missing. */
export function authorizationProblem(
  workflow: Workflow,
  state: string,
  address: string | undefined,
): string | undefined {
  const by = workflow.states[state]?.by;
  if (by === undefined) return undefined;
  const rule = by.length === 0 ? "only an answer may request it" : `only ${by.join(", ")} may request it`;
  if (address === undefined) return `${rule}, and ${MISSING_PROOF[workflow.proof]}`;
  if (isNamed(workflow, by, address)) return undefined;
  return `${rule}, and ${address === "" ? MISSING_PROOF.author : `${address} did`}`;
}

const MISSING_PROOF = {
  author: "the requesting commit has no author",
  signature: "no known key signed the requesting commit",
  pusher: "the server does not report who pushed the requesting commit",
} as const;
