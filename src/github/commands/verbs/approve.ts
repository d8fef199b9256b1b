/** The comment command `/approve`. */
import { parseSha } from "../../../core/protocol/ids.ts";
import { type CommentCommand, refused } from "../comment-command.ts";
import { onExistingWork } from "../existing-work.ts";
import { accepted } from "../submit-request.ts";

export const approve: CommentCommand = {
  name: "approve",
  usage: "approve <full commit id>",
  right: "write",
  summary:
    "Approves exactly that commit. Any other commit on top voids the approval; further approvals do not.",
  example: "approve 0123456789abcdef0123456789abcdef01234567",
  minWords: 1,
  run: onExistingWork(async ({ actions, author, isBot, call }, position, trailers) => {
    if (isBot) return refused("Only a person can approve.");
    const commit = parseSha(call.words[0] ?? "");
    if (!commit || call.words.length > 1)
      return refused(
        `\`/approve\` needs the full id of the commit. Review the commit, then write \`/approve ${position.commit}\`.`,
      );
    const result = await actions.approve(author, position, commit, { messages: [], trailers });
    return accepted(result, `${commit} is approved`);
  }),
};
