/** What a person says with a request, and the request that was written. */
import type { Branch, Sha } from "./ids.ts";
import type { Trailer } from "./trailer-block.ts";

export interface RequestText {
  /** The subject, and paragraphs; empty: a default subject. */
  readonly messages: readonly string[];
  readonly trailers: readonly Trailer[];
}

export interface WrittenRequest {
  readonly branch: Branch;
  readonly state: string;
  readonly commit: Sha;
}
