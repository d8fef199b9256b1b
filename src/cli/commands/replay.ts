/** `trailhand replay`: runs a past request again, and shows how its response differs. */
import { openWorkspace } from "../../app/open-workspace.ts";
import { replayRequest } from "../../app/replay.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { jsonOption, workflowOption } from "../options.ts";
import { printReplay } from "../render/render-replay.ts";
import { printJson } from "../render/terminal.ts";

export const command: Command = {
  name: "replay",
  group: "inspect",
  what: "Run a past request again in a temporary worktree, and show how its response differs.",
  more: "Writes no ref. The script runs for real all the same: what it does outside its worktree, it does again. Exit code 0: the same state and the same files; 1: they differ.",
  arguments: [{ name: "commit", what: "A request, or the response to it.", offers: "branch" }],
  options: [
    { name: "script", value: "file", what: "Run this script or prompt instead of the trusted one." },
    workflowOption,
    jsonOption,
  ],
  examples: [
    { line: "trailhand replay HEAD", what: "would the response still be the same?" },
    { line: "trailhand replay HEAD --script states/check", what: "and with my changed script?" },
  ],
  run,
};

async function run({ input, terminal, env }: CommandCall): Promise<number> {
  const { directory } = input;
  const workspace = await openWorkspace(directory, env);
  const signals = stopOnSignals();
  try {
    const report = await replayRequest(workspace, env, {
      commit: input.arguments[0] ?? "",
      workflow: { directory, name: input.value("workflow") },
      script: input.value("script"),
      onStart: (stop) => signals.listen(stop),
    });
    if (!report) return signals.exitCode();
    if (input.has("json")) printJson(terminal, report);
    else printReplay(terminal, report);
    return report.sameState && report.files.length === 0 ? EXIT_CODE.done : EXIT_CODE.failed;
  } finally {
    signals.dispose();
  }
}

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** Stops the script at a signal. */
function stopOnSignals() {
  let exitCode: number = EXIT_CODE.failed;
  const listeners: (() => void)[] = [];
  return {
    exitCode: () => exitCode,
    listen(stop: () => void) {
      for (const [signal, code] of Object.entries(SIGNALS)) {
        const onSignal = () => {
          exitCode = code;
          stop();
        };
        process.on(signal, onSignal);
        listeners.push(() => process.off(signal, onSignal));
      }
    },
    dispose: () => listeners.forEach((remove) => remove()),
  };
}
