/**
 * Runs pending requests with a live view, and stops at signals.
 *
 * Invariants:
 * - The first signal loses nothing. The second one ends the scripts and exits at once.
 */
import { endAllScripts, LocalRun, type RunOptions, type RunResult } from "../app/run.ts";
import { APP } from "../app/timing.ts";
import type { Environment, Workspace } from "../app/workspace.ts";
import { startLiveView } from "./render/live-view.ts";
import type { Terminal } from "./render/terminal.ts";
import { CLI } from "./timing.ts";

export interface TerminalRun extends Omit<RunOptions, "report"> {
  /** How long SIGTERM lets scripts finish, in milliseconds; default: 10 s. */
  readonly graceMs?: number | undefined;
}

/** `signalCode` is the exit code of the signal that stopped the run, if one did. */
export async function runInTerminal(
  terminal: Terminal,
  workspace: Workspace,
  env: Environment,
  options: TerminalRun,
): Promise<{ readonly result: RunResult; readonly signalCode: number | undefined }> {
  const view = await startLiveView(terminal, options.watch);
  const run = new LocalRun(workspace, env, { ...options, report: (event) => view.show(event) });
  const signals = stopOnSignals(run, terminal, options.graceMs ?? APP.shutdownGraceMs);
  try {
    return { result: await run.run(), signalCode: signals.exitCode() };
  } finally {
    signals.dispose();
    view.end();
  }
}

/** Ctrl-C hands back at once; SIGTERM lets scripts finish for a while. */
function stopOnSignals(run: LocalRun, terminal: Terminal, graceMs: number) {
  let exitCode: number | undefined;
  let since = 0;
  const listeners: (() => void)[] = [];
  const listen = (signal: "SIGINT" | "SIGTERM", code: number, ms: number) => {
    const onSignal = () => {
      if (exitCode !== undefined && performance.now() - since < CLI.signalEchoMs) return;
      if (exitCode !== undefined) {
        endAllScripts();
        process.exit(code);
      }
      exitCode = code;
      since = performance.now();
      terminal.say("stopping: scripts that do not finish in time are ended and their work is saved");
      terminal.say("send the signal again to exit at once");
      run.stop(ms);
    };
    process.on(signal, onSignal);
    listeners.push(() => process.off(signal, onSignal));
  };
  listen("SIGINT", 130, 0);
  listen("SIGTERM", 143, graceMs);
  return { exitCode: () => exitCode, dispose: () => listeners.forEach((remove) => remove()) };
}
