/** Tells which successors of a state lead forward, and which lead back. */
import type { Branch } from "../protocol/ids.ts";
import { parseRequest, type Commit } from "../protocol/request.ts";
import { readHandOffs } from "../protocol/hand-offs.ts";
import { isReservedState, type Workflow } from "./workflow.ts";

/**
 * The states that the present work of a branch was at. `trail` is its first-parent history above the
 * trusted branch, newest first. Work that was done is not counted again.
 */
export function passedStates(branch: Branch, trail: readonly Commit[]): ReadonlySet<string> {
  const passed = new Set<string>();
  for (const { commit } of readHandOffs(trail)) {
    const reading = parseRequest(branch, commit);
    if (reading.kind === "none" && reading.reason === "bound-elsewhere") break;
    if (reading.kind === "none") continue;
    if (reading.state === "done") break;
    passed.add(reading.state);
  }
  return passed;
}

/** `done`, and every declared state that the work has not passed. */
export function forwardStates({ states }: Workflow, state: string, passed: ReadonlySet<string>): string[] {
  const next = states[state]?.next ?? [];
  return next.filter((name) => name === "done" || (!isReservedState(name) && !passed.has(name)));
}

/**
 * Where a refusal may lead: passed states, and final states other than `done`. Where there are none,
 * every successor but `done`. A state named `rejected` is the only one.
 */
export function backwardStates({ states }: Workflow, state: string, passed: ReadonlySet<string>): string[] {
  const next = (states[state]?.next ?? []).filter((name) => name !== "done");
  if (next.includes("rejected")) return ["rejected"];
  const back = next.filter((name) => isReservedState(name) || passed.has(name));
  return back.length > 0 ? back : next;
}
