/**
 * Answers that reach beyond their own branch: to the trusted branch, and to requests of others.
 *
 * What must hold: only a state that the workflow says so of may do either; an answer to another
 * branch is one that its own state could have given; what lands carries no state.
 */
import * as z from "zod";
import { composeMessage } from "./compose.ts";
import { cleanLine, cleanText, redact } from "./clean.ts";
import { parseBranch, type Branch, type Sha } from "./ids.ts";
import { formatItem, itemOf } from "./item.ts";
import { jsonList } from "./lists.ts";
import { parseMessage, valueOf } from "./message.ts";
import type { Commit, Request } from "./request.ts";
import type { Workflow } from "./workflow.ts";

const verdictSchema = z.strictObject({
  branch: z.string(),
  commit: z.string(),
  state: z.string(),
  subject: z.string().max(2000).optional(),
  summary: z.string().optional(),
});

/** An answer to the request of another branch, as a script declares it. */
export type OtherAnswer = z.infer<typeof verdictSchema>;

/** A list of them, or the JSON text of one. */
export const verdictsSchema = jsonList.pipe(z.array(verdictSchema).max(100));

/** What is wrong with answers to others, or undefined. */
export function othersProblem(
  answers: readonly OtherAnswer[],
  members: readonly Request[],
  workflow: Workflow,
): string | undefined {
  for (const { branch, commit, state } of answers) {
    const member = members.find((one) => one.branch === branch && one.commit === commit);
    if (!member)
      return `it answers ${cleanLine(branch, 80)} at ${commit.slice(0, 10)}, which it was not given`;
    const { next = [], "on-failure": failure } = workflow.states[member.state] ?? {};
    const open = [...next, ...(failure === undefined ? [] : [failure]), "failed", "parked"];
    if (!open.includes(state)) {
      return `it answers ${branch} with "${cleanLine(state, 80)}", which may not follow ${member.state} (legal: ${open.join(", ")})`;
    }
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
    .find(({ message }) => valueOf(parseMessage(message).trailers, "State") !== undefined);
  return stated && `the commit ${stated.commit.slice(0, 10)} that would land carries a State`;
}

export interface OtherFacts {
  readonly run: string;
  readonly runner: string;
  readonly by: Branch;
  readonly hopLimit: number;
  readonly secrets: readonly string[];
}

/** The message of an answer to another branch. Throws a Fault on what no message can carry. */
export function draftOther(answer: OtherAnswer, member: Request, facts: OtherFacts): string {
  const clean = (text: string) => redact(cleanText(text), facts.secrets);
  const branch = parseBranch(answer.branch) ?? member.branch;
  return composeMessage({
    header:
      cleanLine(clean(answer.subject ?? "")) ||
      `trailhand: ${member.state} on ${facts.by} answers, ${answer.state} is next`,
    body: clean(answer.summary ?? ""),
    trailers: [
      { key: member.key, value: answer.state },
      { key: "Branch", value: branch },
      { key: "Answers", value: member.commit },
      ...formatItem(itemOf(member.message.trailers)),
      { key: "Run", value: facts.run },
      { key: "Runner", value: facts.runner },
      { key: "Hops", value: `${member.hops + 1}/${facts.hopLimit}` },
    ],
  });
}
