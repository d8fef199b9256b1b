/**
 * What GitHub should show of the work: plain data, between reading the refs and writing to GitHub.
 *
 * What must hold: (pure) all of it can be made again from the refs, so that whatever is deleted on
 * GitHub by hand comes back.
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
  /** The one label of a state that it bears. */
  readonly label: Label;
  /** The one status comment. */
  readonly body: string;
  /** The commit that the status calls a person for, where it does. */
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
  /** False: one that was there at any time is enough. True: one that was closed at another head is none. */
  readonly shouldReopen: boolean;
}

/** A new comment, because a person must act. */
export interface MentionComment {
  readonly commit: Sha;
  /** Where the work is shown; it is told at the first of them that is there. */
  readonly numbers: readonly number[];
  readonly body: string;
  /** True where it names people, who hear of it by that. */
  readonly hasMentions: boolean;
}

/** An issue, or a pull request of ours, that is to be closed. */
export type Closing =
  | { readonly kind: "issue"; readonly number: number; readonly reason: "completed" | "not_planned" }
  | { readonly kind: "pull"; readonly number: number; readonly authorId: number | undefined };

export interface Button {
  /** At most 20 characters; the verb of the command that it stands for. */
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
  /** Says what is ours, and which buttons were given: GitHub does not tell those. */
  readonly externalId: string;
  readonly status: "queued" | "in_progress" | "completed";
  /** Set when it is completed. */
  readonly conclusion: Conclusion | undefined;
  readonly title: string;
  readonly summary: string;
  readonly details: string;
  readonly buttons: readonly Button[];
  /** Brought up to date where it is, and not made: the work went on from this commit. */
  readonly isPast: boolean;
}

export type ReactionContent = "eyes" | "rocket" | "confused";

/** What carried a command: a comment by its id, or the text of an issue or pull request by its number. */
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
  /** Its head is in another repository: it is data, and nothing is shown at it. */
  readonly isFork: boolean;
  /** The number of the account that opened it. */
  readonly authorId: number | undefined;
}

/** What every key of ours on GitHub begins with. */
export const KEY_PREFIX = "trailhand";
/** What every label of a state begins with. */
export const STATE_LABEL = "state:";
/** What the body of a status comment begins with; it helps to find one, and proves nothing. */
export const STATUS_MARKER = `<!-- ${KEY_PREFIX}:status `;

/** One text for each place where a command can be written. */
export const sourceKey = ({ kind, id }: CommandSource): string => `${kind}:${id}`;
