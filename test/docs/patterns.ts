/** The tables of packs in docs/patterns.md, one for each group. */
import { listPacks } from "../../src/templates/packs.ts";

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  "Steps in order, each checked before the next": [
    "sequential",
    "chaining",
    "phase-separation",
    "plan-then-execute",
    "plan-execute-verify",
    "research-implement-verify",
  ],
  "More than one opinion on the same work": [
    "planner-executor-reviewer",
    "evaluator-optimizer",
    "dialogue",
    "voting",
    "planner-workers-judge",
    "side-by-side",
  ],
  "Many pieces of work at the same time": [
    "fan-out",
    "sectioning",
    "orchestrator-workers",
    "lanes",
    "swarm",
    "team",
    "hybrid",
    "hybrid-phases",
  ],
  "Continuous work": [
    "intake",
    "routing",
    "task-loop",
    "factory",
    "event-driven",
    "merge-queue",
    "initializer-maintainer",
  ],
  "Limits, risk and long-running work": ["resource-aware", "control-spectrum", "durable"],
  "Existing tools and agents that learn": ["cli-native", "workspace-native"],
  "When you do not know yet": ["advise"],
};

/** One table for each group. Throws for a pack without a group. */
export function packTables(): string {
  const packs = new Map(listPacks().map(({ name, what }) => [name, what]));
  const grouped = new Set(Object.values(GROUPS).flat());
  const ungrouped = [...packs.keys()].filter((name) => !grouped.has(name));
  if (ungrouped.length > 0) throw new Error(`add these packs to a group in test/docs/patterns.ts: ${ungrouped.join(", ")}`);
  const tables = Object.entries(GROUPS).flatMap(([title, names]) => {
    const rows = names.flatMap((name) => {
      const what = packs.get(name);
      return what === undefined ? [] : [`| [${name}](../states/packs/${name}/README.md) | ${what} |`];
    });
    return rows.length === 0 ? [] : [[`### ${title}`, "", "| pack | use it for |", "| --- | --- |", ...rows].join("\n")];
  });
  return tables.join("\n\n");
}
