/** Writes a request for a comment command, on the head that the command was decided on. */
import { KEY } from "../../core/protocol/trailer-keys.ts";
import type { Trailer } from "../../core/protocol/trailer-block.ts";
import { escapeCode } from "../api/escape-markdown.ts";
import { type Accepted, type CommandContext, type HandlerResult, refused } from "./comment-command.ts";
import type { WrittenRequest } from "../../core/protocol/request-text.ts";

/** The result of a written request. */
export function accepted({ branch, commit, state }: WrittenRequest, text?: string): Accepted {
  const name = escapeCode(branch, 250);
  const summary =
    state === "cancelled" ? `${name} is cancelled` : `${escapeCode(state)} is requested on ${name}`;
  return { kind: "accepted", branch, commit, text: text ?? summary };
}

/** Requests a state on the branch of the command, and creates the branch where there is none. */
export async function submitRequest(
  { actions, author, branch, position }: CommandContext,
  state: string,
  messages: readonly string[],
  trailers: readonly Trailer[],
): Promise<HandlerResult> {
  const expectedHead = position?.commit ?? null;
  const [request] = await actions.request(author, [{ branch, state, expectedHead, messages, trailers }]);
  return request ? accepted(request) : refused("No request was written.");
}

/** The trailer that names the event behind a request. */
export const eventTrailer = ({ event }: CommandContext): Trailer => ({ key: KEY.event, value: event });
