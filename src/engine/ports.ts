/**
 * What a runner needs of the world, and nothing more; every `await` of the runner is one of these.
 *
 * What must hold: no port has a policy of its own. With ports in memory the whole runner runs
 * under a scheduler that a test controls.
 */
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
import type { Workflow } from "../core/workflow/workflow.ts";

/**
 * One ref to move: from the expected value (null: it does not exist) to the next (null: delete).
 * The two differ, because a push does not check a ref that it leaves alone.
 */
export interface Update {
  readonly ref: Ref;
  readonly expected: Sha | null;
  readonly next: Sha | null;
}

/**
 * `landed`: all of it happened. `refused`: none of it, some ref had another value. `blocked`: none
 * of it, and trying again will not help before somebody acts. `unknown`: read the refs again.
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

/** The refs as one look found them. */
export interface RefListing {
  readonly target: Branch;
  readonly heads: readonly Head[];
  readonly leases: ReadonlyMap<string, LeaseRef>;
  /** The taken places of lanes, each with the lease that took it. */
  readonly slots: ReadonlyMap<Ref, LeaseRef>;
  readonly parkedResponses: ReadonlyMap<string, ParkedResponse>;
  readonly sideRefs: SideRefs;
  /** True when no ref has moved since the look before. */
  readonly isUnchanged: boolean;
}

export interface Repository {
  /** Every branch head and side ref, in one git process. */
  listRefs(): Promise<RefListing>;
  /** For heads without a state: the request on the branch below, where a person took over. */
  takenOver(target: Branch, heads: readonly Head[]): Promise<ReadonlyMap<string, Request>>;
  /** The present values of some refs; null where there is none. */
  read(refs: readonly Ref[]): Promise<ReadonlyMap<Ref, Sha | null>>;
  /** The lease under a ref, or undefined. */
  readLease(ref: Ref): Promise<LeaseRef | undefined>;
  /** Moves all refs or none. `why` is for the reflog. */
  swap(updates: readonly Update[], why: string): Promise<Swap>;
  /** For a request that names no branch: another branch on which it was answered, if there is one. */
  answeredElsewhere(request: Request, target: Branch): Promise<Branch | undefined>;
  /** Why an answer could not be put on this branch now, or undefined. */
  blocker(branch: Branch): Promise<string | undefined>;
  /** Keeps a commit under a ref of this machine alone, where the remote refuses it for good. */
  keepLocally(ref: Ref, value: Sha): Promise<void>;
  /** Writes a commit with the empty tree. */
  note(message: string, parent?: Sha): Promise<Sha>;
  /** Writes a commit. */
  commit(tree: Sha, parent: Sha, message: string): Promise<Sha>;
  isAncestor(older: Sha, newer: Sha): Promise<boolean>;
  /** True when a commit is, or descends from, the one that a person named, perhaps by a part of its id. */
  contains(commit: Sha, name: string): Promise<boolean>;
  /** Those of the branches that have landed some time. */
  landedBranches(branches: readonly Branch[]): Promise<ReadonlySet<Branch>>;
  /** Paths that differ between two trees or commits; a file that was moved is two. */
  changedPaths(from: Sha, to: Sha): Promise<readonly string[]>;
  /** The blob id of a text; nothing is written. */
  hashText(text: string): Promise<Sha>;
  /** The address of who signed a commit, by a key that a file of allowed signers knows. */
  signer(commit: Sha, allowedSigners: string): Promise<string | undefined>;
  /** The moves of a branch, newest first, as the server tells them; none where nobody can be asked. */
  pushes(branch: Branch): Promise<readonly Push[]>;
  /** The first-parent history of a commit, newest first, itself included. */
  trail(commit: Sha, limit: number): Promise<readonly Commit[]>;
  /** The salvage refs of a branch whose tree was saved for this request. */
  salvageRefs(branch: Branch, request: Sha): Promise<readonly Ref[]>;
}

/** A state script at the commit of the trusted branch that was current when the tick looked. */
export interface Script extends ScriptFile {
  readonly blob: Sha;
  readonly isAynig: boolean;
  /** True for a prompt, which an agent answers. */
  readonly isPrompt: boolean;
  /** The agent that a prompt names in its front matter. */
  readonly agent?: string | undefined;
  /** Where it can be executed, read-only and outside every worktree. */
  readonly file: string;
}

