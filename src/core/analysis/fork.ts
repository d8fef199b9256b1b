/**
 * Drafts the request that starts a fork: the same work, tried in another way.
 *
 * Invariants:
 * - The message always contains the original goal and the latest message, below the person's words.
 * - Trailers that only a runner may write are not copied.
 */
import type { MessageDraft } from "../protocol/compose.ts";
import type { Origin } from "../protocol/origin.ts";
import type { Commit, Request } from "../protocol/request.ts";
import { copiedTrailers } from "../outcome/response.ts";
import type { Trailer } from "../protocol/trailer-block.ts";
import { KEY } from "../protocol/trailer-keys.ts";

export interface Fork {
  /** The commit at which the new branch starts. */
  readonly at: Commit;
  /** The request at that commit. */
  readonly request: Request;
  /** The first request of the work. It is `request` itself if a person wrote that one. */
  readonly origin: Origin;
  /** The person's own words: the subject, then one entry for each paragraph. */
  readonly messages: readonly string[];
  readonly trailers: readonly Trailer[];
}

/** The draft has no state and no branch yet. */
export function draftFork({ at, request, origin, messages, trailers }: Fork): MessageDraft {
  const [header = origin.header, ...paragraphs] = messages;
  const isAnswer = origin.commit !== request.commit;
  const goal = messages.length > 0 ? ["The work it is for:", origin.header, origin.body] : [origin.body];
  const latest = isAnswer ? ["What was said last:", request.message.header, request.message.body] : [];
  const replaced = new Set(trailers.map(({ key }) => key.toLowerCase()));
  const copied = copiedTrailers(request, undefined).filter(
    ({ key }) => !replaced.has(key.toLowerCase()) && key !== KEY.forkedFrom,
  );
  return {
    header,
    body: [...paragraphs, ...goal, ...latest].filter((part) => part !== "").join("\n\n"),
    trailers: [...copied, ...trailers, { key: KEY.forkedFrom, value: at.commit }],
  };
}
