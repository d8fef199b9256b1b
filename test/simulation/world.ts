/** The state that all parts of one simulation share, so that no part needs to import another. */
import type { Branch, RunId, Sha } from "../../src/core/protocol/ids.ts";
import type { RunnerEvent, ScriptCall } from "../../src/engine/ports.ts";
import type { DiskTree, SimulatedMachine, RunnerProcess } from "./simulated-machine.ts";
import type { ObjectStore } from "./object-store.ts";
import type { Scenario, ScriptEnding } from "./scenario.ts";
import type { Random } from "./random.ts";
import type { SimulatedRemote } from "./remote.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Trace } from "./trace.ts";

export interface RunningScript {
  readonly proc: RunnerProcess;
  readonly call: ScriptCall;
  readonly tree: DiskTree;
  readonly ending: ScriptEnding;
  /** The declared next state, and the branches to create with the response. */
  declared: { readonly state: string; readonly children: readonly Branch[] } | undefined;
  /** True after the runner asked it to end. */
  isStopped: boolean;
  /** Why. */
  stopReason?: string;
  hasEnded: boolean;
  /** True while the runner collects or saves the files. */
  isRead: boolean;
}

/** A checker for violations; each method is an event. */
export interface Checker {
  /** A request is about to be claimed after the poll that started at `pollStart`. */
  onScriptLookup(proc: RunnerProcess, state: string, pollStart: number): void;
  onScriptStart(proc: RunnerProcess, call: ScriptCall): void;
  onEvent(proc: RunnerProcess, event: RunnerEvent): void;
  /** A commit is kept on the disk of a machine, because the remote rejects it. */
  onKeptLocally(value: Sha): void;
  /** The files of a script were read; `problem` says why they cannot become a response. */
  onCollect(tree: DiskTree, problem: string | undefined): void;
  /** A worktree is about to be removed. */
  onTreeRemoval(tree: DiskTree): void;
}

export interface World {
  readonly scenario: Scenario;
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly objects: ObjectStore;
  readonly remote: SimulatedRemote;
  readonly trace: Trace;
  readonly target: Branch;
  readonly machines: readonly SimulatedMachine[];
  readonly processes: RunnerProcess[];
  readonly running: Map<RunId, RunningScript>;
  /** The process of each run. */
  readonly runOwners: Map<RunId, RunnerProcess>;
  /** When the poll started that a run was decided on, or an earlier one. */
  readonly runPollStarts: Map<RunId, number>;
  readonly checks: Partial<Checker>[];
  /** Called when a process starts to wait for a reply. */
  readonly onWait: ((proc: RunnerProcess) => void)[];
  readonly stats: Stats;
  /** When faults and people stop. */
  readonly healAt: number;
}

export interface Stats {
  claims: number;
  answers: number;
  takeovers: number;
  fenced: number;
  salvages: number;
  scripts: number;
  crashes: number;
  pauses: number;
  unknown: number;
  pushes: number;
}

export const isHealed = ({ scheduler, healAt }: World): boolean => scheduler.now >= healAt;