/** The workflow and scripts of one trusted commit. */
export interface TrustedConfig {
  /** The trusted branch. */
  readonly target: Branch;
  readonly workflow: Workflow;
  readonly blob: Sha | undefined;
  script(state: string, role: string | undefined): Promise<Script | undefined>;
  /** The prompt of a state, although it has a script too. */
  prompt(state: string): Promise<Script | undefined>;
  /** A file below `states/` of the trusted commit, where it can be read; undefined: there is none. */
  file(name: string): Promise<string | undefined>;
  /** What makes a worktree ready, before each script: the executable `states/hooks/setup`. */
  setup(): Promise<Script | undefined>;
}

/** A worktree of ours, detached at the request. */
export interface AttemptTree {
  readonly path: string;
  /** A folder beside it, for the request, the output and the log of the run. */
  readonly runDir: string;
  readonly base: Sha;
}

/** The worktree after the script: its commits, and a tree with everything that was left. */
export interface CollectedTree {
  readonly head: Sha;
  readonly tree: Sha;
  readonly hasChanges: boolean;
}

export interface AttemptTrees {
  open(run: RunId, request: Request): Promise<AttemptTree>;
  /** Collects what the script left; a string says what is wrong with the tree. */
  collect(tree: AttemptTree): Promise<CollectedTree | string>;
  /** A commit that holds what the script did, ignored files left out; undefined: it did nothing. */
  save(tree: AttemptTree, message: string): Promise<Sha | undefined>;
  /** Gives the worktree back to the pool. What it holds must be on a ref by now. */
  release(tree: AttemptTree): Promise<void>;
  /** Ends what dead runners of this machine left: process groups first, then trees, once saved. */
  sweep(): Promise<void>;
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
  /** How long it may neither print nor change its worktree; undefined: as long as it likes. */
  readonly stallMs?: number | undefined;
  readonly env: readonly string[];
  /** Globs of the paths that the state may change (undefined: any), and of those that it may not. */
  readonly writes?: readonly string[] | undefined;
  readonly forbid?: readonly string[];
  readonly trail: readonly Commit[];
  readonly salvage: readonly Ref[];
  /** Why the attempt before this one did not answer. */
  readonly previous: string | undefined;
  /** The answers that are legal. */
  readonly next: readonly string[];
  /** The head of the trusted branch when the request was looked at. */
  readonly targetCommit: Sha;
  /** What the work carries, as the runner's own commits say. */
  readonly carried: CarriedState;
  readonly children: readonly Child[];
  readonly approvals: readonly Approval[];
  /** The frozen plan that the request is a step of. */
  readonly plan: Plan | undefined;
  /** Requests of other branches that the answer may answer too. */
  readonly members: readonly Request[];
  /** Who answers a prompt; undefined: nobody was named. */
  readonly agent: Agent | undefined;
}

export interface ScriptEnd {
  readonly exit: Exit;
  /** What was written to the output file. */
  readonly output: string;
  /** The end of standard output and error, as they came. */
  readonly log: string;
  /** The last lines of standard output alone. */
  readonly stdout: string;
  /** Values of declared secrets, to be kept out of every message. */
  readonly secrets: readonly string[];
}

export interface Scripts {
  /** Runs to the end. When `stop` resolves first, ends the process group and reports `stopped`. */
  run(call: ScriptCall, stop: Promise<string>): Promise<ScriptEnd>;
}

export interface Clock {
  /** Milliseconds on a clock that only goes forward. */
  mono(): number;
  /** Milliseconds since 1970. */
  wall(): number;
  /** Resolves after a time, or when `until` does. */
  sleep(ms: number, until?: Promise<unknown>): Promise<void>;
}

export interface Machine {
  /** The name that people read in `Runner:`. */
  readonly runner: string;
  readonly holder: Holder | undefined;
  newRun(): RunId;
  newNonce(): string;
  /** A number from 0 up to 1, for jitter and for keeping runners out of each other's way. */
  random(): number;
  /** True when the holder ran on this machine, since its last boot, and is gone. */
  isDead(holder: Holder): boolean;
}

/** What happens, as it happens: for the live view, the log and tests. */
export type RunnerEvent =
  | {
      /** A finished answer that had waited beside its branch is in its place. */
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
  /** The contract of the trusted branch as the last look found it. */
  readonly trustedConfig: (target: Branch, heads: readonly Head[]) => Promise<TrustedConfig>;
  readonly report: (event: RunnerEvent) => void;
}
