/**
 * Who may ask for a state.
 *
 * What must hold: an answer of a runner needs no permission, and counts as one only where its request
 * lies below it and a script may lead there; everything else was asked for by a person, whom the
 * workflow's proof names.
 */
import { successorsOf } from "../workflow/check-workflow.ts";
import { parseMessage, valueOf } from "../protocol/message.ts";
import { isNamed } from "./people.ts";
import { approvedCommit, type Commit } from "../protocol/request.ts";
import { readHandOffs, type HandOff } from "../protocol/hand-offs.ts";
import { isReservedState, type Workflow } from "../workflow/workflow.ts";
import { KEY } from "../protocol/trailer-keys.ts";

/** The commit that asks, below its approvals, and whether it is an answer of a script. `trail` is newest first. */
export function findRequester(
  trail: readonly Commit[],
  workflow: Workflow,
): { readonly commit: Commit; readonly isByScript: boolean } | undefined {
  // Who approved a request did not ask for it.
  const [head, below] = readHandOffs(trail).filter(
    ({ commit }) => approvedCommit(commit.message) === undefined,
  );
  return head && { commit: head.commit, isByScript: isByScript(head, below, workflow) };
}

function isByScript(head: HandOff, below: HandOff | undefined, workflow: Workflow): boolean {
  if (head.byHand || !below) return false;
  const state = valueOf(head.message.trailers, KEY.state) ?? "";
  if (head.answers === undefined) {
    // The first commit of a child: the answer below it hands it out.
    const key = (valueOf(head.message.trailers, KEY.branch) ?? "").split(".").at(-1) ?? "";
    const children = valueOf(below.message.trailers, KEY.children) ?? "";
    return below.answers !== undefined && children.split(" ").includes(key);
  }
  const from = valueOf(below.message.trailers, KEY.state) ?? "";
  const entry = workflow.states[from];
  return (
    entry !== undefined &&
    !entry.human &&
    (successorsOf(workflow, from).includes(state) || isReservedState(state))
  );
}

/**
 * Why the agent that answered may not lead to a state; undefined: it may, or no agent did. Where `by`
 * names agents, the answers of others are not welcome; scripts of the trusted branch always are.
 */
export function agentProblem(workflow: Workflow, state: string, answer: Commit): string | undefined {
  const agents = (workflow.states[state]?.by ?? []).filter((name) => Object.hasOwn(workflow.agents, name));
  const agent = valueOf(parseMessage(answer.message).trailers, KEY.agent);
  if (agents.length === 0 || agent === undefined || agents.includes(agent)) return undefined;
  return `of agents, only ${agents.join(", ")} may lead there, and ${agent} answered`;
}

/** Why somebody may not ask for a state; undefined: they may. `address` is undefined where nothing proves it. */
export function authorizationProblem(
  workflow: Workflow,
  state: string,
  address: string | undefined,
): string | undefined {
  const by = workflow.states[state]?.by;
  if (by === undefined) return undefined;
  const whose = by.length === 0 ? "only an answer may ask for it" : `it may be asked for by ${by.join(", ")}`;
  if (address === undefined) return `${whose}, and ${UNPROVEN[workflow.proof]}`;
  if (isNamed(workflow, by, address)) return undefined;
  return `${whose}, and ${address || "nobody"} asked`;
}

/** What is missing where nothing proves who asked. */
const UNPROVEN = {
  author: "nobody asked",
  signature: "no known key signed the commit that asks",
  pusher: "the server tells of nobody who pushed the commit that asks",
} as const;
