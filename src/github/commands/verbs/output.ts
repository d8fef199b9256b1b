/** The comment command `/output`. */
import type { CommentCommand } from "../comment-command.ts";
import { reportOf } from "../existing-work.ts";

export const output: CommentCommand = {
  name: "output",
  usage: "output",
  // Not "read": a script can print what only people who can change the repository should see.
  right: "write",
  summary: "Shows the last lines that the script or agent printed.",
  minWords: 0,
  run: reportOf("output"),
};
