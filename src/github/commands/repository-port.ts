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
export interface Place {
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

export interface Sight {
  readonly target: Branch;
  readonly workflow: Workflow;
  at(branch: Branch): Place | undefined;
  /** The branch whose head is a commit. */
  holding(commit: string): Branch | undefined;
}

export interface Said {
  /** The first line, and paragraphs. */
  readonly messages: readonly string[];
  readonly trailers: readonly Trailer[];
}

export interface Wish extends Said {
  readonly branch: Branch;
  readonly state: string;
  /** The head that it comes on top of; null makes the branch. */
  readonly on: Sha | null;
  /** What a new branch begins at; the trusted branch when left out. */
  readonly from?: Sha | undefined;
}

export interface Written {
  readonly branch: Branch;
  readonly state: string;
  readonly commit: Sha;
}

/** What is told of a branch. */
export type Tale = "status" | "cost" | "log" | "replay";

export interface Desk {
  look(): Promise<Sight>;
  /** The commit that an event has brought about; undefined: none. */
  knows(branch: Branch, event: string): Promise<Sha | undefined>;
  /** When somebody was given what they asked for on GitHub, since a moment: milliseconds since 1970, oldest first. */
  asked(by: Author, since: number): Promise<readonly number[]>;
  /** All of them or none. */
  request(by: Author, wishes: readonly Wish[]): Promise<readonly Written[]>;
  retry(by: Author, at: Place, said: Said): Promise<Written>;
  resume(by: Author, at: Place, said: Said): Promise<Written>;
  cancel(by: Author, at: Place, said: Said): Promise<Written>;
  /** `commit` is what was looked at. */
  approve(by: Author, at: Place, commit: Sha, said: Said): Promise<Written>;
  hold(by: Author, why: string): Promise<void>;
  letGo(by: Author): Promise<void>;
  /** Keeps how a check of a branch's present head ended; false when it is no such head. */
  check(commit: string, name: string, conclusion: string): Promise<boolean>;
  tell(tale: Tale, branch: Branch): Promise<string>;
}
