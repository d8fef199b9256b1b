/**
 * The port to a repository: what comment commands read from it and write to it.
 *
 * Invariants:
 * - The person who asked is the author of each commit.
 * - Each write names the head that it was decided on, and throws a UserError when the head moved.
 */
import type { RequestText, WrittenRequest } from "../../core/protocol/request-text.ts";
import type { BranchPosition } from "../../core/scheduling/branch-position.ts";
import type { Branch, Sha } from "../../core/protocol/ids.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";

/** The person who asked, in git's form. */
export interface Author {
  readonly name: string;
  readonly email: string;
}

export interface RepositoryView {
  readonly target: Branch;
  readonly workflow: Workflow;
  position(branch: Branch): BranchPosition | undefined;
  /** The branch whose head is this commit. */
  branchAt(commit: string): Branch | undefined;
}

export interface NewRequest extends RequestText {
  readonly branch: Branch;
  readonly state: string;
  /** The head that the request goes on top of; null creates the branch. */
  readonly expectedHead: Sha | null;
  /** Where a new branch starts. The default is the trusted branch. */
  readonly startPoint?: Sha | undefined;
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
  request(by: Author, drafts: readonly NewRequest[]): Promise<readonly WrittenRequest[]>;
  retry(by: Author, at: BranchPosition, text: RequestText): Promise<WrittenRequest>;
  resume(by: Author, at: BranchPosition, text: RequestText): Promise<WrittenRequest>;
  cancel(by: Author, at: BranchPosition, text: RequestText): Promise<WrittenRequest>;
  /** Approves the request, or requests the next state where a person decides. `commit` is the reviewed commit. */
  approve(by: Author, at: BranchPosition, commit: Sha, text: RequestText): Promise<WrittenRequest>;
  /** Sends back what waits for a person; where no state leads back, the work is cancelled. */
  reject(by: Author, at: BranchPosition, text: RequestText): Promise<WrittenRequest>;
  /** Gives the current state to an agent of the workflow. */
  assign(
    by: Author,
    at: BranchPosition,
    agent: string,
    trailers: RequestText["trailers"],
  ): Promise<WrittenRequest>;
  /** `priority` is a whole number from -1000 to 1000, as the person wrote it. */
  prioritize(
    by: Author,
    at: BranchPosition,
    priority: string,
    trailers: RequestText["trailers"],
  ): Promise<WrittenRequest>;
  hold(by: Author, reason: string): Promise<void>;
  releaseHold(by: Author): Promise<void>;
  /** Records the conclusion of a check. False when the commit is not the head of a branch. */
  recordCheck(commit: string, name: string, conclusion: string): Promise<boolean>;
  report(kind: ReportKind, branch: Branch): Promise<string>;
}
