/** Reads the text of a request: one state, or the same task for each of several agents. */
import { escapeCode } from "../api/escape-markdown.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";

export type AgentRequest =
  | { readonly state: string; readonly agents: readonly string[]; readonly text: string }
  | { readonly why: string };

const MAX_AGENTS = 10;

/** Only agents of the workflow count as agents. `why` says what is wrong with the text. */
export function expandAgents(text: string, workflow: Workflow): AgentRequest {
  const [first = ""] = text.split(/\s+/, 1);
  const colon = text.indexOf(":");
  const names = colon < 0 ? [] : text.slice(0, colon).trim().split(/\s+/);
  const isAgent = (name: string) => name === "default" || Object.hasOwn(workflow.agents, name);
  const agents = [...new Set(names.filter(isAgent))];
  if (agents.length === 0) {
    // People also write `request check: text`.
    const state = first.endsWith(":") ? first.slice(0, -1) : first;
    return { state, agents: [], text: text.slice(first.length).trim() };
  }
  const unknown = names.find((name) => !isAgent(name));
  if (unknown !== undefined)
    return {
      why: `${escapeCode(unknown)} is not an agent of the workflow. Its agents: ${Object.keys(workflow.agents).join(", ")}.`,
    };
  if (agents.length > MAX_AGENTS) return { why: `A command can name at most ${MAX_AGENTS} agents.` };
  const task = text.slice(colon + 1).trim();
  if (task === "") return { why: "Write the task for the agents after the colon." };
  const state = firstAgentState(workflow);
  return state === undefined
    ? { why: "The workflow has no start state that one agent can answer alone." }
    : { state, agents, text: task };
}

/** The first start state without a person, a wait or children. */
function firstAgentState({ start, states }: Workflow): string | undefined {
  const candidates = start ?? Object.keys(states).slice(0, 1);
  return candidates.find((name) => {
    const state = states[name];
    return state && !state.human && state.wait.length === 0 && state.children === undefined;
  });
}
