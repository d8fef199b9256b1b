/** Help and completions. */
import type { Command } from "./shape.ts";

export const MORE: readonly Command[] = [
  {
    name: "completions",
    group: "more",
    what: "Print a completion script.",
    arguments: [{ name: "shell", what: "bash, zsh or fish.", offers: "shell" }],
    examples: [{ line: 'eval "$(trailhand completions bash)"', what: "in ~/.bashrc" }],
  },
  {
    name: "help",
    group: "more",
    what: "Show this help, or that of one command.",
    arguments: [{ name: "command", what: "The command.", optional: true, offers: "command" }],
    examples: [{ line: "trailhand help run", what: "everything about run" }],
  },
];
