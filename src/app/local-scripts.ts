/**
 * Workflows and scripts of the work tree, for commands that try them out.
 *
 * What must hold: nothing of it is trusted by a runner; what is read here is only compared.
 */
import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { checkWorkflow, type ScriptFile } from "../core/workflow/check-workflow.ts";
import { parseStateName } from "../core/protocol/ids.ts";
import { parseWorkflow } from "../core/workflow/workflow-file.ts";
import { WORKFLOW_FILE, type WorkflowProblem, type Workflow } from "../core/workflow/workflow.ts";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import type { ReadTrustedConfig } from "../git/contract.ts";
import type { Workspace } from "./workspace.ts";
import type { Input } from "../cli/input.ts";

/** A workflow that was read, with what is wrong with it. */
export interface CandidateWorkflow {
  /** Where it was read. */
  readonly file: string;
  /** Undefined when it cannot be read at all. */
  readonly workflow: Workflow | undefined;
  readonly problems: readonly WorkflowProblem[];
}

/** A file that a person named. Throws a Fault when it cannot be read. */
export function readNamedFile(directory: string, name: string): { file: string; text: string } {
  const file = resolve(directory, name);
  try {
    return { file, text: readFileSync(file, "utf8") };
  } catch (error) {
    const why = error instanceof Error ? (error.message.split(",")[0] ?? "") : String(error);
    throw new UserError(MESSAGES.cannotRead(name, why), { cause: error });
  }
}

/** The workflow of `--workflow`, held to the scripts beside it, or to the trusted ones. */
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

/** `--workflow`, else that of the work tree that we stand in, else the trusted one. */
export async function readCandidateOrLocal(
  workspace: Workspace,
  input: Input,
  trusted: ReadTrustedConfig,
): Promise<CandidateWorkflow> {
  const named = input.value("workflow");
  if (named !== undefined) return readCandidateWorkflow(input.directory, named, trusted);
  const { code, stdout } = await workspace.location.git.run(["rev-parse", "--show-toplevel"], {
    allowedCodes: [128],
  });
  const own = join(stdout.replace(/\n$/, ""), WORKFLOW_FILE);
  if (code === 0 && existsSync(own)) return readCandidateWorkflow(input.directory, own, trusted);
  const { workflow, problems, blob } = trusted;
  const isBroken = blob !== undefined && problems.length > 0 && Object.keys(workflow.states).length === 0;
  return { file: WORKFLOW_FILE, workflow: isBroken ? undefined : workflow, problems };
}

/** A workflow in a folder `states` belongs to the scripts there. */
function scriptsFor(
  file: string,
  { scripts }: ReadTrustedConfig,
): ReadonlyMap<string, readonly ScriptFile[]> {
  const folder = dirname(file);
  if (basename(folder) !== "states") return scripts;
  const elsewhere = [...scripts].filter(([, files]) => !files.some(({ path }) => path.startsWith("states/")));
  const found = new Map<string, readonly ScriptFile[]>(elsewhere);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const prompt = extname(entry.name) === ".md";
    const name = basename(entry.name, extname(entry.name));
    if (!entry.isFile() || !parseStateName(name) || /\.(?:ya?ml|json|txt)$/.test(entry.name)) continue;
    const one = { path: `states/${entry.name}`, executable: isExecutable(join(folder, entry.name)), prompt };
    found.set(name, [...(found.get(name) ?? []).filter(({ path }) => path.startsWith("states/")), one]);
  }
  return found;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
