/** The comment command `/cancel`. */
import { callMessages, type CommentCommand } from "../comment-command.ts";
import { onExistingWork } from "../existing-work.ts";
import { accepted } from "../submit-request.ts";

export const cancel: CommentCommand = {
  name: "cancel",
  aliases: ["stop"],
  usage: "cancel [reason]",
  right: "write",
  summary: "Ends the work on the branch and on its children.",
  example: "cancel solved in another pull request",
  minWords: 0,
  run: onExistingWork(async ({ actions, author, call }, position, trailers) =>
    accepted(await actions.cancel(author, position, { messages: callMessages(call), trailers })),
  ),
};
