/**
 * The few things that are read from and written to GitHub to show the work, as a port.
 *
 * What must hold: what is not there is undefined, and never an error; everything else that GitHub
 * refuses is thrown as it came.
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

/** Who we are: the account that writes, and the App that owns our check runs, where there is one. */
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

/** An issue or a pull request, as far as it is shown or closed. */
export interface ShownIssue {
  readonly labels: readonly string[];
  readonly isOpen: boolean;
  readonly isPull: boolean;
  /** GitHub's word for how it came to be open or closed. */
  readonly reason: string | undefined;
}

/** A pull request from a branch of this repository, open or not. */
export interface ShownPull {
  readonly number: number;
  readonly isOpen: boolean;
  /** The head when it was closed, or is. */
  readonly commit: string;
}

export interface ShownReaction {
  readonly userId: number | undefined;
  readonly content: string;
}

export interface Publisher {
  /** Names of all labels of the repository. */
  listLabels(): Promise<readonly string[]>;
  /** An issue or pull request; undefined: it is not there. */
  readThread(number: number): Promise<ShownIssue | undefined>;
  listComments(number: number): Promise<readonly ShownComment[]>;
  /** Undefined: GitHub does not have the commit. */
  listChecks(commit: Sha): Promise<readonly ShownCheck[] | undefined>;
  /** Undefined: what carried the command is not there any more. */
  listReactions(source: CommandSource): Promise<readonly ShownReaction[] | undefined>;
  /** Those that are open. */
  listOpenPulls(): Promise<readonly PullRequestRef[]>;
  /** All that there ever were from a branch. */
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
