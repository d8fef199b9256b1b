/** `trailhand completions`: a completion script for a shell. */
import { EXIT_CODE, MESSAGES, UserError } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { renderCompletions, SHELLS } from "../render/render-completions.ts";

export const command: Command = {
  name: "completions",
  group: "more",
  what: "Print a completion script.",
  arguments: [{ name: "shell", what: "bash, zsh or fish.", offers: "shell" }],
  examples: [{ line: 'eval "$(trailhand completions bash)"', what: "in ~/.bashrc" }],
  run,
};

async function run({ input, terminal, loadCommands }: CommandCall): Promise<number> {
  const [name = ""] = input.arguments;
  const shell = SHELLS.find((known) => known === name);
  if (!shell)
    throw new UserError(
      MESSAGES.badOption("completions", `${JSON.stringify(name)} is none of ${SHELLS.join(", ")}.`),
    );
  terminal.print(renderCompletions(shell, await loadCommands()));
  return EXIT_CODE.done;
}
