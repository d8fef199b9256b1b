/** From words to a command: reads the input, loads the command, turns a Fault into an exit code. */
import { UserError } from "../core/messages/messages.ts";
import type { CommandRun } from "./call.ts";
import { readInput } from "./input.ts";
import { makeTerminal, printError } from "./render/terminal.ts";

const LOADERS: Readonly<Record<string, () => Promise<{ readonly run: CommandRun }>>> = {
  backtest: () => import("./do/backtest.ts"),
  blame: () => import("./do/blame.ts"),
  action: () => import("./do/action.ts"),
  advise: () => import("./do/advise.ts"),
  "app-manifest": () => import("./do/app-manifest.ts"),
  approve: () => import("./do/approve.ts"),
  check: () => import("./do/check.ts"),
  hold: () => import("./do/hold.ts"),
  lanes: () => import("./do/lanes.ts"),
  cancel: () => import("./do/cancel.ts"),
  completions: () => import("./do/completions.ts"),
  demo: () => import("./do/demo.ts"),
  doctor: () => import("./do/doctor.ts"),
  fork: () => import("./do/fork.ts"),
  gc: () => import("./do/gc.ts"),
  github: () => import("./do/github.ts"),
  graph: () => import("./do/graph.ts"),
  help: () => import("./do/help.ts"),
  init: () => import("./do/init.ts"),
  log: () => import("./do/log.ts"),
  packs: () => import("./do/packs.ts"),
  replay: () => import("./do/replay.ts"),
  request: () => import("./do/request.ts"),
  resume: () => import("./do/resume.ts"),
  retry: () => import("./do/retry.ts"),
  run: () => import("./do/run.ts"),
  serve: () => import("./do/serve.ts"),
  show: () => import("./do/show.ts"),
  status: () => import("./do/status.ts"),
};

/** Runs one command line and returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const terminal = makeTerminal(process, process.env);
  // A reader that has seen enough, such as `head`, is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  try {
    const input = readInput(argv, process.cwd());
    const name = input.has("help") ? "help" : input.command.name;
    const loaded = await LOADERS[name]?.();
    if (!loaded) throw new UserError({ what: `${name} is in the table but has no program` });
    return await loaded.run({ input, terminal, env: process.env });
  } catch (error) {
    return printError(terminal, error);
  }
}
