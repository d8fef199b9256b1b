/**
 * Answers where a command was written.
 *
 * What must hold: work that began is shown by its status, and said nowhere else; a refusal is never
 * silent, but where GitHub takes no answer: who deletes a comment at once holds nobody else up.
 */
import type { IntentResult } from "../commands/intent-actor.ts";
import type { Intent, CommentLocation } from "../commands/intent.ts";
import { RequestDeclined } from "../api/client.ts";
import type { Publisher } from "./publisher-port.ts";
import type { CommandSource } from "./desired-state.ts";

/** What was refused, or only asked, is answered where it stands; work that began is shown by its status. */
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

/** What was deleted, or is locked, takes no answer today and none tomorrow. */
async function ignoreDeclined(write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    const isFinal =
      error instanceof RequestDeclined &&
      (error.decision.kind === "gone" || error.decision.kind === "refused");
    // Whoever is nobody to GitHub is so for all else too.
    if (!isFinal || error.status === 401) throw error;
  }
}

function numberOf(intent: Intent): number | undefined {
  if (intent.kind === "command") return intent.location.number;
  if (intent.kind === "label") return intent.issue.number;
  return intent.kind === "review" ? intent.number : undefined;
}

/** GitHub takes no reaction to a review. */
function sourceOf({ kind, number, id }: CommentLocation): CommandSource | undefined {
  if (kind === "review") return undefined;
  if (id === undefined) return { kind: "issue", id: number };
  return { kind: kind === "review-comment" ? "review-comment" : "comment", id };
}
