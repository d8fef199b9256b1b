/**
 * The table of all commands, in the order of the overview and of the reference page.
 *
 * Invariants:
 * - A command loads only its own file; aliases, help and completions load all of them.
 */
import type { Command } from "./command.ts";
import { findCommand } from "./find-command.ts";

const LOADERS: Readonly<Record<string, () => Promise<{ readonly command: Command }>>> = {
  init: () => import("./commands/init.ts"),
  packs: () => import("./commands/packs.ts"),
  advise: () => import("./commands/advise.ts"),
  demo: () => import("./commands/demo.ts"),
  doctor: () => import("./commands/doctor.ts"),
  request: () => import("./commands/request.ts"),
  approve: () => import("./commands/approve.ts"),
  reject: () => import("./commands/reject.ts"),
  assign: () => import("./commands/assign.ts"),
  priority: () => import("./commands/priority.ts"),
  "report-check": () => import("./commands/report-check.ts"),
  run: () => import("./commands/run.ts"),
  status: () => import("./commands/status.ts"),
  log: () => import("./commands/log.ts"),
  output: () => import("./commands/output.ts"),
  cost: () => import("./commands/cost.ts"),
  graph: () => import("./commands/graph.ts"),
  lanes: () => import("./commands/lanes.ts"),
  show: () => import("./commands/show.ts"),
  blame: () => import("./commands/blame.ts"),
  backtest: () => import("./commands/backtest.ts"),
  replay: () => import("./commands/replay.ts"),
  retry: () => import("./commands/retry.ts"),
  resume: () => import("./commands/resume.ts"),
  cancel: () => import("./commands/cancel.ts"),
  hold: () => import("./commands/hold.ts"),
  fork: () => import("./commands/fork.ts"),
  gc: () => import("./commands/gc.ts"),
  serve: () => import("./commands/serve.ts"),
  "app-manifest": () => import("./commands/app-manifest.ts"),
  action: () => import("./commands/action.ts"),
  github: () => import("./commands/github.ts"),
  completions: () => import("./commands/completions.ts"),
  help: () => import("./commands/help.ts"),
};

export async function loadCommands(): Promise<readonly Command[]> {
  const modules = await Promise.all(Object.values(LOADERS).map((load) => load()));
  return modules.map(({ command }) => command);
}

/** Throws a UserError that suggests the nearest name. */
export async function loadCommand(name: string): Promise<Command> {
  const load = Object.hasOwn(LOADERS, name) ? LOADERS[name] : undefined;
  return load ? (await load()).command : findCommand(await loadCommands(), name);
}
