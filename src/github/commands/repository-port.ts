/**
 * The port to a repository: what comment commands read from it and write to it.
 *
 * Invariants:
 * - The person who asked is the author of each commit.
 * - Each write names the head that it was decided on, and throws a UserError when the head moved.
 */
import type { Branch, Sha } from "../../core/protocol/ids.ts";
import type { Trailer } from "../../core/protocol/trailer-block.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";

/** The person who asked, in git's form. */
export interface Author {
  readonly name: string;
  readonly email: string;
}

/** The head of a branch, and its request. */
export interface BranchReference {
  readonly branch: Branch;
  readonly commit: Sha;
  /** The requested state, also when plain commits or approvals are on top of the request. */
  readonly state: string | undefined;
  /** Hand-offs since the last person. */
  readonly hops: number;
  readonly isRunning: boolean;
  readonly wantsApproval: boolean;
  /** The first line of the request; `body` and `trailers` are its other parts. */
  readonly header: string;
  readonly body: string;
  readonly trailers: readonly Trailer[];
}

export interface RepositoryView {
  readonly target: Branch;
  readonly workflow: Workflow;
  position(branch: Branch): BranchReference | undefined;
  /** The branch whose head is this commit. */
  branchAt(commit: string): Branch | undefined;
}

export interface CommandText {
  /** The first line and the paragraphs. Empty for the default message. */
  readonly messages: readonly string[];
  readonly trailers: readonly Trailer[];
}

export interface NewRequest extends CommandText {
  readonly branch: Branch;
  readonly state: string;
  /** The head that the request goes on top of; null creates the branch. */
  readonly expectedHead: Sha | null;
  /** Where a new branch starts. The default is the trusted branch. */
  readonly startPoint?: Sha | undefined;
}

export interface SubmittedRequest {
  readonly branch: Branch;
  readonly state: string;
  readonly commit: Sha;
}

/** The reports of a branch that a comment can ask for. */
export type ReportKind = "status" | "cost" | "log" | "output" | "replay";

export interface RepositoryActions {
  readView(): Promise<RepositoryView>;
  /** The commit that an event wrote earlier. */
  findEvent(branch: Branch, event: string): Promise<Sha | undefined>;
  /** When commands of this author on GitHub were carried out, since a moment. Milliseconds since 1970, oldest first. */
  acceptedTimes(by: Author, since: number): Promise<readonly number[]>;
  /** Writes all requests or none. */
  request(by: Author, drafts: readonly NewRequest[]): Promise<readonly SubmittedRequest[]>;
  retry(by: Author, at: BranchReference, text: CommandText): Promise<SubmittedRequest>;
  resume(by: Author, at: BranchReference, text: CommandText): Promise<SubmittedRequest>;
  cancel(by: Author, at: BranchReference, text: CommandText): Promise<SubmittedRequest>;
  /** Approves the request, or requests the next state where a person decides. `commit` is the reviewed commit. */
  approve(by: Author, at: BranchReference, commit: Sha, text: CommandText): Promise<SubmittedRequest>;
  /** Sends back what waits for a person; where no state leads back, the work is cancelled. */
  reject(by: Author, at: BranchReference, text: CommandText): Promise<SubmittedRequest>;
  /** Gives the current state to an agent of the workflow. */
  assign(
    by: Author,
    at: BranchReference,
    agent: string,
    trailers: CommandText["trailers"],
  ): Promise<SubmittedRequest>;
  /** `priority` is a whole number from -1000 to 1000, as the person wrote it. */
  prioritize(
    by: Author,
    at: BranchReference,
    priority: string,
    trailers: CommandText["trailers"],
  ): Promise<SubmittedRequest>;
  hold(by: Author, reason: string): Promise<void>;
  releaseHold(by: Author): Promise<void>;
  /** Records the conclusion of a check. False when the commit is not the head of a branch. */
  recordCheck(commit: string, name: string, conclusion: string): Promise<boolean>;
  report(kind: ReportKind, branch: Branch): Promise<string>;
}
