/**
 * The ports through which a runner reaches the world. Every `await` of the engine is a call of one of them.
 *
 * Invariants:
 * - A port makes no decisions.
 * - With ports in memory, the whole runner runs under a scheduler that a test controls.
 */
import type { AttemptTree, AttemptTrees } from "./attempt-trees.ts";
import type { ScriptFile } from "../core/workflow/check-workflow.ts";
import type { Branch, Ref, RunId, Sha } from "../core/protocol/ids.ts";
import type { Holder, Lease } from "../core/protocol/lease.ts";
import type { CarriedState } from "../core/workflow/carried-state.ts";
import type { Child } from "../core/scheduling/children.ts";
import type { Approval } from "../core/policy/approvals.ts";
import type { Plan } from "../core/workflow/plan.ts";
import type { Push } from "../core/policy/push-identity.ts";
import type { Agent } from "../core/outcome/prompt.ts";
import type { Exit } from "../core/outcome/outcome.ts";
import type { Commit, Request } from "../core/protocol/request.ts";
import type { Head, ParkedResponse, SideRefs } from "../core/scheduling/snapshot.ts";
import type { SandboxRule } from "../core/workflow/sandbox-rule.ts";
import type { Workflow } from "../core/workflow/workflow.ts";

/**
 * One ref to move from the expected value (null: it must not exist) to the next value (null: delete it).
 * The two must differ, because a push does not check a ref that it does not move.
 */
export interface Update {
  readonly ref: Ref;
  readonly expected: Sha | null;
  readonly next: Sha | null;
}

/**
 * `landed`: every update was applied. `refused`: none was, because a ref had another value.
 * `blocked`: none was, and a retry is useless until a person acts. `unknown`: read the refs again.
 */
export type Swap =
  | { readonly kind: "landed" }
  | { readonly kind: "refused" }
  | { readonly kind: "blocked"; readonly why: string }
  | { readonly kind: "unknown"; readonly why: string };

export interface LeaseRef {
  readonly ref: Ref;
  readonly value: Sha;
  readonly lease: Lease | undefined;
  /** The committer date, in seconds since 1970. */
  readonly committed: number;
}

/** All branch heads and side refs, as one poll read them. */
export interface RefListing {
  readonly target: Branch;
  readonly heads: readonly Head[];
  readonly leases: ReadonlyMap<string, LeaseRef>;
  /** The taken lane slots, each with the lease that took it. */
  readonly slots: ReadonlyMap<Ref, LeaseRef>;
  readonly parkedResponses: ReadonlyMap<string, ParkedResponse>;
  readonly sideRefs: SideRefs;
  /** True when no ref has moved since the previous poll. */
  readonly isUnchanged: boolean;
}

/** Reads and moves refs. */
export interface RefStore {
  /** Reads every branch head and side ref in one git process. */
  listRefs(): Promise<RefListing>;
  /** The current values of some refs; null for a ref that does not exist. */
  read(refs: readonly Ref[]): Promise<ReadonlyMap<Ref, Sha | null>>;
  readLease(ref: Ref): Promise<LeaseRef | undefined>;
  /** Moves all refs or none. `why` goes to the reflog. */
  swap(updates: readonly Update[], why: string): Promise<Swap>;
  /** Stores a commit under a ref of this machine only, for content that the remote rejects for good. */
  keepLocally(ref: Ref, value: Sha): Promise<void>;
  /** Why a response could not be applied to this branch now, or undefined. */
  blocker(branch: Branch): Promise<string | undefined>;
}

/** Writes objects; no ref names them yet. */
export interface ObjectWriter {
  /** Writes a commit with the empty tree. */
  note(message: string, parent?: Sha): Promise<Sha>;
  commit(tree: Sha, parent: Sha, message: string): Promise<Sha>;
  /** Computes the blob id of a text and writes nothing. */
  hashText(text: string): Promise<Sha>;
}

