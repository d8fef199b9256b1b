/** The comment command `/assign`. */
import { KEY } from "../../../core/protocol/trailer-keys.ts";
import { isTerminal } from "../../../core/workflow/workflow.ts";
import { escapeCode } from "../../api/escape-markdown.ts";
import { type CommentCommand, refused } from "../comment-command.ts";
import { onExistingWork } from "../existing-work.ts";
import { accepted, changeRequest } from "../submit-request.ts";

/** States in which the work continues with a resume. */
const HALTED = new Set(["parked", "stalled", "waiting"]);

export const assign: CommentCommand = {
  name: "assign",
  usage: "assign <agent>",
  right: "write",
  summary: "Gives the current state to another agent.",
  example: "assign claude",
  minWords: 1,
  run: onExistingWork(async (context, position, trailers) => {
    const { actions, author, call, view } = context;
    const [agent = ""] = call.words;
    const agents = ["default", ...Object.keys(view.workflow.agents)];
    if (call.words.length > 1 || !agents.includes(agent))
      return refused(
        `${escapeCode(agent)} is not an agent of the workflow. Its agents: ${agents.join(", ")}. To assign a person, use the assignees of the issue.`,
      );
    const assigned = { key: KEY.assignedTo, value: agent };
    const draft = { messages: [], trailers: [assigned, ...trailers] };
    const { state } = position;
    if (state === undefined || HALTED.has(state))
      return accepted(await actions.resume(author, position, draft));
    if (isTerminal(state)) return accepted(await actions.retry(author, position, draft));
    return changeRequest(context, position, assigned, trailers);
  }),
};
