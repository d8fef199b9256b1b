/** Commands that put things right. */
import { branchArgument, JSON_OPTION, messageOption, remoteOption, type Command } from "./shape.ts";

export const MEND: readonly Command[] = [
  {
    name: "resume",
    group: "mend",
    what: "Ask again for the state at which a branch was parked or taken over.",
    arguments: [branchArgument],
    options: [messageOption, remoteOption, JSON_OPTION],
    examples: [{ line: "trailhand resume feat/login", what: "go on after your own commits" }],
  },
  {
    name: "retry",
    group: "mend",
    what: "Ask again for a state that failed; do not wait for a rest to be over.",
    arguments: [branchArgument],
    options: [messageOption, remoteOption, JSON_OPTION],
    examples: [{ line: "trailhand retry feat/login", what: "with all its attempts again" }],
  },
  {
    name: "cancel",
    group: "mend",
    what: "End the work on a branch; what runs there is stopped and its work saved.",
    arguments: [branchArgument],
    options: [messageOption, remoteOption, JSON_OPTION],
    examples: [{ line: "trailhand cancel feat/login", what: "stop it" }],
  },
  {
    name: "gc",
    group: "mend",
    what: "Say which side refs, logs and worktrees are no longer needed, and why.",
    options: [
      { name: "prune", what: "Remove them." },
      {
        name: "keep-days",
        value: "n",
        what: "Keep salvage, journals and logs that are younger; 14 when left out.",
      },
      remoteOption,
      JSON_OPTION,
    ],
    examples: [{ line: "trailhand gc --prune", what: "remove what is no longer needed" }],
  },
];
