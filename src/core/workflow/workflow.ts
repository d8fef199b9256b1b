/**
 * The parsed workflow: states, transitions and limits, with all defaults filled in.
 *
 * Invariants:
 * - Loads no package, because every command needs this file. workflow-file.ts parses the YAML.
 */
import type { StateName } from "../protocol/ids.ts";
import { DEFAULTS } from "./defaults.ts";
import type { WorkflowFile } from "./workflow-schema.ts";

/** Path in the tree of the trusted commit. */
export const WORKFLOW_FILE = "states/workflow.yml";

/** States that cannot be declared: they end work, or say why it is stopped. */
export const RESERVED_STATES = ["done", "failed", "cancelled", "parked", "waiting", "stalled"] as const;
const ENDS = new Set<string>(["done", "failed", "cancelled"]);
const PAUSES = new Set<string>(["parked", "stalled", "waiting"]);

export const isReservedState = (name: string): boolean =>
  (RESERVED_STATES as readonly string[]).includes(name);
export const isTerminal = (name: string): boolean => ENDS.has(name);
/** True for the reserved states in which the work goes on with a resume. */
export const isPaused = (name: string): boolean => PAUSES.has(name);

export type { WorkflowFile };
export type State = WorkflowFile["states"][string];
export type Lane = WorkflowFile["lanes"][string];

export interface Workflow extends WorkflowFile {
  /** True if there is no file: then every executable is a state, and any state may follow any other. */
  readonly open: boolean;
}

export interface WorkflowProblem {
  /** Counted from 1. */
  readonly line?: number;
  readonly path: string;
  readonly message: string;
}

export type WorkflowReading =
  | { readonly workflow: Workflow; readonly problems: readonly [] }
  | { readonly workflow?: undefined; readonly problems: readonly WorkflowProblem[] };

/** The states that may follow, without those that may always follow, such as `parked`. */
export function successors(workflow: Workflow, state: StateName): readonly string[] {
  if (workflow.open) return [...Object.keys(workflow.states), "done"];
  return workflow.states[state]?.next ?? [];
}

/** Removes the prototypes of records, because untrusted names such as "constructor" are looked up in them. */
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

/** How many hand-offs may follow each other without a person. */
export const hopLimit = ({ limits }: Pick<Workflow, "limits">): number => limits.hops ?? DEFAULTS.hops;

/** The number of attempts at a state, including the first. */
export const attemptsOf = (state: Pick<State, "retries"> | undefined): number => (state?.retries ?? 0) + 1;
