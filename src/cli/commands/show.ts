/** `trailhand show`: explains a request or a response. */
import { openWorkspace } from "../../app/open-workspace.ts";
import { readCommit } from "../../app/show.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { jsonOption } from "../options.ts";
import { describeCommit, renderCommit } from "../render/render-commit.ts";
import { printJson } from "../render/terminal.ts";

export const command: Command = {
  name: "show",
  group: "inspect",
  what: "Explain a request or a response.",
  arguments: [{ name: "commit", what: "Anything that names a commit.", optional: true, offers: "branch" }],
  options: [jsonOption],
  examples: [{ line: "trailhand show HEAD", what: "what does this commit ask for, or answer?" }],
  run,
};

async function run({ input, terminal, env }: CommandCall): Promise<number> {
  const workspace = await openWorkspace(input.directory, env);
  const reading = await readCommit(workspace, input.arguments[0] ?? "HEAD");
  if (input.has("json")) printJson(terminal, describeCommit(reading));
  else terminal.print(renderCommit(reading, terminal.colors));
  return EXIT_CODE.done;
}
