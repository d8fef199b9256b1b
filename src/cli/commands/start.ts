/** Commands that set a repository up. */
import { JSON_OPTION, remoteOption, type Command } from "./shape.ts";

export const START: readonly Command[] = [
  {
    name: "init",
    group: "start",
    what: "Write states/ with a workflow of three states that need no AI.",
    more: "Nothing that exists is overwritten. What to type next is printed.",
    options: [
      { name: "pack", value: "name", offers: "pack", what: "Write the states of this pack in their place." },
      {
        name: "github",
        what: "Write the workflow of GitHub Actions in their place, and list the labels of your states.",
      },
      { name: "uses", value: "action@id", what: "With --github: the action, by the full id of a commit." },
    ],
    examples: [
      { line: "trailhand init", what: "prepare this repository" },
      { line: "trailhand init --pack sequential", what: "begin with a ready-made workflow" },
      { line: "trailhand init --github", what: "work on GitHub without a server" },
    ],
  },
  {
    name: "packs",
    group: "start",
    what: "List the ready-made workflows, or show the page of one.",
    arguments: [{ name: "name", what: "The pack to read about.", optional: true, offers: "pack" }],
    options: [JSON_OPTION],
    examples: [
      { line: "trailhand packs", what: "what is there?" },
      { line: "trailhand packs sequential", what: "what it is for, and how it goes" },
    ],
  },
  {
    name: "advise",
    group: "start",
    what: "Say which pattern fits a task graph, with the numbers that say so.",
    more: "The file lists `tasks`, each with a `key`, and if you like `after`, `owns`, `risk`, `minutes` and `state`; beside them, `agents` and `cost_per_minute`. Where a task has a state and no minutes, past runs tell.",
    arguments: [{ name: "file", what: "YAML; states/tasks.yml when left out.", optional: true }],
    options: [
      {
        name: "as",
        value: "pattern",
        what: "Plan it as single, chain, parallel, hybrid or resource-aware, and say what speaks against it.",
      },
      JSON_OPTION,
    ],
    examples: [
      { line: "trailhand advise tasks.yml", what: "in a row, side by side, or both?" },
      { line: "trailhand advise tasks.yml --as parallel", what: "what would that cost?" },
    ],
  },
  {
    name: "demo",
    group: "start",
    what: "Make a small repository in a temporary folder and run it end to end.",
    more: "No network and no model takes part. The repository stays, to look around in.",
    options: [{ name: "keep", value: "dir", what: "Make it in this directory, which must not exist yet." }],
    examples: [
      { line: "trailhand demo", what: "watch four branches being planned, checked, repaired, integrated" },
    ],
  },
  {
    name: "doctor",
    group: "start",
    what: "Check git, identity, states, workflow, people, worktrees, messages and leases.",
    more: "Each finding names the command that mends it. Exit code 1 when something must be mended.",
    options: [remoteOption, JSON_OPTION],
    examples: [{ line: "trailhand doctor", what: "is everything in order?" }],
  },
];
