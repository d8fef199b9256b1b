/** The comment command `/replay`. */
import type { CommentCommand } from "../comment-command.ts";
import { reportOf } from "../existing-work.ts";

export const replay: CommentCommand = {
  name: "replay",
  usage: "replay",
  isHidden: true,
  right: "read",
  summary: "Shows the command that runs the last answered request again in a clone.",
  minWords: 0,
  run: reportOf("replay"),
};
