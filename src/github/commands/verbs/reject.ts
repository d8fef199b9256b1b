/** The comment command `/reject`: sends work back that waits for a person. */
import { isReservedState, isTerminal } from "../../../core/workflow/workflow.ts";
import type { Trailer } from "../../../core/protocol/trailer-block.ts";
import { escapeCode } from "../../api/escape-markdown.ts";
import { type CommandContext, type CommentCommand, type HandlerResult, refused } from "../comment-command.ts";
import { onExistingWork } from "../existing-work.ts";
import type { BranchPosition } from "../repository-port.ts";
import { submitRequest } from "../submit-request.ts";
import { cancelWork } from "./cancel.ts";

export const reject: CommentCommand = {
  name: "reject",
  usage: "reject <reason>",
  right: "write",
  summary: "Sends back work that waits for a person, with the reason.",
  example: "reject the limit applies to each address, not to all of them",
  minWords: 1,
  run: onExistingWork(sendBack),
};

async function sendBack(
  context: CommandContext,
  position: BranchPosition,
  trailers: readonly Trailer[],
): Promise<HandlerResult> {
  const { view, call, login } = context;
  const state = position.state === undefined ? undefined : view.workflow.states[position.state];
  if (!state || (!state.human && !position.wantsApproval)) return refused("No work here waits for a person.");
  const reason = `rejected by @${login}: ${call.text}`;
  const targets = position.wantsApproval
    ? [state.otherwise ?? ""]
    : state.next.filter((name) => name !== "done");
  const [first = "", ...others] = targets.includes("rejected") ? ["rejected"] : targets;
  if (others.length > 0)
    return refused(
      `The work can go back to ${targets.join(" or ")}. Choose one: ${escapeCode(`/request ${first} ${call.text}`, 120)}`,
    );
  const canRequest = first !== "" && (!isReservedState(first) || (state.human && isTerminal(first)));
  return canRequest
    ? submitRequest(context, first, [reason], trailers)
    : cancelWork(context, position, [reason], trailers);
}
