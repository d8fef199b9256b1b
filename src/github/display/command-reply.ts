/**
 * Replies where a command was written.
 *
 * Invariants:
 * - Accepted work gets no reply: its status comment shows it.
 * - Every refusal gets a reply, unless GitHub accepts none because the comment was deleted or locked.
 */
import type { IntentResult } from "../commands/intent-actor.ts";
import type { Intent, CommentLocation } from "../commands/intent.ts";
import { RequestDeclined } from "../api/client.ts";
import type { Publisher } from "./publisher-port.ts";
import type { CommandSource } from "./desired-state.ts";

export async function renderReply(
  publisher: Publisher,
  intent: Intent,
  results: readonly IntentResult[],
): Promise<void> {
  const number = numberOf(intent);
  if (number === undefined) return;
  const texts = results.flatMap((result) =>
    result.kind === "refused" ? [result.why] : result.kind === "replied" ? [result.text] : [],
  );
  const source = intent.kind === "command" ? sourceOf(intent.location) : undefined;
  if (source && results.some(({ kind }) => kind === "refused"))
    await ignoreDeclined(() => publisher.addReaction(source, "confused"));
  if (texts.length > 0) await ignoreDeclined(() => publisher.createComment(number, texts.join("\n\n")));
}

/** A deleted or locked comment can never get a reply, so the failure is final. */
async function ignoreDeclined(write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    const isFinal =
      error instanceof RequestDeclined &&
      (error.decision.kind === "gone" || error.decision.kind === "refused");
    // Without valid credentials, a retry can succeed later.
    if (!isFinal || error.status === 401) throw error;
  }
}

function numberOf(intent: Intent): number | undefined {
  if (intent.kind === "command") return intent.location.number;
  if (intent.kind === "label") return intent.issue.number;
  return intent.kind === "review" ? intent.number : undefined;
}

/** GitHub does not support reactions to a review. */
function sourceOf({ kind, number, id }: CommentLocation): CommandSource | undefined {
  if (kind === "review") return undefined;
  if (id === undefined) return { kind: "issue", id: number };
  return { kind: kind === "review-comment" ? "review-comment" : "comment", id };
}
