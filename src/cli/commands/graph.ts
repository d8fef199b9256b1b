/** `trailhand graph`: the workflow as a drawing. */
import { readGraph } from "../../app/graph.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { openForCall } from "../open-for-call.ts";
import { branchArgument, jsonOption, remoteOption } from "../options.ts";
import { printJson } from "../render/terminal.ts";

export const command: Command = {
  name: "graph",
  group: "inspect",
  what: "Draw the workflow, with a branch's position.",
  arguments: [branchArgument],
  options: [{ name: "mermaid", what: "Print a Mermaid state diagram." }, remoteOption, jsonOption],
  examples: [
    { line: "trailhand graph", what: "draw it in the terminal" },
    { line: "trailhand graph --mermaid", what: "for a README" },
  ],
  run,
};

async function run(call: CommandCall): Promise<number> {
  const { input, terminal } = call;
  const { branch, position, mermaid, drawing, ...graph } = await readGraph(
    await openForCall(call),
    input.arguments[0],
  );
  if (input.has("json")) printJson(terminal, { ...graph, position: position ?? null });
  else if (input.has("mermaid")) terminal.print(mermaid);
  else {
    terminal.print(drawing);
    if (graph.open)
      terminal.say("There is no states/workflow.yml: every executable is a state, and any may follow.");
    if (position !== undefined) terminal.say(`${branch} is at ${position}`);
  }
  return EXIT_CODE.done;
}
