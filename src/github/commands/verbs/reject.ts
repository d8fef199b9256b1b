/** The comment command `/reject`: sends work back that waits for a person. */
import type { CommentCommand } from "../comment-command.ts";
import { onExistingWork } from "../existing-work.ts";
import { accepted } from "../submit-request.ts";

export const reject: CommentCommand = {
  name: "reject",
  usage: "reject <reason>",
  right: "write",
  summary: "Sends back work that waits for a person, with the reason.",
  example: "reject the limit applies to each address, not to all of them",
  minWords: 1,
  run: onExistingWork(async ({ actions, author, login, call }, position, trailers) => {
    const messages = [`rejected by @${login}: ${call.text}`];
    return accepted(await actions.reject(author, position, { messages, trailers }));
  }),
};
