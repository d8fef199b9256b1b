/**
 * `trailhand action`: what a job of GitHub Actions runs.
 *
 * Invariants:
 * - The runner of the job never takes a printed line for a command.
 */
import { randomUUID } from "node:crypto";
import { runJob } from "../../server/run-job.ts";
import type { Command, CommandCall } from "../command.ts";
import { numberOption } from "../input.ts";
import { concurrencyOption, onlyBranchOption, signedOption } from "../options.ts";
import { printable } from "../render/terminal.ts";
import { runInTerminal } from "../run-in-terminal.ts";

export const command: Command = {
  name: "action",
  group: "github",
  what: "In a job of GitHub Actions: act on the event, and run all pending requests.",
  more: "What action.yml calls. Reads GITHUB_EVENT_NAME, GITHUB_EVENT_PATH, GITHUB_REPOSITORY, GITHUB_SERVER_URL, GITHUB_API_URL and GITHUB_TOKEN. Writes GITHUB_STEP_SUMMARY and the outputs applied, answered, failed and waiting. Exit code 0 also when the event asks for nothing; 1: a response was `failed`, or something could not be done.",
  options: [
    {
      name: "remote",
      short: "r",
      value: "url",
      what: "Work on this address; default: GITHUB_SERVER_URL/GITHUB_REPOSITORY.",
    },
    onlyBranchOption,
    concurrencyOption,
    signedOption,
  ],
  examples: [{ line: "trailhand action", what: "what a step of a workflow runs" }],
  run: (call) => runAction(call),
};

type Throttle = Parameters<typeof runJob>[0]["throttle"];

/** `throttle` limits how fast GitHub is asked; default: as GitHub recommends. */
export async function runAction({ input, terminal, env }: CommandCall, throttle?: Throttle): Promise<number> {
  const token = randomUUID();
  // Strangers choose names and reasons, and a line of theirs may look like a command of the job.
  terminal.say(`::stop-commands::${token}`);
  try {
    return await runJob({
      env,
      remote: input.value("remote"),
      branches: input.values("branch"),
      signed: input.has("signed"),
      throttle,
      print: (text) => terminal.print(text),
      say: (text) => terminal.say(printable(text, 500)),
      runPending: (workspace, scriptEnv, branches) =>
        runInTerminal(terminal, workspace, scriptEnv, {
          branches,
          concurrency: numberOption(input, "concurrency", 1, 256),
          once: false,
          watch: false,
          ttlMs: undefined,
          wake: undefined,
        }),
    });
  } finally {
    terminal.say(`::${token}::`);
  }
}
