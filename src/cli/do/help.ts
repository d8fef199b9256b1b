/** `trailhand help`: the overview, or one command. */
import { requireCommand } from "../input.ts";
import { renderCommand, renderOverview } from "../render/render-help.ts";
import type { CommandRun } from "../call.ts";

export const run: CommandRun = async ({ input, terminal }) => {
  const about = input.command.name === "help" ? input.arguments[0] : input.command.name;
  terminal.print(about === undefined ? renderOverview() : renderCommand(requireCommand(about)));
  return 0;
};
