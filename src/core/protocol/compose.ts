/**
 * Formats a commit message from a header, a body and trailers.
 *
 * Invariants:
 * - Our own parser reads the same trailers back. A draft for which it would not is rejected.
 * - Other tools find the same trailer block: no line of the body cuts the message short for them.
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

/** True for letters, digits and `-`, at most 64 of them, the first one not `-`. */
export function isTrailerKey(key: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/.test(key);
}

/**
 * Throws a UserError for an empty header, an invalid key, a value that is empty or has a line break,
 * a branch name that cannot be written unchanged, and a message that does not read back.
 */
export function composeMessage(draft: MessageDraft): string {
  const header = indentCutMarks(cleanLine(draft.header, 500));
  if (header === "") throw new UserError(MESSAGES.emptySubject());
  for (const { key, value } of draft.trailers) {
    if (!isTrailerKey(key)) throw new UserError(MESSAGES.badTrailerKey(key));
    if (cleanLine(value) === "" || /[\r\n]/.test(value)) throw new UserError(MESSAGES.badTrailerValue(key));
  }
  const trailers = draft.trailers.map(({ key, value }) => ({ key, value: cleanLine(value, 8000) }));
  // A name that is changed by cleaning would be the name of another branch.
  const name = draft.trailers.find(
    ({ key, value }) => key === KEY.branch && cleanLine(value, 8000) !== value,
  );
  if (name) throw new UserError(MESSAGES.unwritableBranch(name.value));
  const body = indentCutMarks(cleanText(draft.body ?? "").trim());
  const block = trailers.map(({ key, value }) => `${key}: ${value}\n`).join("");
  const message = [header, body, block.trimEnd()].filter((part) => part !== "").join("\n\n") + "\n";
  requireReadBack(trailers, parseMessage(message).trailers);
  return message;
}

/** Indents lines at which git am, git commit or git apply would cut the message: `---`, scissors, diffs. */
function indentCutMarks(body: string): string {
  return body.replace(/^(---|# -+ >8|diff --git |Index: )/gm, " $1");
}

function requireReadBack(meant: readonly Trailer[], read: readonly Trailer[]): void {
  const show = (trailers: readonly Trailer[]) =>
    trailers.map(({ key, value }) => `${key}: ${value}`).join("\n");
  if (show(meant) !== show(read)) throw new UserError(MESSAGES.messageDiffers(show(meant), show(read)));
}
