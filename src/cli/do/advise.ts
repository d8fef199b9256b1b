/** `trailhand advise`: which pattern fits a task graph, and the numbers that say so. */
import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { advise } from "../../core/analysis/advise.ts";
import { estimate, readTypicalDurations, type TypicalDuration } from "../../core/analysis/estimate.ts";
import { readHandOffHistory } from "../../core/analysis/hand-off-report.ts";
import { suggest } from "../../core/util/suggest.ts";
import { PATTERNS, type Pattern } from "../../core/analysis/task-facts.ts";
import { readTaskGraph, type TaskGraph } from "../../core/analysis/task-graph.ts";
import { EXIT_CODE, UserError, shellWord, MESSAGES } from "../../core/messages/messages.ts";
import { formatProblems, openWorkspace } from "../../app/open-workspace.ts";
import type { CommandCall, CommandRun } from "../call.ts";
import { readAllCommits } from "../../app/history-queries.ts";
import { renderAdvice } from "../render/render-advice.ts";
import { printJson, printable } from "../render/terminal.ts";

/** Where the pack `advise` has its tasks. */
const FILE = "states/tasks.yml";
/** More than any person writes. */
const LONGEST = 1_000_000;

export const run: CommandRun = async (call) => {
  const { input, terminal } = call;
  const asked = requirePattern(input.value("as"));
  const graph = readGraph(input.directory, input.arguments[0] ?? FILE);
  const usual = await usualIn(call, graph);
  const advice = advise(graph, estimate(graph.tasks, usual));
  const { recommended, plans, ...rest } = advice;
  const pattern = asked ?? recommended;
  if (input.has("json")) {
    printJson(terminal, {
      pattern,
      recommended,
      plan: plans.find((plan) => plan.pattern === pattern),
      plans,
      ...rest,
    });
    return EXIT_CODE.done;
  }
  terminal.print(renderAdvice(advice, asked, terminal.colors));
  const pack = plans.find((plan) => plan.pattern === pattern)?.pack ?? "";
  terminal.say(`\nnext: trailhand packs ${pack}, then trailhand init --pack ${pack}`);
  return EXIT_CODE.done;
};

function requirePattern(name: string | undefined): Pattern | undefined {
  if (name === undefined) return undefined;
  const found = PATTERNS.find((pattern) => pattern === name);
  if (found) return found;
  throw new UserError(MESSAGES.noPattern(name, suggest(name, PATTERNS), PATTERNS.join(", ")));
}

/** Reads the file. Throws a Fault that names each mistake in it. */
function readGraph(directory: string, file: string): TaskGraph {
  let text: string;
  try {
    text = readFileSync(isAbsolute(file) ? file : join(directory, file), "utf8");
  } catch (error) {
    throw new UserError(MESSAGES.noTasks(printable(file), error instanceof Error ? error.message : ""), {
      cause: error,
    });
  }
  if (text.length > LONGEST)
    throw new UserError(MESSAGES.badTasks(shellWord(file), `  it is longer than ${LONGEST} characters`));
  const { graph, problems } = readTaskGraph(text);
  if (graph) return graph;
  throw new UserError(MESSAGES.badTasks(shellWord(file), formatProblems(problems)));
}

/** Past run times are read only where a task leaves its minutes to them. */
async function usualIn(
  { input, env, terminal }: CommandCall,
  { tasks }: TaskGraph,
): Promise<ReadonlyMap<string, TypicalDuration>> {
  if (!tasks.some(({ minutes, state }) => minutes === undefined && state !== undefined)) return new Map();
  const site = await openWorkspace(input.directory, env);
  const { commits, cut } = await readAllCommits(site, []);
  if (cut) terminal.say(`Past runs were looked for in the newest ${commits.length} commits.`);
  return readTypicalDurations(readHandOffHistory(commits));
}
