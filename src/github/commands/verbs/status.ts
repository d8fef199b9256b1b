/** The comment command `/status`. */
import type { CommentCommand } from "../comment-command.ts";
import { reportOf } from "../existing-work.ts";

export const status: CommentCommand = {
  name: "status",
  usage: "status",
  right: "read",
  summary: "Shows the state of the work, whose turn it is, and why.",
  minWords: 0,
  run: reportOf("status"),
};
