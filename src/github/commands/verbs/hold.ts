/** The comment command `/hold`. */
import type { CommandContext, CommentCommand, HandlerResult } from "../comment-command.ts";

export const hold: CommentCommand = {
  name: "hold",
  usage: "hold [reason], or hold off",
  right: "maintain",
  summary: "Holds all work in the repository, or releases the hold.",
  example: "hold a release is in progress",
  minWords: 0,
  run: handleHold,
};

async function handleHold({
  actions,
  author,
  login,
  call: { text },
}: CommandContext): Promise<HandlerResult> {
  const isRelease = text === "off";
  if (isRelease) await actions.releaseHold(author);
  else await actions.hold(author, text === "" ? `everything is stopped by @${login}` : text);
  const result = isRelease ? "The hold is released." : "All work in this repository is on hold.";
  return { kind: "accepted", branch: undefined, commit: undefined, text: result };
}
