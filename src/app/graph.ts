/** Reads the workflow of the trusted branch as a graph, with the position of a branch in it. */
import { edgesOf, formatDrawing, formatMermaid, startsOf, type Edge } from "../core/workflow/graph.ts";
import { listCheckouts } from "../git/checkouts.ts";
import { currentTime, listBranches, stateOf } from "./branch-listing.ts";
import { requireHead } from "./find-branch.ts";
import { requireTrustedConfig } from "./open-workspace.ts";
import type { Workspace } from "./workspace.ts";

export interface WorkflowGraph {
  /** True without a workflow file: any state may follow any other. */
  readonly open: boolean;
  readonly start: readonly string[];
  readonly states: Readonly<Record<string, { readonly human: boolean }>>;
  readonly edges: readonly Edge[];
  readonly branch: string | undefined;
  /** The state of the branch. */
  readonly position: string | undefined;
  readonly mermaid: string;
  /** The graph in box-drawing characters. */
  readonly drawing: string;
}

/** Throws a UserError when the workflow cannot be used. */
export async function readGraph(workspace: Workspace, name: string | undefined): Promise<WorkflowGraph> {
  const { snapshot } = await listBranches(workspace, currentTime());
  const { workflow } = await requireTrustedConfig(workspace, snapshot.target, snapshot.heads);
  const branch = name ?? (await listCheckouts(workspace.location))[0]?.branch;
  const position =
    branch === undefined
      ? undefined
      : stateOf(snapshot, await requireHead(workspace, snapshot.heads, branch));
  const states = Object.entries(workflow.states).map(([key, { human }]) => [key, { human }] as const);
  return {
    open: workflow.open,
    start: startsOf(workflow),
    states: Object.fromEntries(states),
    edges: edgesOf(workflow),
    branch,
    position,
    mermaid: formatMermaid(workflow, position),
    drawing: formatDrawing(workflow, position),
  };
}
