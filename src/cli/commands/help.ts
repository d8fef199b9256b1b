/** `trailhand help`: the overview, or the help of one command. */
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { findCommand } from "../find-command.ts";
import { renderCommand, renderOverview } from "../render/render-help.ts";

export const command: Command = {
  name: "help",
  group: "more",
  what: "Show this help, or that of one command.",
  arguments: [{ name: "command", what: "The command.", optional: true, offers: "command" }],
  examples: [{ line: "trailhand help run", what: "everything about run" }],
  run,
};

/** Also runs for `--help` after another command. */
async function run({ input, terminal, loadCommands }: CommandCall): Promise<number> {
  const commands = await loadCommands();
  const name = input.command.name === "help" ? input.arguments[0] : input.command.name;
  terminal.print(name === undefined ? renderOverview(commands) : renderCommand(findCommand(commands, name)));
  return EXIT_CODE.done;
}
