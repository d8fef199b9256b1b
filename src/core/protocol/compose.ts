/**
 * Writes a commit message whose trailers mean what was meant.
 *
 * What must hold: a message that leaves here reads back, by our own parser, as the trailers that
 * went in; no other tool finds a different block in it. What cannot be written so is refused.
 */
import { cleanLine, cleanText } from "../util/redact.ts";
import { parseMessage } from "./message.ts";
import type { Trailer } from "./trailer-block.ts";
import { UserError, MESSAGES } from "../messages/messages.ts";
import { KEY } from "./trailer-keys.ts";

export interface MessageDraft {
  readonly header: string;
  readonly body?: string;
  readonly trailers: readonly Trailer[];
}

/** True for what a trailer may be called: letters, digits and `-`, at most 64 of them. */
export function isTrailerKey(key: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/.test(key);
}

/**
 * Formats a message. Throws a Fault when the header is empty, a key is not made of letters, digits
 * and `-`, a value is empty or has a line break, or the result does not read back.
 */
export function composeMessage(draft: MessageDraft): string {
  const header = defuse(cleanLine(draft.header, 500));
  if (header === "") throw new UserError(MESSAGES.emptyHeader());
  for (const { key, value } of draft.trailers) {
    if (!isTrailerKey(key)) throw new UserError(MESSAGES.badTrailerKey(key));
    if (cleanLine(value) === "" || /[\r\n]/.test(value)) throw new UserError(MESSAGES.badTrailerValue(key));
  }
  const trailers = draft.trailers.map(({ key, value }) => ({ key, value: cleanLine(value, 8000) }));
  // A name that cleaning changes would bind the commit to another branch.
  const name = draft.trailers.find(
    ({ key, value }) => key === KEY.branch && cleanLine(value, 8000) !== value,
  );
  if (name) throw new UserError(MESSAGES.unwritableBranch(name.value));
  const body = defuse(cleanText(draft.body ?? "").trim());
  const block = trailers.map(({ key, value }) => `${key}: ${value}\n`).join("");
  const message = [header, body, block.trimEnd()].filter((part) => part !== "").join("\n\n") + "\n";
  requireSame(trailers, parseMessage(message).trailers);
  return message;
}

/** A line that cuts messages short for some tool (`---`, scissors, diff) is indented by a space. */
function defuse(body: string): string {
  return body.replace(/^(---|# -+ >8|diff --git |Index: )/gm, " $1");
}

function requireSame(meant: readonly Trailer[], read: readonly Trailer[]): void {
  const show = (trailers: readonly Trailer[]) =>
    trailers.map(({ key, value }) => `${key}: ${value}`).join("\n");
  if (show(meant) !== show(read)) throw new UserError(MESSAGES.messageDiffers(show(meant), show(read)));
}
