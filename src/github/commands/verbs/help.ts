/** The comment command `/help`. */
import { type CommentCommand, replied } from "../comment-command.ts";

/** `table` is the list of all commands as Markdown. */
export const helpCommand = (table: () => string): CommentCommand => ({
  name: "help",
  usage: "help",
  right: "read",
  summary: "Lists the commands and the right that each one needs.",
  minWords: 0,
  run: () => Promise.resolve(replied(table())),
});
