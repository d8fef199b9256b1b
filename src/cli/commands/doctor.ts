/** `trailhand doctor`: reports problems, and the commands that fix them. */
import { diagnose } from "../../app/doctor.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { openForCall, pushLogOf } from "../open-for-call.ts";
import { jsonOption, remoteOption } from "../options.ts";
import { printJson } from "../render/terminal.ts";

export const command: Command = {
  name: "doctor",
  group: "start",
  what: "Check git, identity, states, workflow, people, worktrees, messages and leases.",
  more: "Names the command that fixes each problem. Exit code 1: a problem keeps Trailhand from working.",
  options: [remoteOption, jsonOption],
  examples: [{ line: "trailhand doctor", what: "is everything in order?" }],
  run,
};

async function run(call: CommandCall): Promise<number> {
  const { input, terminal, env } = call;
  const workspace = await openForCall(call, await pushLogOf(call));
  const findings = await diagnose(workspace, env);
  if (input.has("json")) printJson(terminal, { findings });
  else {
    const { colors } = terminal;
    const marks = { fine: colors.green("✓"), odd: colors.yellow("!"), bad: colors.red("✗") };
    for (const { about, level, what, next } of findings) {
      terminal.print(`${marks[level]} ${about}: ${what}`);
      if (next !== undefined) terminal.print(`    ${colors.dim("next:")} ${next}`);
    }
  }
  return findings.some(({ level }) => level === "bad") ? EXIT_CODE.failed : EXIT_CODE.done;
}
