/** Commands that put things right. */
import {
  branchArgument,
  JSON_OPTION,
  messageOption,
  remoteOption,
  trailerOption,
  type Command,
} from "./shape.ts";

export const MEND: readonly Command[] = [
  {
    name: "resume",
    group: "mend",
    what: "Ask again for the state at which a branch was parked or taken over.",
    arguments: [branchArgument],
    options: [messageOption, trailerOption, remoteOption, JSON_OPTION],
    examples: [
      { line: "trailhand resume feat/login", what: "go on after your own commits" },
      { line: 'trailhand resume feat/login --trailer "Budget: 10 USD"', what: "let it spend more" },
    ],
  },
  {
    name: "retry",
    group: "mend",
    what: "Ask again for a state that failed; do not wait for a rest to be over.",
    arguments: [branchArgument],
    options: [messageOption, trailerOption, remoteOption, JSON_OPTION],
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
    name: "hold",
    group: "mend",
    what: "Stop everything: nothing is begun, and what runs is stopped and its work saved.",
    more: "It holds for every runner of the repository, or of the remote, until somebody lets it go on. No attempt is used up. While something is held, the command says who holds it and why.",
    options: [
      { ...messageOption, what: "Why, for whoever wonders." },
      { name: "off", what: "Let everything go on." },
      remoteOption,
      JSON_OPTION,
    ],
    examples: [
      { line: 'trailhand hold -m "the tests are broken on main"', what: "stop all runners" },
      { line: "trailhand hold --off", what: "go on" },
    ],
  },
  {
    name: "gc",
    group: "mend",
    what: "Say which side refs, logs and worktrees are no longer needed, and why.",
    more: "The history of work that landed, below refs/trailhand/archive, is kept for ever.",
    options: [
      { name: "prune", what: "Remove them." },
      {
        name: "keep-days",
        value: "n",
        what: "Keep salvage, shadows, journals and logs that are younger; 14 when left out.",
      },
      remoteOption,
      JSON_OPTION,
    ],
    examples: [{ line: "trailhand gc --prune", what: "remove what is no longer needed" }],
  },
];
