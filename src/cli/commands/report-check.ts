/** `trailhand report-check`: records how an external check ended. */
import { reportCheck } from "../../app/report-check.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { openForCall } from "../open-for-call.ts";
import { branchArgument, jsonOption, remoteOption } from "../options.ts";
import { printJson } from "../render/terminal.ts";

export const command: Command = {
  name: "report-check",
  aliases: ["check"],
  writes: true,
  group: "work",
  what: "Record how an external check ended, for the present head of a branch.",
  more: "A state with `wait: check <name>` goes on when the conclusion is success, neutral or skipped. With any other conclusion it goes to its `otherwise`.",
  arguments: [
    { name: "name", what: "The name of the check, such as ci." },
    {
      name: "conclusion",
      what: "success, failure, neutral, cancelled, skipped, timed_out or action_required.",
    },
    branchArgument,
  ],
  options: [
    {
      name: "commit",
      value: "id",
      what: "The full id of what was checked. If the head is another by now, nothing is recorded.",
    },
    remoteOption,
    jsonOption,
  ],
  examples: [
    {
      line: "trailhand report-check ci success feat/login --remote origin",
      what: "what a CI server calls at the end",
    },
  ],
  run,
};

async function run(call: CommandCall): Promise<number> {
  const { input, terminal } = call;
  const [name = "", conclusion = "", branch] = input.arguments;
  const commit = input.value("commit");
  const report = await reportCheck(await openForCall(call), { name, conclusion, branch, commit });
  if (input.has("json")) printJson(terminal, report);
  else terminal.print(`${name} is ${conclusion} at ${report.commit.slice(0, 10)} on ${report.branch}`);
  return EXIT_CODE.done;
}
