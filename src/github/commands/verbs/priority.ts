/** The comment command `/priority`. */
import type { CommentCommand } from "../comment-command.ts";
import { onExistingWork } from "../existing-work.ts";
import { accepted } from "../submit-request.ts";

export const priority: CommentCommand = {
  name: "priority",
  usage: "priority <n>",
  right: "triage",
  summary: "Sets the priority, from -1000 to 1000. A higher number starts earlier.",
  example: "priority 10",
  minWords: 1,
  run: onExistingWork(async ({ actions, author, call }, position, trailers) =>
    accepted(await actions.prioritize(author, position, call.text, trailers)),
  ),
};
