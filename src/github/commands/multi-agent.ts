/**
 * Reads what `run` asks for: a state with a text, or the same text for each of some agents.
 *
 * What must hold: pure; only agents of the workflow are agents; the state that they get is one that
 * an agent can answer alone.
 */
import { escapeCode } from "../api/escape-markdown.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";

export type AgentRequest =
  | { readonly state: string; readonly agents: readonly string[]; readonly text: string }
  | { readonly why: string };

const MOST = 10;

export function expandAgents(rest: string, workflow: Workflow): AgentRequest {
  const [first = ""] = rest.split(/\s+/, 1);
  const colon = rest.indexOf(":");
  const names = colon < 0 ? [] : rest.slice(0, colon).trim().split(/\s+/);
  const isAgent = (name: string) => name === "default" || Object.hasOwn(workflow.agents, name);
  const agents = [...new Set(names.filter(isAgent))];
  if (agents.length === 0) {
    // `run check: text` is how people write too.
    const state = first.endsWith(":") ? first.slice(0, -1) : first;
    return { state, agents: [], text: rest.slice(first.length).trim() };
  }
  const other = names.find((name) => !isAgent(name));
  const known = Object.keys(workflow.agents).join(", ");
  if (other !== undefined)
    return { why: `${escapeCode(other)} is no agent of the workflow; it knows ${known}.` };
  if (agents.length > MOST) return { why: `${MOST} agents at once are the most.` };
  const text = rest.slice(colon + 1).trim();
  if (text === "") return { why: "Say what they are to do, behind the colon." };
  const state = startOf(workflow);
  return state === undefined
    ? { why: "The workflow begins with no state that one agent can answer alone." }
    : { state, agents, text };
}

/** Where work begins that one agent does: no person's turn, no wait, and nothing that hands out more. */
function startOf({ start, states }: Workflow): string | undefined {
  const begins = start ?? Object.keys(states).slice(0, 1);
  return begins.find((name) => {
    const state = states[name];
    return state && !state.human && state.wait.length === 0 && state.children === undefined;
  });
}
