/** The comment command `/cancel`. */
import type { Trailer } from "../../../core/protocol/trailer-block.ts";
import { escapeCode } from "../../api/escape-markdown.ts";
import {
  callMessages,
  type CommandContext,
  type CommentCommand,
  type HandlerResult,
} from "../comment-command.ts";
import { onExistingWork } from "../existing-work.ts";
import type { BranchPosition } from "../repository-port.ts";
import { accepted } from "../submit-request.ts";

export const cancel: CommentCommand = {
  name: "cancel",
  aliases: ["stop"],
  usage: "cancel [reason]",
  right: "write",
  summary: "Ends the work on the branch and on its children.",
  example: "cancel solved in another pull request",
  minWords: 0,
  run: onExistingWork((context, position, trailers) =>
    cancelWork(context, position, callMessages(context.call), trailers),
  ),
};

export async function cancelWork(
  { actions, author }: CommandContext,
  position: BranchPosition,
  messages: readonly string[],
  trailers: readonly Trailer[],
): Promise<HandlerResult> {
  const request = await actions.cancel(author, position, { messages, trailers });
  return accepted(request, `${escapeCode(position.branch, 250)} is cancelled`);
}
