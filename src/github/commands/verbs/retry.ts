/** The comment command `/retry`. */
import { callMessages, type CommentCommand } from "../comment-command.ts";
import { onExistingWork } from "../existing-work.ts";
import { accepted } from "../submit-request.ts";

export const retry: CommentCommand = {
  name: "retry",
  usage: "retry",
  right: "write",
  summary: "Requests the failed state again, or ends its back-off.",
  minWords: 0,
  run: onExistingWork(async ({ actions, author, call }, position, trailers) =>
    accepted(await actions.retry(author, position, { messages: callMessages(call), trailers })),
  ),
};
