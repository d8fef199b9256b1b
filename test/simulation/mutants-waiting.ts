/**
 * Faults in waits, in several lanes at once, and in what stops work.
 *
 * What must hold: as for those in mutants.ts.
 */
import type { Mutant } from "./mutants.ts";

export const WAITING: readonly Mutant[] = [
  {
    name: "joined children are waited for again",
    file: "core/scheduling/children.ts",
    find: "const open = children.filter(({ isNew }) => isNew);",
    replace: "const open = [...children];",
    seed: 1,
  },
  {
    name: "wait that can never end goes on",
    file: "core/scheduling/waits.ts",
    find: 'if (verdict.kind === "never") return',
    replace: 'if (verdict.kind === "never" && otherwise === "") return',
    seed: 1,
  },
  {
    name: "only the first of several lanes is taken",
    file: "core/scheduling/admission.ts",
    find: "for (const name of run.state?.lane ?? []) {",
    replace: "for (const name of run.state?.lane.slice(0, 1) ?? []) {",
    seed: 1,
  },
  {
    name: "what weighs two takes one place",
    file: "core/scheduling/admission.ts",
    find: "const weight = Math.min(run.state?.weight ?? 1, capacity);",
    replace: "const weight = Math.min(1, capacity);",
    seed: 1,
  },
  {
    name: "hold is not seen",
    file: "core/scheduling/decide.ts",
    find: "if (hold === undefined || decision.kind",
    replace: 'if (hold !== "" || decision.kind',
    seed: 1,
  },
  {
    name: "children of what was cancelled go on",
    file: "core/scheduling/waits.ts",
    find: 'if (asked.state === "cancelled") return',
    replace: 'if (asked.state === "called off") return',
    seed: 120,
  },
  {
    name: "child that was called off goes on",
    file: "core/scheduling/waits.ts",
    find: "if (!asked.calls || !",
    replace: "if (asked.calls || !",
    seed: 90,
  },
];
