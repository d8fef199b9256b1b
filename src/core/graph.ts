/**
 * The state machine of a workflow as a picture: Mermaid, or lines for a terminal.
 *
 * What must hold: pure; the same workflow gives the same text; a state's name needs no escaping,
 * because its grammar has none of Mermaid's special characters but `-` and `.`, which are replaced
 * in ids and kept in labels.
 */
import { formatDuration } from "./duration.ts";
import { isTerminal, type Workflow } from "./workflow.ts";

export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly failure: boolean;
}

/** Every declared transition, in reading order; one that is also where a failure leads is drawn once. */
export function edgesOf(workflow: Workflow): Edge[] {
  return Object.entries(workflow.states).flatMap(([from, { next, "on-failure": failure }]) => {
    const edges = next.map((to): Edge => ({ from, to, failure: false }));
    if (failure === undefined || next.includes(failure)) return edges;
    return [...edges, { from, to: failure, failure: true }];
  });
}

/** Where work begins. */
export function startsOf(workflow: Workflow): readonly string[] {
  return workflow.start ?? Object.keys(workflow.states).slice(0, 1);
}

const idOf = (state: string) => state.replace(/[^a-z0-9]/g, "_");

/** A Mermaid `stateDiagram-v2`; the position is drawn in its own class. */
export function formatMermaid(workflow: Workflow, position?: string): string {
  const states = Object.entries(workflow.states);
  const labels = states.map(
    ([name, { human }]) => `    state "${name}${human ? " (a person)" : ""}" as ${idOf(name)}`,
  );
  const target = (to: string) => (isTerminal(to) ? "[*]" : idOf(to));
  const edges = edgesOf(workflow).map(({ from, to, failure }) => {
    const label = failure ? " : fails" : isTerminal(to) ? ` : ${to}` : "";
    return `    ${idOf(from)} --> ${target(to)}${label}`;
  });
  const here =
    position !== undefined && workflow.states[position]
      ? ["    classDef here fill:#ffd54f,color:#000", `    class ${idOf(position)} here`]
      : [];
  const starts = startsOf(workflow).map((name) => `    [*] --> ${idOf(name)}`);
  return ["stateDiagram-v2", ...labels, ...starts, ...edges, ...here].join("\n");
}

/** One block for each state: what it is, and where it leads; the position has a mark. */
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
      : [`timeout ${formatDuration(state?.timeout ?? 0)}`, `retries ${state?.retries ?? 0}`];
    const description = (state?.description ?? "").replace(/\.$/, "");
    const what = [description, facts.join(", ")].filter((part) => part !== "").join("; ");
    const to = edgesOf(workflow)
      .filter((one) => one.from === name)
      .map((one) => `${one.failure ? "✗" : "─"}▶ ${one.to}${isTerminal(one.to) ? " ■" : ""}`);
    return [
      `  ${a}${bars}${b}  ${what}`,
      `${mark} ${side} ${name.padEnd(width)} ${side}${to.join("   ")}`,
      `  ${c}${bars}${d}`,
    ];
  });
  return lines.join("\n");
}