/** Signs commits for branches. */
export interface BranchSigner {
  /**
   * A signed copy of a commit that this machine wrote, or the commit itself where it is signed already or
   * the trusted workflow asks for no signature. Throws CannotSign.
   */
  sign(commit: Sha): Promise<Sha>;
  /** Lets a later runner of this machine sign the commit, which waits on a side ref. */
  signLater(commit: Sha): Promise<void>;
}

/** Reads what lies below commits. */
export interface History {
  /** The first-parent history of a commit, newest first, including the commit itself. */
  trail(commit: Sha, limit: number): Promise<readonly Commit[]>;
  isAncestor(older: Sha, newer: Sha): Promise<boolean>;
  /** True when `name`, a commit id or a prefix of one, is the commit or an ancestor of it. */
  contains(commit: Sha, name: string): Promise<boolean>;
  /** The commits of a script, between the two, that have no signature. Commits of other branches do not count. */
  unsignedCommits(from: Sha, head: Sha): Promise<readonly Sha[]>;
  /** Paths that differ between two trees or commits. A moved file counts as two paths. */
  changedPaths(from: Sha, to: Sha): Promise<readonly string[]>;
  /** The branches among these that have landed on the trusted branch. */
  landedBranches(branches: readonly Branch[]): Promise<ReadonlySet<Branch>>;
  /** For heads without a state: the request below, where a person took over the branch. */
  takenOver(target: Branch, heads: readonly Head[]): Promise<ReadonlyMap<string, Request>>;
  /** Another branch that already answered a request without a `Branch` trailer. */
  answeredElsewhere(request: Request, target: Branch): Promise<Branch | undefined>;
  /** The salvage refs of a branch that belong to this request. */
  salvageRefs(branch: Branch, request: Sha): Promise<readonly Ref[]>;
}

/** Tells who pushed or signed commits. */
export interface PushIdentity {
  /** The pushes to a branch, newest first, as the server reports them. Empty without a server to ask. */
  pushes(branch: Branch): Promise<readonly Push[]>;
  /** The address of the signer of a commit, if the file of allowed signers lists the key. */
  signer(commit: Sha, allowedSigners: string): Promise<string | undefined>;
}

export interface Repository extends RefStore, ObjectWriter, BranchSigner, History, PushIdentity {}

/** A state script, read from the commit of the trusted branch that this poll found. */
export interface Script extends ScriptFile {
  readonly blob: Sha;
  readonly isAynig: boolean;
  /** True for a prompt, which an agent answers. */
  readonly isPrompt: boolean;
  /** The agent that the front matter of a prompt names. */
  readonly agent?: string | undefined;
  /** Writes all files of the trusted commit's states below a folder, each at its path. */
  readonly copyTo: (folder: string) => void;
}

/** The workflow and scripts of one commit of the trusted branch. */
export interface TrustedConfig {
  /** The trusted branch. */
  readonly target: Branch;
  /** The commit that everything here was read from. */
  readonly commit: Sha;
  readonly workflow: Workflow;
  readonly blob: Sha | undefined;
  script(state: string, role: string | undefined): Promise<Script | undefined>;
  /** The prompt of a state, even when the state has a script too. */
  prompt(state: string): Promise<Script | undefined>;
  /** A readable copy of a file below `states/`, or undefined. */
  file(name: string): Promise<string | undefined>;
  /** The executable `states/hooks/setup`, which prepares a worktree before each script. */
  setup(): Promise<Script | undefined>;
}

