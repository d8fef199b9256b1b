/**
 * Reads evidence: what a script of the trusted branch has found true of one tree.
 *
 * Invariants:
 * - Evidence is valid only for the tree that it names.
 * - Only answers to states with a matching `proves` count, never other commits of a script.
 */
import { valueOf, valuesOf } from "../protocol/message.ts";
import type { Commit } from "../protocol/request.ts";
import { readHandOffs } from "../protocol/hand-offs.ts";
import type { Workflow } from "../workflow/workflow.ts";
import { KEY } from "../protocol/trailer-keys.ts";

export const formatEvidence = (name: string, tree: string): { key: string; value: string } => ({
  key: KEY.evidence,
  value: `${name} ${tree}`,
});

/** The names of the evidence for a tree in a history, which is newest first. */
export function findEvidence(trail: readonly Commit[], tree: string, workflow: Workflow): Set<string> {
  const handOffs = readHandOffs(trail);
  const names = handOffs.flatMap(({ message, answers }, at) => {
    const from = valueOf(handOffs[at + 1]?.message.trailers ?? [], KEY.state) ?? "";
    const proves = answers === undefined ? [] : (workflow.states[from]?.proves ?? []);
    return valuesOf(message.trailers, KEY.evidence).flatMap((text) => {
      const [name = "", provenTree = ""] = text.split(" ");
      return provenTree === tree && proves.includes(name) ? [name] : [];
    });
  });
  return new Set(names);
}

/** The evidence that a state requires and that is not among `evidence`. */
export function missingEvidence(workflow: Workflow, state: string, evidence: ReadonlySet<string>): string[] {
  return (workflow.evidence[state] ?? []).filter((name) => !evidence.has(name));
}
