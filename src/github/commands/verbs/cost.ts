/** The comment command `/cost`. */
import type { CommentCommand } from "../comment-command.ts";
import { reportOf } from "../existing-work.ts";

export const cost: CommentCommand = {
  name: "cost",
  usage: "cost",
  right: "read",
  summary: "Shows what the work has spent, and its budget.",
  minWords: 0,
  run: reportOf("cost"),
};
