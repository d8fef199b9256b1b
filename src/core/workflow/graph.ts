/**
 * Draws the state machine of a workflow as a Mermaid diagram or as text for a terminal.
 *
 * State names need no escaping. `-` and `.` are the only characters of a name that are special in
 * Mermaid, and ids replace them.
 */
import { formatDuration } from "../util/duration.ts";
import { isReservedState, isTerminal, type State, type Workflow } from "./workflow.ts";

/** Why work takes this edge; undefined for a regular `next`. */
export type Cause = "fails" | "otherwise" | "limit reached" | undefined;

export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly cause: Cause;
  /** The risk tier that leads here. */
  readonly tier?: string;
}

/** Every declared transition, in file order. A failure that leads to a regular `next` adds no edge. */
export function edgesOf(workflow: Workflow): Edge[] {
  return Object.entries(workflow.states).flatMap(([from, state]) => {
    const { next, risk = {}, "on-failure": failure, "on-max": most, otherwise } = state;
    const tiers = Object.entries(risk).map(([tier, to]): Edge => ({ from, to, cause: undefined, tier }));
    const plain = next
      .filter((to) => tiers.every((edge) => edge.to !== to))
      .map((to): Edge => ({ from, to, cause: undefined }));
    const edges = [...plain, ...tiers];
    const aside: readonly [Cause, string | undefined][] = [
      ["otherwise", otherwise],
      ["limit reached", most],
      ["fails", failure],
    ];
    for (const [cause, to] of aside) {
      if (to !== undefined && edges.every((edge) => edge.to !== to)) edges.push({ from, to, cause });
    }
    return edges;
  });
}

/** The states in which work starts. */
export function startsOf(workflow: Workflow): readonly string[] {
  return workflow.start ?? Object.keys(workflow.states).slice(0, 1);
}

const kindOf = ({ human, wait }: State): string =>
  human ? " (a person)" : wait.length > 0 ? " (waits)" : "";

const idOf = (state: string) => state.replace(/[^a-z0-9]/g, "_");

/** A Mermaid `stateDiagram-v2` that highlights the state at `position`. */
export function formatMermaid(workflow: Workflow, position?: string): string {
  const states = Object.entries(workflow.states);
  const labels = states.map(([name, state]) => `    state "${name}${kindOf(state)}" as ${idOf(name)}`);
  // A reserved state has no box: parked work stays in the state where it was.
  const target = (to: string) => (isReservedState(to) ? "[*]" : idOf(to));
  const edges = edgesOf(workflow).map(({ from, to, cause, tier }) => {
    const words = [tier, cause, isReservedState(to) ? to : undefined].filter((word) => word !== undefined);
    return `    ${idOf(from)} --> ${target(to)}${words.length > 0 ? ` : ${words.join(", ")}` : ""}`;
  });
  const here =
    position !== undefined && workflow.states[position]
      ? ["    classDef here fill:#ffd54f,color:#000", `    class ${idOf(position)} here`]
      : [];
  const starts = startsOf(workflow).map((name) => `    [*] --> ${idOf(name)}`);
  return ["stateDiagram-v2", ...labels, ...starts, ...edges, ...here].join("\n");
}

/** Text for a terminal: one box for each state, with its transitions. `position` is marked. */
export function formatDrawing(workflow: Workflow, position?: string): string {
  const names = Object.keys(workflow.states);
  const width = Math.max(...names.map((name) => name.length), 4);
  const lines = names.flatMap((name) => {
    const state = workflow.states[name];
    const mark = name === position ? "▶" : startsOf(workflow).includes(name) ? "●" : " ";
    const edge = name === position ? ["╔", "╗", "║", "╚", "╝", "═"] : ["┌", "┐", "│", "└", "┘", "─"];
    const [a, b, side, c, d, bar = ""] = edge;
    const bars = bar.repeat(width + 2);
    const facts = state?.human
      ? ["a person"]
      : state && state.wait.length > 0
        ? [`waits ${formatDuration(state.deadline ?? 0)} at the most`]
        : [`timeout ${formatDuration(state?.timeout ?? 0)}`, `retries ${state?.retries ?? 0}`];
    const description = (state?.description ?? "").replace(/\.$/, "");
    const what = [description, facts.join(", ")].filter((part) => part !== "").join("; ");
    const to = edgesOf(workflow)
      .filter((one) => one.from === name)
      .map(({ cause, to }) => `${cause === undefined ? "─" : "✗"}▶ ${to}${isTerminal(to) ? " ■" : ""}`);
    return [
      `  ${a}${bars}${b}  ${what}`,
      `${mark} ${side} ${name.padEnd(width)} ${side}${to.join("   ")}`,
      `  ${c}${bars}${d}`,
    ];
  });
  return lines.join("\n");
}
