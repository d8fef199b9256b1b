/** The comment command `/log`. */
import type { CommentCommand } from "../comment-command.ts";
import { reportOf } from "../existing-work.ts";

export const log: CommentCommand = {
  name: "log",
  usage: "log",
  right: "read",
  summary: "Lists the hand-offs of the branch.",
  minWords: 0,
  run: reportOf("log"),
};
