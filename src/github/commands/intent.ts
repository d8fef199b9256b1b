/**
 * What an event of GitHub asks for: plain data, between reading a payload and acting on it.
 *
 * What must hold: nothing here is believed because a text says so; who acts is a numeric id, and what
 * they may do is asked of GitHub at the moment of acting.
 */
import type { Repo } from "../api/repo.ts";

/** An account, as a signed event names it. */
export interface Actor {
  readonly id: number;
  readonly login: string;
  readonly isBot: boolean;
}

/** Where a command was written, so that the reaction and the answer go there. */
export interface CommentLocation {
  readonly kind: "issue" | "pull" | "issue-comment" | "review" | "review-comment";
  /** The number of the issue or pull request. */
  readonly number: number;
  /** The id of the comment or review; undefined for the body of an issue or pull request. */
  readonly id: number | undefined;
}

/** What an issue says, for the request that begins its work. */
export interface IssueText {
  readonly number: number;
  readonly title: string;
  readonly body: string;
}

export type Intent =
  /** Look at the repository; a branch is a hint only. */
  | { readonly kind: "wake"; readonly repo: Repo; readonly branch: string | undefined }
  | {
      readonly kind: "command";
      readonly repo: Repo;
      readonly actor: Actor;
      readonly location: CommentLocation;
      /** The text as it was written; commands are read from it. */
      readonly text: string;
      /** What makes a second delivery of the same event none: `comment:123`. */
      readonly event: string;
    }
  | {
      readonly kind: "label";
      readonly repo: Repo;
      readonly actor: Actor;
      readonly issue: IssueText;
      /** The state that the label names. */
      readonly state: string;
      readonly event: string;
    }
  | {
      readonly kind: "pull";
      readonly repo: Repo;
      readonly actor: Actor;
      readonly number: number;
      readonly action: "opened" | "synchronized" | "closed" | "merged";
      readonly head: { readonly ref: string; readonly sha: string; readonly isFork: boolean };
      readonly event: string;
    }
  | {
      readonly kind: "review";
      readonly repo: Repo;
      readonly actor: Actor;
      readonly number: number;
      readonly verdict: "approved" | "changes_requested";
      /** The full id of the commit that was looked at. */
      readonly commit: string;
      readonly event: string;
    }
  | {
      readonly kind: "check";
      readonly repo: Repo;
      readonly name: string;
      readonly commit: string;
      readonly conclusion: string;
    }
  | {
      /** A button of our own check run, or its re-run. */
      readonly kind: "button";
      readonly repo: Repo;
      readonly actor: Actor;
      readonly action: string;
      readonly commit: string;
      readonly branch: string | undefined;
      readonly event: string;
    }
  /** Look at everything: an installation was made, a repository was added. */
  | { readonly kind: "sweep"; readonly repos: readonly Repo[] };
