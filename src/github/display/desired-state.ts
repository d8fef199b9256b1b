/**
 * What GitHub should show of the work, as plain data.
 *
 * Invariants:
 * - All of it is computed from the refs, so that anything deleted on GitHub by hand comes back.
 */
import type { Branch, Sha } from "../../core/protocol/ids.ts";

export interface Label {
  readonly name: string;
  /** Six hexadecimal digits. */
  readonly color: string;
  readonly description: string;
}

/** An issue or a pull request. */
export interface ThreadState {
  readonly number: number;
  /** The label of the state. An issue has exactly one of these. */
  readonly label: Label;
  /** The text of the status comment. */
  readonly body: string;
  /** The commit for which the status comment asks a person to act. */
  readonly mentionCommit: Sha | undefined;
}

/** A pull request to be opened. */
export interface NewPull {
  readonly branch: Branch;
  /** The head of the branch. */
  readonly commit: Sha;
  readonly base: Branch;
  readonly title: string;
  readonly body: string;
  readonly isDraft: boolean;
  /** True when a pull request that was closed at another head does not count, so a new one is opened. */
  readonly shouldReopen: boolean;
}

/** A new comment that asks a person to act. */
export interface MentionComment {
  readonly commit: Sha;
  /** The issues and pull requests that show the work. The comment goes to the first that exists. */
  readonly numbers: readonly number[];
  readonly body: string;
  /** True when the comment mentions people, so that GitHub notifies them. */
  readonly hasMentions: boolean;
}

/** An issue, or a pull request opened by Trailhand, that should be closed. */
export type Closing =
  | { readonly kind: "issue"; readonly number: number; readonly reason: "completed" | "not_planned" }
  | { readonly kind: "pull"; readonly number: number; readonly authorId: number | undefined };

export interface Button {
  /** The name of the command. At most 20 characters. */
  readonly identifier: string;
  /** At most 20 characters. */
  readonly label: string;
  /** At most 40 characters. */
  readonly description: string;
}

export type Conclusion = "success" | "failure" | "neutral" | "action_required";

export interface Check {
  readonly commit: Sha;
  readonly name: string;
  /** Identifies Trailhand's check runs. It includes the buttons, because GitHub does not return those. */
  readonly externalId: string;
  readonly status: "queued" | "in_progress" | "completed";
  /** Set when `status` is `completed`. */
  readonly conclusion: Conclusion | undefined;
  readonly title: string;
  readonly summary: string;
  readonly details: string;
  readonly buttons: readonly Button[];
  /** True for an earlier request of the branch: its check run is updated, and never created. */
  readonly isPast: boolean;
}

export type ReactionContent = "eyes" | "rocket" | "confused";

/** Where a command was written: a comment by its id, or the text of an issue or pull request by its number. */
export interface CommandSource {
  readonly kind: "comment" | "review-comment" | "issue";
  readonly id: number;
}

export interface Reaction {
  readonly source: CommandSource;
  readonly contents: readonly ReactionContent[];
}

export interface DesiredState {
  readonly threads: readonly ThreadState[];
  readonly checks: readonly Check[];
  readonly reactions: readonly Reaction[];
  readonly pulls: readonly NewPull[];
  readonly mentions: readonly MentionComment[];
  readonly closings: readonly Closing[];
}

/** A pull request that is open. */
export interface PullRequestRef {
  readonly number: number;
  readonly branch: Branch;
  /** True when the head is in another repository. Nothing is shown on such a pull request. */
  readonly isFork: boolean;
  /** The account that opened it. */
  readonly authorId: number | undefined;
}

/** The prefix of every key that Trailhand writes on GitHub. */
export const KEY_PREFIX = "trailhand";
/** The prefix of every label of a state. */
export const STATE_LABEL = "state:";
/** The first characters of a status comment. They help to find it, and do not prove its author. */
export const STATUS_MARKER = `<!-- ${KEY_PREFIX}:status `;

/** A unique key of a command source. */
export const sourceKey = ({ kind, id }: CommandSource): string => `${kind}:${id}`;
