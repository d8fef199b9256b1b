/** Commands that set a repository up. */
import { JSON_OPTION, remoteOption, type Command } from "./shape.ts";

export const START: readonly Command[] = [
  {
    name: "init",
    group: "start",
    what: "Write states/ with a workflow of three states that need no AI.",
    more: "Nothing that exists is overwritten. What to type next is printed.",
    examples: [{ line: "trailhand init", what: "prepare this repository" }],
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
    what: "Check git, identity, states, workflow, worktrees, messages and leases.",
    more: "Each finding names the command that mends it. Exit code 1 when something must be mended.",
    options: [remoteOption, JSON_OPTION],
    examples: [{ line: "trailhand doctor", what: "is everything in order?" }],
  },
];
