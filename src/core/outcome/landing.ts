/**
 * Validates and drafts answers that change other branches: the trusted branch (`land`) and the
 * branches of batch members (`answers`).
 *
 * Invariants:
 * - An answer to another branch is one that the state of that branch could have given itself.
 * - A commit that is merged carries no state.
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

/** A request on another branch, with its history, newest first. */
export interface BatchMember {
  readonly request: Request;
  readonly trail: readonly Commit[];
  readonly carriedState: CarriedState;
}

/** Why answers to other branches are not valid; undefined if they are. */
export function otherAnswersProblem(
  answers: readonly OtherAnswer[],
  members: readonly BatchMember[],
  workflow: Workflow,
): string | undefined {
  for (const { branch, commit, state } of answers) {
    const member = members.find(({ request }) => request.branch === branch && request.commit === commit);
    if (!member)
      return `it answers ${cleanLine(branch, 80)} at ${commit.slice(0, 10)}, a request that it did not receive`;
    const { next = [], "on-failure": failure } = workflow.states[member.request.state] ?? {};
    const legal = [...next, ...(failure === undefined ? [] : [failure]), "failed", "parked"];
    if (!legal.includes(state)) {
      return `it answers ${branch} with "${cleanLine(state, 80)}", which may not follow ${member.request.state} (legal: ${legal.join(", ")})`;
    }
    const evidence = findEvidence(member.trail, member.trail[0]?.tree ?? "", workflow);
    const missing = missingEvidence(workflow, state, evidence);
    if (missing.length > 0) return `${branch}: ${MESSAGES.noEvidence(state, missing)}`;
  }
  return undefined;
}

/**
 * Why the commits of `land` cannot be merged; undefined if they can. `commits` are newest first, down
 * to the trusted head `target`.
 */
export function landProblem(commits: readonly Commit[], target: Sha): string | undefined {
  const end = commits.findIndex(({ commit }) => commit === target);
  if (end < 0) return "the commit to land does not descend from the head of the trusted branch";
  if (end === 0) return "nothing to land: the commit is the head of the trusted branch";
  const withState = commits
    .slice(0, end)
    .find(({ message }) => valueOf(parseMessage(message).trailers, KEY.state) !== undefined);
  return withState && `the commit ${withState.commit.slice(0, 10)} to land has a State trailer`;
}

export interface OtherAnswerFacts {
  readonly run: string;
  readonly runner: string;
  readonly by: Branch;
  readonly hopLimit: number;
  readonly secrets: readonly string[];
  readonly workflow: Workflow;
}

/** The message of an answer to another branch. Throws a UserError on text that no message can carry. */
export function draftOtherAnswer(
  answer: OtherAnswer,
  { request, carriedState }: BatchMember,
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
      ...formatCarriedState(entering(carriedState, answer.state, facts.workflow)),
      { key: KEY.run, value: facts.run },
      { key: KEY.runner, value: facts.runner },
      { key: KEY.hops, value: `${request.hops + 1}/${facts.hopLimit}` },
    ],
  });
}
