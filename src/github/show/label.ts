/**
 * The label of a state: its name, its colour, and what GitHub shows beside it.
 *
 * What must hold: pure; the same state has the same label wherever it is made; it fits in what
 * GitHub takes.
 */
import { cleanLine } from "../../core/text/clean.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";
import { STATE_LABEL, type Label } from "./wanted.ts";

const COLORS: Readonly<Record<string, string>> = { done: "0e8a16", failed: "b60205", cancelled: "8b949e" };
const HALTED = "fbca04";
/** GitHub's own bounds. */
const NAME = 50;
const DESCRIPTION = 100;

export function labelOf(state: string, { states }: Workflow): Label {
  const found = states[state];
  const color = COLORS[state] ?? (found ? (found.human ? "d93f0b" : "1d76db") : HALTED);
  const description = cleanLine(found?.description ?? "", DESCRIPTION) || "A state of Trailhand's workflow";
  return { name: `${STATE_LABEL}${state}`.slice(0, NAME), color, description };
}
