/**
 * What a GitHub event asks for, as plain data.
 *
 * Invariants:
 * - An account is a numeric id. Its rights are read from GitHub when the intent is handled.
 */
import type { Repo } from "../api/repo.ts";

/** The account that caused an event. */
export interface Actor {
  readonly id: number;
  readonly login: string;
  readonly isBot: boolean;
}

/** Where a command was written; reactions and replies go there. */
export interface CommentLocation {
  readonly kind: "issue" | "pull" | "issue-comment" | "review" | "review-comment";
  /** The number of the issue or pull request. */
  readonly number: number;
  /** The id of the comment or review; undefined for the body of an issue or pull request. */
  readonly id: number | undefined;
}

/** The text of an issue, for the request that starts its work. */
export interface IssueText {
  readonly number: number;
  readonly title: string;
  readonly body: string;
}

export type Intent =
  /** Scan the repository. The branch is only a hint. */
  | { readonly kind: "wake"; readonly repo: Repo; readonly branch: string | undefined }
  | {
      readonly kind: "command";
      readonly repo: Repo;
      readonly actor: Actor;
      readonly location: CommentLocation;
      /** The unchanged text that contains the commands. */
      readonly text: string;
      /** The same for each delivery of one event, so that it runs once. For example `comment:123`. */
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
      /** The full id of the reviewed commit. */
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
      /** A button of Trailhand's own check run, or its re-run. */
      readonly kind: "button";
      readonly repo: Repo;
      readonly actor: Actor;
      readonly action: string;
      readonly commit: string;
      readonly branch: string | undefined;
      readonly event: string;
    }
  /** Scan these repositories: the App was installed, or a repository was added. */
  | { readonly kind: "sweep"; readonly repos: readonly Repo[] };
