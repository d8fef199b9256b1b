/**
 * The port of a repository: what acting needs to see of it, and to write to it.
 *
 * What must hold: whoever asked is the author of what is written; every writing names the head that
 * it was decided on, and fails with a Fault when that has moved; a Fault's sentence is for people.
 */
import type { Branch, Sha } from "../../core/protocol/ids.ts";
import type { Trailer } from "../../core/protocol/trailer-block.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";

/** Who asked, as git writes a name. */
export interface Author {
  readonly name: string;
  readonly email: string;
}

/** Where a branch stands. */
export interface BranchPosition {
  readonly branch: Branch;
  readonly commit: Sha;
  /** What it asks for, or asked for below commits and approvals of people. */
  readonly state: string | undefined;
  /** Hand-offs so far without a person. */
  readonly hops: number;
  readonly isRunning: boolean;
  readonly wantsApproval: boolean;
  /** The words and trailers of the request. */
  readonly header: string;
  readonly body: string;
  readonly trailers: readonly Trailer[];
}

export interface RepositoryView {
  readonly target: Branch;
  readonly workflow: Workflow;
  position(branch: Branch): BranchPosition | undefined;
  /** The branch whose head is a commit. */
  branchAt(commit: string): Branch | undefined;
}

export interface CommandText {
  /** The first line, and paragraphs. */
  readonly messages: readonly string[];
  readonly trailers: readonly Trailer[];
}

export interface NewRequest extends CommandText {
  readonly branch: Branch;
  readonly state: string;
  /** The head that it comes on top of; null makes the branch. */
  readonly expectedHead: Sha | null;
  /** What a new branch begins at; the trusted branch when left out. */
  readonly startPoint?: Sha | undefined;
}

export interface WrittenRequest {
  readonly branch: Branch;
  readonly state: string;
  readonly commit: Sha;
}

/** What is told of a branch. */
export type ReportKind = "status" | "cost" | "log" | "replay";

export interface RepositoryActions {
  readView(): Promise<RepositoryView>;
  /** The commit that an event has brought about; undefined: none. */
  findEvent(branch: Branch, event: string): Promise<Sha | undefined>;
  /** When somebody was given what they asked for on GitHub, since a moment: milliseconds since 1970, oldest first. */
  acceptedTimes(by: Author, since: number): Promise<readonly number[]>;
  /** All of them or none. */
  request(by: Author, wishes: readonly NewRequest[]): Promise<readonly WrittenRequest[]>;
  retry(by: Author, at: BranchPosition, said: CommandText): Promise<WrittenRequest>;
  resume(by: Author, at: BranchPosition, said: CommandText): Promise<WrittenRequest>;
  cancel(by: Author, at: BranchPosition, said: CommandText): Promise<WrittenRequest>;
  /** `commit` is what was looked at. */
  approve(by: Author, at: BranchPosition, commit: Sha, said: CommandText): Promise<WrittenRequest>;
  hold(by: Author, why: string): Promise<void>;
  releaseHold(by: Author): Promise<void>;
  /** Keeps how a check of a branch's present head ended; false when it is no such head. */
  recordCheck(commit: string, name: string, conclusion: string): Promise<boolean>;
  report(tale: ReportKind, branch: Branch): Promise<string>;
}
