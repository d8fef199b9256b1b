/**
 * The workflow as the rest of the core sees it: states, transitions, limits.
 *
 * What must hold: all defaults are filled in. This file loads no package, because every command
 * needs it; reading the file is in workflow-file.ts.
 */
import type { StateName } from "../protocol/ids.ts";
import type { WorkflowFile } from "./workflow-schema.ts";

/** Where the workflow is, in the tree of the trusted commit. */
export const WORKFLOW_FILE = "states/workflow.yml";

/** States that no script may have: they end work, or say why it stands. */
export const RESERVED_STATES = ["done", "failed", "cancelled", "parked", "waiting", "stalled"] as const;
const ENDS = new Set<string>(["done", "failed", "cancelled"]);

export const isReservedState = (name: string): boolean =>
  (RESERVED_STATES as readonly string[]).includes(name);
export const isTerminal = (name: string): boolean => ENDS.has(name);

export type { WorkflowFile };
export type State = WorkflowFile["states"][string];
export type Lane = WorkflowFile["lanes"][string];

export interface Workflow extends WorkflowFile {
  /** True when there is no file: every executable is a state and every transition is open. */
  readonly open: boolean;
}

export interface WorkflowProblem {
  /** Counted from 1, where the file tells. */
  readonly line?: number;
  readonly path: string;
  readonly message: string;
}

export type WorkflowReading =
  | { readonly workflow: Workflow; readonly problems: readonly [] }
  | { readonly workflow?: undefined; readonly problems: readonly WorkflowProblem[] };

export const DEFAULT_HOPS = 50;
export const DEFAULT_CONCURRENCY = 4;

/** The answers that a state may give, without those that are always open to it. */
export function successors(workflow: Workflow, state: StateName): readonly string[] {
  if (workflow.open) return [...Object.keys(workflow.states), "done"];
  return workflow.states[state]?.next ?? [];
}

/** Strangers choose the names that are looked up here, and "constructor" is one. */
export function withoutPrototypes(workflow: Workflow): Workflow {
  const { states, lanes, agents, evidence } = workflow;
  return {
    ...workflow,
    states: bare(states),
    lanes: bare(lanes),
    agents: bare(agents),
    evidence: bare(evidence),
  };
}

function bare<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.assign(Object.create(null) as Record<string, T>, record);
}
