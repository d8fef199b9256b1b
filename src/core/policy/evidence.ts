/**
 * Evidence: what a script of the trusted branch found true of one tree.
 *
 * What must hold: it counts for the very tree that it names and no other; only answers to states that
 * prove it count, and what a script commits on its own never does.
 */
import { valueOf, valuesOf } from "../protocol/message.ts";
import type { Commit } from "../protocol/request.ts";
import { readHandOffs } from "../protocol/hand-offs.ts";
import type { Workflow } from "../workflow/workflow.ts";
import { KEY } from "../protocol/trailer-keys.ts";

/** The trailer of one piece. */
export const formatEvidence = (name: string, tree: string): { key: string; value: string } => ({
  key: KEY.evidence,
  value: `${name} ${tree}`,
});

/** The names of what is proven of a tree, in the history of a request. `trail` is newest first. */
export function findEvidence(trail: readonly Commit[], tree: string, workflow: Workflow): Set<string> {
  const steps = readHandOffs(trail);
  const found = steps.flatMap(({ message, answers }, at) => {
    const from = valueOf(steps[at + 1]?.message.trailers ?? [], KEY.state) ?? "";
    const proves = answers === undefined ? [] : (workflow.states[from]?.proves ?? []);
    return valuesOf(message.trailers, KEY.evidence).flatMap((text) => {
      const [name = "", of = ""] = text.split(" ");
      return of === tree && proves.includes(name) ? [name] : [];
    });
  });
  return new Set(found);
}

/** What has to be proven before a state may follow, and is not. */
export function missingEvidence(workflow: Workflow, state: string, proven: ReadonlySet<string>): string[] {
  return (workflow.evidence[state] ?? []).filter((name) => !proven.has(name));
}
