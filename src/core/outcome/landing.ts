/**
 * Answers that reach beyond their own branch: to the trusted branch, and to requests of others.
 *
 * What must hold: only a state that the workflow says so of may do either; an answer to another
 * branch is one that its own state could have given; what lands carries no state.
 */
import { composeMessage } from "../protocol/compose.ts";
import { cleanLine, cleanText, redact } from "../util/redact.ts";
import { findEvidence, missingEvidence } from "../policy/evidence.ts";
import type { Branch, Sha } from "../protocol/ids.ts";
import { entering, formatCarriedState, type CarriedState } from "../workflow/carried-state.ts";
import { parseMessage, valueOf } from "../protocol/message.ts";
import type { OtherAnswer } from "./output.ts";
import type { Commit, Request } from "../protocol/request.ts";
import { copiedTrailers } from "./response.ts";
import { MESSAGES } from "../messages/messages.ts";
import type { Workflow } from "../workflow/workflow.ts";
import { KEY } from "../protocol/trailer-keys.ts";

/** A request of another branch, with the history below it (newest first) and what its work carries. */
export interface BatchMember {
  readonly request: Request;
  readonly trail: readonly Commit[];
  readonly carriedState: CarriedState;
}

/** What is wrong with answers to others, or undefined. */
export function otherAnswersProblem(
  answers: readonly OtherAnswer[],
  members: readonly BatchMember[],
  workflow: Workflow,
): string | undefined {
  for (const { branch, commit, state } of answers) {
    const member = members.find(({ request }) => request.branch === branch && request.commit === commit);
    if (!member)
      return `it answers ${cleanLine(branch, 80)} at ${commit.slice(0, 10)}, which it was not given`;
    const { next = [], "on-failure": failure } = workflow.states[member.request.state] ?? {};
    const open = [...next, ...(failure === undefined ? [] : [failure]), "failed", "parked"];
    if (!open.includes(state)) {
      return `it answers ${branch} with "${cleanLine(state, 80)}", which may not follow ${member.request.state} (legal: ${open.join(", ")})`;
    }
    const proven = findEvidence(member.trail, member.trail[0]?.tree ?? "", workflow);
    const missing = missingEvidence(workflow, state, proven);
    if (missing.length > 0) return `${branch}: ${MESSAGES.noEvidence(state, missing)}`;
  }
  return undefined;
}

/** What is wrong with the commits that would land, newest first down to the trusted head; or undefined. */
export function landProblem(commits: readonly Commit[], target: Sha): string | undefined {
  const end = commits.findIndex(({ commit }) => commit === target);
  if (end < 0) return "what would land does not descend from the trusted branch as it was";
  if (end === 0) return "nothing would land: it is the trusted branch as it was";
  const stated = commits
    .slice(0, end)
    .find(({ message }) => valueOf(parseMessage(message).trailers, KEY.state) !== undefined);
  return stated && `the commit ${stated.commit.slice(0, 10)} that would land carries a State`;
}

export interface OtherAnswerFacts {
  readonly run: string;
  readonly runner: string;
  readonly by: Branch;
  readonly hopLimit: number;
  readonly secrets: readonly string[];
  readonly workflow: Workflow;
}

/** The message of an answer to another branch. Throws a Fault on what no message can carry. */
export function draftOtherAnswer(
  answer: OtherAnswer,
  { request, carriedState: item }: BatchMember,
  facts: OtherAnswerFacts,
): string {
  const clean = (text: string) => redact(cleanText(text), facts.secrets);
  return composeMessage({
    header:
      cleanLine(clean(answer.subject ?? "")) ||
      `trailhand: ${request.state} on ${facts.by} answers, ${answer.state} is next`,
    body: clean(answer.summary ?? ""),
    trailers: [
      ...copiedTrailers(request, undefined),
      { key: request.key, value: answer.state },
      { key: KEY.branch, value: request.branch },
      { key: KEY.answers, value: request.commit },
      ...formatCarriedState(entering(item, answer.state, facts.workflow)),
      { key: KEY.run, value: facts.run },
      { key: KEY.runner, value: facts.runner },
      { key: KEY.hops, value: `${request.hops + 1}/${facts.hopLimit}` },
    ],
  });
}
