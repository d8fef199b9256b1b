/** The comment command `/resume`. */
import { callMessages, type CommentCommand } from "../comment-command.ts";
import { onExistingWork } from "../existing-work.ts";
import { accepted } from "../submit-request.ts";

export const resume: CommentCommand = {
  name: "resume",
  usage: "resume [text]",
  right: "write",
  summary: "Continues parked work, or work with a commit of your own on top.",
  minWords: 0,
  run: onExistingWork(async ({ actions, author, call }, position, trailers) =>
    accepted(await actions.resume(author, position, { messages: callMessages(call), trailers })),
  ),
};
