/** Mutants of waits, of requests in several lanes, and of holds and cancellation. */
import type { Mutant } from "./mutants.ts";

export const WAITING_MUTANTS: readonly Mutant[] = [
  {
    name: "joined children are waited for again",
    file: "core/scheduling/children.ts",
    find: "const open = children.filter(({ isNew }) => isNew);",
    replace: "const open = [...children];",
    seed: 189,
  },
  {
    name: "wait that can never end does not end",
    file: "core/scheduling/waits.ts",
    find: 'if (result.kind === "never") return',
    replace: 'if (result.kind === "never" && otherwise === "") return',
    seed: 24,
  },
  {
    name: "only the first of several lanes is claimed",
    file: "core/scheduling/admission.ts",
    find: "for (const name of run.state?.lane ?? []) {",
    replace: "for (const name of run.state?.lane.slice(0, 1) ?? []) {",
    seed: 4,
  },
  {
    name: "request of weight two takes one slot",
    file: "core/scheduling/admission.ts",
    find: "const weight = Math.min(run.state?.weight ?? 1, capacity);",
    replace: "const weight = Math.min(1, capacity);",
    seed: 4,
  },
  {
    name: "hold is ignored",
    file: "core/scheduling/decide.ts",
    find: "if (hold === undefined || decision.kind",
    replace: 'if (hold !== "" || decision.kind',
    seed: 19,
  },
  {
    name: "children of a cancelled parent continue",
    file: "core/scheduling/waits.ts",
    find: 'if (parent.state === "cancelled") return',
    replace: 'if (parent.state === "called off") return',
    seed: 116,
  },
  {
    name: "cancelled child continues",
    file: "core/scheduling/waits.ts",
    find: "if (!parent.calls || !",
    replace: "if (parent.calls || !",
    seed: 275,
  },
];
