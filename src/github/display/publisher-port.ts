/**
 * The port to what GitHub displays: labels, comments, reactions, check runs and pull requests.
 *
 * Invariants:
 * - A missing item is undefined, not an error. Every other refusal of GitHub is thrown unchanged.
 */
import type { Branch, Sha } from "../../core/protocol/ids.ts";
import type {
  CommandSource,
  Check,
  ReactionContent,
  Label,
  NewPull,
  PullRequestRef,
} from "./desired-state.ts";

/** The account that Trailhand writes as, and the App that owns its check runs, if any. */
export interface PublisherIdentity {
  readonly accountId: number;
  readonly appId: number | undefined;
}

export interface ShownComment {
  readonly id: number;
  readonly authorId: number | undefined;
  readonly body: string;
}

export interface ShownCheck extends Pick<Check, "name" | "externalId" | "title" | "summary"> {
  readonly id: number;
  readonly appId: number | undefined;
  readonly status: string;
  readonly conclusion: string | undefined;
}

/** An issue or a pull request. */
export interface ShownIssue {
  readonly labels: readonly string[];
  readonly isOpen: boolean;
  readonly isPull: boolean;
  /** GitHub's `state_reason`. */
  readonly reason: string | undefined;
}

/** A pull request from a branch of this repository, open or not. */
export interface ShownPull {
  readonly number: number;
  readonly isOpen: boolean;
  /** The head, or the head at the time of closing. */
  readonly commit: string;
}

export interface ShownReaction {
  readonly userId: number | undefined;
  readonly content: string;
}

export interface Publisher {
  /** Names of all labels of the repository. */
  listLabels(): Promise<readonly string[]>;
  /** An issue or pull request; undefined when it does not exist. */
  readThread(number: number): Promise<ShownIssue | undefined>;
  listComments(number: number): Promise<readonly ShownComment[]>;
  /** Undefined when GitHub does not have the commit. */
  listChecks(commit: Sha): Promise<readonly ShownCheck[] | undefined>;
  /** Undefined when the source was deleted. */
  listReactions(source: CommandSource): Promise<readonly ShownReaction[] | undefined>;

  listOpenPulls(): Promise<readonly PullRequestRef[]>;
  /** All pull requests of a branch, open and closed. */
  listPullsFrom(branch: Branch): Promise<readonly ShownPull[]>;

  createLabel(label: Label): Promise<void>;
  addLabel(number: number, name: string): Promise<void>;
  removeLabel(number: number, name: string): Promise<void>;
  createComment(number: number, body: string): Promise<void>;
  editComment(id: number, body: string): Promise<void>;
  deleteComment(id: number): Promise<void>;
  createCheck(check: Check): Promise<void>;
  updateCheck(id: number, check: Check): Promise<void>;
  addReaction(source: CommandSource, content: ReactionContent): Promise<void>;
  createPull(pull: NewPull): Promise<void>;
  closePull(number: number): Promise<void>;
  closeIssue(number: number, reason: "completed" | "not_planned"): Promise<void>;
}
