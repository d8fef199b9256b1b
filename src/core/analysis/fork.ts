/**
 * The request that begins a fork: the same work, tried another way.
 *
 * What must hold: what the work is for is never lost: below a person's own words stands the request
 * that began it, and what was said last; what only the runner may write is not carried over.
 */
import type { MessageDraft } from "../protocol/compose.ts";
import type { Origin } from "../protocol/origin.ts";
import type { Commit, Request } from "../protocol/request.ts";
import { copiedTrailers } from "../outcome/response.ts";
import type { Trailer } from "../protocol/trailer-block.ts";
import { KEY } from "../protocol/trailer-keys.ts";

export interface Fork {
  /** The commit at which the new branch begins. */
  readonly at: Commit;
  /** What was asked for there. */
  readonly request: Request;
  /** The request that began the work; the same one, when a person asked for it. */
  readonly origin: Origin;
  /** The person's own words: the first is the subject, each further one a paragraph. */
  readonly messages: readonly string[];
  readonly trailers: readonly Trailer[];
}

/** Drafts the message of the request, without the state and the branch. */
export function draftFork({ at, request, origin, messages, trailers }: Fork): MessageDraft {
  const [header = origin.header, ...paragraphs] = messages;
  const isAnswer = origin.commit !== request.commit;
  const goal = messages.length > 0 ? ["The work it is for:", origin.header, origin.body] : [origin.body];
  const last = isAnswer ? ["What was said last:", request.message.header, request.message.body] : [];
  const given = new Set(trailers.map(({ key }) => key.toLowerCase()));
  const kept = copiedTrailers(request, undefined).filter(
    ({ key }) => !given.has(key.toLowerCase()) && key !== KEY.forkedFrom,
  );
  return {
    header,
    body: [...paragraphs, ...goal, ...last].filter((part) => part !== "").join("\n\n"),
    trailers: [...kept, ...trailers, { key: KEY.forkedFrom, value: at.commit }],
  };
}
