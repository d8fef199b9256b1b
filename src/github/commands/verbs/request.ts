/** The comment command `/request`: requests a state, or gives a task to several agents. */
import { cleanLine } from "../../../core/util/redact.ts";
import type { Branch } from "../../../core/protocol/ids.ts";
import type { Trailer } from "../../../core/protocol/trailer-block.ts";
import { KEY } from "../../../core/protocol/trailer-keys.ts";
import { escapeCode } from "../../api/escape-markdown.ts";
import { type CommandContext, type CommentCommand, type HandlerResult, refused } from "../comment-command.ts";
import { botHops, noWorkMessage } from "../existing-work.ts";
import { expandAgents } from "../expand-agents.ts";
import type { IssueText } from "../intent.ts";
import type { NewRequest } from "../repository-port.ts";
import { accepted, eventTrailer, submitRequest } from "../submit-request.ts";

export const request: CommentCommand = {
  name: "request",
  aliases: ["run", "set-state"],
  usage: "request <state> [text], or request <agent> <agent>: <task>",
  right: "write",
  summary: "Requests a state. Agents before a colon each get the task on a branch of their own.",
  example: "request review look at the error paths",
  minWords: 1,
  run: handleRequest,
};

async function handleRequest(context: CommandContext): Promise<HandlerResult> {
  const { call, issue, position, view } = context;
  const hops = botHops(context);
  if ("why" in hops) return refused(hops.why);
  if (!issue && !position) return refused(noWorkMessage(context));
  const trailers = [...hops.trailers, ...issueTrailer(issue), eventTrailer(context)];
  const wanted = expandAgents(call.text, view.workflow);
  if ("why" in wanted) return refused(wanted.why);
  const { agents, state } = wanted;
  const messages = messagesOf(context, state, wanted.text);
  if (agents.length > 1) return requestEach(context, agents, { state, messages, trailers });
  const assigned = agents.map((agent) => ({ key: KEY.assignedTo, value: agent }));
  return submitRequest(context, state, messages, [...assigned, ...trailers]);
}

/** Creates one branch for each agent: all of them or none. */
async function requestEach(
  { actions, author, branch, position }: CommandContext,
  agents: readonly string[],
  { state, messages, trailers }: Pick<NewRequest, "state" | "messages" | "trailers">,
): Promise<HandlerResult> {
  const drafts = agents.map((agent): NewRequest => ({
    branch: `${branch}.${agent.replace(/[._]/g, "-")}` as Branch,
    state,
    expectedHead: null,
    startPoint: position?.commit,
    messages,
    trailers: [{ key: KEY.assignedTo, value: agent }, ...trailers],
  }));
  const requests = await actions.request(author, drafts);
  const [first] = requests;
  if (!first) return refused("No request was written.");
  const branches = requests.map((one) => escapeCode(one.branch, 250)).join(", ");
  return accepted(first, `The task is requested from ${agents.join(", ")}: ${branches}`);
}

/** A request that starts an issue's work carries the text of the issue. */
function messagesOf({ issue, position }: CommandContext, state: string, text: string): string[] {
  if (!issue || position) return [text === "" ? `trailhand: please ${state}` : text];
  const title = cleanLine(issue.title, 500) || `issue #${issue.number}`;
  return [title, text, issue.body].filter((part) => part.trim() !== "");
}

const issueTrailer = (issue: IssueText | undefined): Trailer[] =>
  issue ? [{ key: KEY.refs, value: `#${issue.number}` }] : [];
