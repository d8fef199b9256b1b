/**
 * Reads workflows and scripts of the worktree, for commands that try them out.
 *
 * Invariants:
 * - Runners trust none of it; it is only compared.
 */
import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { checkWorkflow, type ScriptFile } from "../core/workflow/check-workflow.ts";
import { parseStateName } from "../core/protocol/ids.ts";
import { parseWorkflow } from "../core/workflow/workflow-file.ts";
import { WORKFLOW_FILE, type WorkflowProblem, type Workflow } from "../core/workflow/workflow.ts";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import type { ReadTrustedConfig } from "../git/read-trusted-config.ts";
import type { Workspace } from "./workspace.ts";

/** A workflow file that a person named, if they named one. */
export interface NamedWorkflow {
  readonly directory: string;
  readonly name: string | undefined;
}

/** A workflow with its problems. */
export interface CandidateWorkflow {
  readonly file: string;
  /** Undefined when the file cannot be read at all. */
  readonly workflow: Workflow | undefined;
  readonly problems: readonly WorkflowProblem[];
}

/** Throws a UserError when the file cannot be read. */
export function readNamedFile(directory: string, name: string): { file: string; text: string } {
  const file = resolve(directory, name);
  try {
    return { file, text: readFileSync(file, "utf8") };
  } catch (error) {
    const why = error instanceof Error ? (error.message.split(",")[0] ?? "") : String(error);
    throw new UserError(MESSAGES.cannotRead(name, why), { cause: error });
  }
}

/** Checks the workflow against the scripts beside it, or else against the trusted ones. */
export function readCandidateWorkflow(
  directory: string,
  name: string,
  trusted: ReadTrustedConfig,
): CandidateWorkflow {
  const { file, text } = readNamedFile(directory, name);
  const { workflow, problems } = parseWorkflow(text);
  const checked = workflow ? checkWorkflow(workflow, scriptsFor(file, trusted)) : problems;
  return { file, workflow, problems: checked };
}

/** The named workflow, else that of the current worktree, else the trusted one. */
export async function readCandidateOrLocal(
  workspace: Workspace,
  { directory, name }: NamedWorkflow,
  trusted: ReadTrustedConfig,
): Promise<CandidateWorkflow> {
  if (name !== undefined) return readCandidateWorkflow(directory, name, trusted);
  const { code, stdout } = await workspace.location.git.run(["rev-parse", "--show-toplevel"], {
    allowedCodes: [128],
  });
  const own = join(stdout.replace(/\n$/, ""), WORKFLOW_FILE);
  if (code === 0 && existsSync(own)) return readCandidateWorkflow(directory, own, trusted);
  const { workflow, problems, blob } = trusted;
  const isBroken = blob !== undefined && problems.length > 0 && Object.keys(workflow.states).length === 0;
  return { file: WORKFLOW_FILE, workflow: isBroken ? undefined : workflow, problems };
}

/** A workflow in a folder `states` is checked against the scripts there. */
function scriptsFor(
  file: string,
  { scripts }: ReadTrustedConfig,
): ReadonlyMap<string, readonly ScriptFile[]> {
  const folder = dirname(file);
  if (basename(folder) !== "states") return scripts;
  const elsewhere = [...scripts].filter(([, files]) => !files.some(({ path }) => path.startsWith("states/")));
  const byState = new Map<string, readonly ScriptFile[]>(elsewhere);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const name = basename(entry.name, extname(entry.name));
    if (!entry.isFile() || !parseStateName(name) || /\.(?:ya?ml|json|txt)$/.test(entry.name)) continue;
    const script: ScriptFile = {
      path: `states/${entry.name}`,
      executable: isExecutable(join(folder, entry.name)),
      isPrompt: extname(entry.name) === ".md",
    };
    const others = (byState.get(name) ?? []).filter(({ path }) => path.startsWith("states/"));
    byState.set(name, [...others, script]);
  }
  return byState;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
