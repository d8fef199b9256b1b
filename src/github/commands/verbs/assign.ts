/** The comment command `/assign`. */
import { escapeCode } from "../../api/escape-markdown.ts";
import { type CommentCommand, refused } from "../comment-command.ts";
import { onExistingWork } from "../existing-work.ts";
import { accepted } from "../submit-request.ts";

export const assign: CommentCommand = {
  name: "assign",
  usage: "assign <agent>",
  right: "write",
  summary: "Gives the current state to another agent.",
  example: "assign claude",
  minWords: 1,
  run: onExistingWork(async ({ actions, author, call }, position, trailers) => {
    if (call.text.startsWith("@"))
      return refused(
        `${escapeCode(call.text)} is not an agent of the workflow. To assign a person, use the assignees of the issue.`,
      );
    return accepted(await actions.assign(author, position, call.text, trailers));
  }),
};
