/** Advises which pattern fits a task graph. */
import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { advise, type Advice } from "../core/analysis/advise.ts";
import { estimate, readTypicalDurations, type TypicalDuration } from "../core/analysis/estimate.ts";
import { readHandOffHistory } from "../core/analysis/hand-off-report.ts";
import { PATTERNS, type Pattern } from "../core/analysis/task-facts.ts";
import { readTaskGraph, type TaskGraph } from "../core/analysis/task-graph.ts";
import { MESSAGES, shellWord, UserError } from "../core/messages/messages.ts";
import { cleanLine } from "../core/util/redact.ts";
import { suggest } from "../core/util/suggest.ts";
import { readAllCommits } from "./read-all-commits.ts";
import { formatProblems, openWorkspace } from "./open-workspace.ts";
import type { Environment } from "./workspace.ts";

/** Where the pack `advise` has its tasks. */
const FILE = "states/tasks.yml";
/** In characters; more than any person writes. */
const MAX_LENGTH = 1_000_000;

export interface AdviceReport extends Advice {
  /** The pattern that a person asked for. */
  readonly asked: Pattern | undefined;
  /** The newest commits among which past runs were searched; undefined: among all. */
  readonly searched: number | undefined;
}

/** Throws a UserError that names each mistake in the file. */
export async function adviseTasks(
  directory: string,
  env: Environment,
  { file = FILE, pattern }: { readonly file: string | undefined; readonly pattern: string | undefined },
): Promise<AdviceReport> {
  const asked = pattern === undefined ? undefined : requirePattern(pattern);
  const graph = readGraph(directory, file);
  const { usual, searched } = await readDurations(directory, env, graph);
  return { ...advise(graph, estimate(graph.tasks, usual)), asked, searched };
}

function requirePattern(name: string): Pattern {
  const pattern = PATTERNS.find((candidate) => candidate === name);
  if (pattern) return pattern;
  throw new UserError(MESSAGES.noPattern(name, suggest(name, PATTERNS), PATTERNS.join(", ")));
}

function readGraph(directory: string, file: string): TaskGraph {
  let text: string;
  try {
    text = readFileSync(isAbsolute(file) ? file : join(directory, file), "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : "";
    throw new UserError(MESSAGES.noTasks(cleanLine(file, 80), why), { cause: error });
  }
  if (text.length > MAX_LENGTH)
    throw new UserError(MESSAGES.badTasks(shellWord(file), `  it is longer than ${MAX_LENGTH} characters`));
  const { graph, problems } = readTaskGraph(text);
  if (graph) return graph;
  throw new UserError(MESSAGES.badTasks(shellWord(file), formatProblems(problems)));
}

/** Reads past runs only where a task leaves its minutes to them. */
async function readDurations(
  directory: string,
  env: Environment,
  { tasks }: TaskGraph,
): Promise<{ usual: ReadonlyMap<string, TypicalDuration>; searched: number | undefined }> {
  if (!tasks.some(({ minutes, state }) => minutes === undefined && state !== undefined))
    return { usual: new Map(), searched: undefined };
  const { commits, isCut } = await readAllCommits(await openWorkspace(directory, env), []);
  return {
    usual: readTypicalDurations(readHandOffHistory(commits)),
    searched: isCut ? commits.length : undefined,
  };
}
