/**
 * What all parts of one simulation share.
 *
 * What must hold: whatever two parts have to agree on is here, and no part imports another for it.
 */
import type { Branch, RunId, Sha } from "../../src/core/protocol/ids.ts";
import type { RunnerEvent, ScriptCall } from "../../src/engine/ports.ts";
import type { DiskTree, Machine, Proc } from "./simulated-machine.ts";
import type { Objects } from "./object-store.ts";
import type { Plan } from "./scenario.ts";
import type { Random } from "./random.ts";
import type { Remote } from "./remote.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Trace } from "./trace.ts";

/** A script that was started. */
export interface Running {
  readonly proc: Proc;
  readonly call: ScriptCall;
  readonly tree: DiskTree;
  /** What it declared: a state, and branches to be made with its answer. */
  declared: { readonly state: string; readonly children: readonly Branch[] } | undefined;
  /** The runner has asked it to end. */
  stopped: boolean;
  ended: boolean;
}

/** Whoever looks for violations. */
export interface Checks {
  /** A request is going to be claimed, by a look that began then. */
  begins(proc: Proc, state: string, lookedAt: number): void;
  starts(proc: Proc, call: ScriptCall): void;
  told(proc: Proc, event: RunnerEvent): void;
  /** A commit is kept on the disk of a machine, because the remote refuses it. */
  keeps(value: Sha): void;
  /** A tree is going to be removed. */
  removes(tree: DiskTree): void;
}

export interface World {
  readonly plan: Plan;
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly objects: Objects;
  readonly remote: Remote;
  readonly trace: Trace;
  readonly target: Branch;
  readonly machines: readonly Machine[];
  readonly procs: Proc[];
  readonly running: Map<RunId, Running>;
  /** Who drew the id of a run. */
  readonly owners: Map<RunId, Proc>;
  /** When the look began that a run was decided on, or one before it. */
  readonly since: Map<RunId, number>;
  readonly checks: Partial<Checks>[];
  /** Called when a process begins to wait for an answer. */
  readonly hazards: ((proc: Proc) => void)[];
  readonly stats: Stats;
  /** When faults and people end. */
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
