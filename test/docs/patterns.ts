/** The table of packs in docs/patterns.md: what a team wants, and the pack that is made for it. */
import { listPacks } from "../../src/templates/packs.ts";

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  "Steps in a row, each checked before the next": [
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
  "Many pieces of work at once": [
    "fan-out",
    "sectioning",
    "orchestrator-workers",
    "lanes",
    "swarm",
    "team",
    "hybrid",
    "hybrid-phases",
  ],
  "Work that keeps coming": [
    "intake",
    "routing",
    "task-loop",
    "factory",
    "event-driven",
    "merge-queue",
    "initializer-maintainer",
  ],
  "Limits, risk, and work that takes long": ["resource-aware", "control-spectrum", "durable"],
  "The tools that people have already": ["cli-native", "workspace-native"],
  "Not decided yet": ["advise"],
};

/** One table for each group. A pack that is in no group is an error, so that none is left out. */
export function packTables(): string {
  const packs = new Map(listPacks().map(({ name, what }) => [name, what]));
  const grouped = new Set(Object.values(GROUPS).flat());
  const lost = [...packs.keys()].filter((name) => !grouped.has(name));
  if (lost.length > 0) throw new Error(`in no group of docs/patterns.md: ${lost.join(", ")}`);
  const tables = Object.entries(GROUPS).flatMap(([title, names]) => {
    const rows = names.flatMap((name) => {
      const what = packs.get(name);
      return what === undefined ? [] : [`| [${name}](../states/packs/${name}/README.md) | ${what} |`];
    });
    return rows.length === 0 ? [] : [[`### ${title}`, "", "| pack | what for |", "| --- | --- |", ...rows].join("\n")];
  });
  return tables.join("\n\n");
}