export interface ScriptCall {
  /** The trusted branch. */
  readonly target: Branch;
  readonly script: Script;
  readonly tree: AttemptTree;
  readonly run: RunId;
  readonly request: Request;
  readonly attempt: number;
  readonly attempts: number;
  readonly timeoutMs: number;
  /** How long the script may neither print nor change its worktree; undefined: no limit. */
  readonly stallMs?: number | undefined;
  readonly env: readonly string[];
  readonly sandbox: SandboxRule;
  /** Globs of the paths that the state may change (undefined: any). */
  readonly writes?: readonly string[] | undefined;
  /** Globs of the paths that the state must not change. */
  readonly forbid?: readonly string[];
  readonly trail: readonly Commit[];
  readonly salvage: readonly Ref[];
  /** Why the previous attempt did not produce a response. */
  readonly previous: string | undefined;
  /** The legal next states. */
  readonly next: readonly string[];
  /** The head of the trusted branch in the snapshot. */
  readonly targetCommit: Sha;
  readonly carried: CarriedState;
  readonly children: readonly Child[];
  readonly approvals: readonly Approval[];
  /** The frozen plan that the request is a step of. */
  readonly plan: Plan | undefined;
  /** Requests of other branches that the response may answer too. */
  readonly members: readonly Request[];
  /** The agent that answers a prompt; undefined: none is configured. */
  readonly agent: Agent | undefined;
}

export interface ScriptEnd {
  readonly exit: Exit;
  /** The content of the file `TRAILHAND_OUTPUT`. */
  readonly outputFile: string;
  /** The end of standard output and standard error, interleaved. */
  readonly log: string;
  /** The last lines of standard output alone. */
  readonly stdout: string;
  /** Values of declared secrets, which no message may contain. */
  readonly secrets: readonly string[];
}

export interface Scripts {
  /** Runs a script to its end. If `stop` resolves first, ends the process group and reports `stopped`. */
  run(call: ScriptCall, stop: Promise<string>): Promise<ScriptEnd>;
}

export interface Clock {
  /** Milliseconds on a monotonic clock. */
  mono(): number;
  /** Milliseconds since 1970. */
  wall(): number;
  /** Resolves after `ms`, or as soon as `until` settles. */
  sleep(ms: number, until?: Promise<unknown>): Promise<void>;
}

export interface Machine {
  /** The name in `Runner:` trailers. */
  readonly runner: string;
  readonly holder: Holder | undefined;
  newRun(): RunId;
  newNonce(): string;
  /** A number from 0 up to 1, for jitter and for spreading runners over requests. */
  random(): number;
  /** True when the holder ran on this machine since its last boot and is certainly gone. */
  isDead(holder: Holder): boolean;
}

/** Progress of a runner, for the live view, the log and tests. */
export type RunnerEvent =
  | {
      /** A finished response that had waited on a side ref is now on its branch. */
      readonly kind: "landed";
      readonly branch: Branch;
      readonly commit: Sha;
    }
  | {
      readonly kind: "claimed";
      readonly branch: Branch;
      readonly state: string;
      readonly run: RunId;
      readonly attempt: number;
    }
  | {
      readonly kind: "answered";
      readonly branch: Branch;
      readonly state: string;
      readonly next: string;
      readonly commit: Sha;
      readonly tookMs: number;
      readonly why?: string;
    }
  | {
      readonly kind: "resting";
      readonly branch: Branch;
      readonly state: string;
      readonly why: string;
      readonly ms: number;
    }
  | {
      readonly kind: "stopped";
      readonly branch: Branch;
      readonly state: string;
      readonly why: string;
      readonly salvage: Ref | undefined;
    }
  | { readonly kind: "lost"; readonly branch: Branch; readonly why: string }
  | { readonly kind: "blocked"; readonly branch: Branch; readonly why: string }
  | {
      readonly kind: "fault";
      readonly branch: Branch | undefined;
      readonly what: string;
      readonly next: string | undefined;
    };

export interface Ports {
  readonly repository: Repository;
  readonly trees: AttemptTrees;
  readonly scripts: Scripts;
  readonly clock: Clock;
  readonly machine: Machine;
  /** The workflow and scripts of the trusted branch at the head in this listing. */
  readonly trustedConfig: (target: Branch, heads: readonly Head[]) => Promise<TrustedConfig>;
  readonly report: (event: RunnerEvent) => void;
}
