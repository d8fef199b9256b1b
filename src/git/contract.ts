/**
 * The workflow and the scripts of a trusted commit.
 *
 * What must hold: they are read from the commit's tree, never from a work tree; links are not
 * followed; file contents come through no filter; the copy that scripts run from is read-only,
 * outside every worktree, and named by what it holds, so that it is never changed in place.
 */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { checkWorkflow, type ScriptFile } from "../core/check-workflow.ts";
import { parseStateName, type Sha } from "../core/ids.ts";
import {
  isReservedState,
  WORKFLOW_FILE,
  withoutPrototypes,
  type Problem,
  type Workflow,
} from "../core/workflow.ts";
import type { Contract, Script } from "../runner/ports.ts";
import type { Git } from "./exec.ts";
import { requireSha } from "./parse.ts";
import { readJson } from "./bay.ts";

const PLACES = ["states", ".dwp", ".aynig"];

interface TreeFile extends ScriptFile {
  readonly blob: Sha;
}

/** A contract with what is wrong with it; it may be run when there are no problems. */
export interface ReadContract extends Omit<Contract, "target"> {
  readonly commit: Sha;
  readonly problems: readonly Problem[];
  /** False when the trusted commit has neither states nor AYNIG commands. */
  readonly any: boolean;
  readonly scripts: ReadonlyMap<string, readonly ScriptFile[]>;
}

/**
 * Reads the contract of a commit. `copies` is the directory for executable copies; `memory`, the
 * beginning of file names for what was read before: a commit never changes. Only commands that run nothing may give it.
 */
export async function readContract(
  git: Git,
  commit: Sha,
  copies: string,
  memory?: string,
): Promise<ReadContract> {
  const fresh = () => readParts(git, commit);
  const parts = memory === undefined ? await fresh() : await remembered(`${memory}${commit}.json`, fresh);
  const { files, problems, blob } = parts;
  let copied: Promise<string> | undefined;
  return {
    commit,
    problems,
    workflow: withoutPrototypes(parts.workflow),
    scripts: statesOf(files),
    any: files.length > 0,
    blob,
    async script(state, role) {
      const found = findScript(files, state, role);
      if (!found) return undefined;
      copied ??= copyFiles(git, files, copies);
      const aynig = !found.path.startsWith("states/");
      return { ...found, aynig, file: join(await copied, found.path) } satisfies Script;
    },
  };
}

/** What a contract is made from: plain data, so that it can be remembered as JSON. */
interface Parts {
  readonly files: readonly TreeFile[];
  readonly workflow: Workflow;
  readonly problems: readonly Problem[];
  readonly blob?: Sha | undefined;
}

async function readParts(git: Git, commit: Sha): Promise<Parts> {
  const [files, text, { openWorkflow, readWorkflow }] = await Promise.all([
    listFiles(git, commit),
    readText(git, commit),
    import("../core/workflow-file.ts"),
  ]);
  const scripts = statesOf(files);
  const file = text === undefined ? undefined : files.find(({ path }) => path === WORKFLOW_FILE);
  if (!file) {
    const names = [...scripts.keys()].flatMap((name) => parseStateName(name) ?? []);
    return { files, workflow: openWorkflow(names), problems: [] };
  }
  const { workflow, problems } = readWorkflow(text ?? "");
  if (!workflow) return { files, workflow: openWorkflow([]), problems, blob: file.blob };
  return { files, workflow, problems: checkWorkflow(workflow, scripts), blob: file.blob };
}

/** A cache that cannot be read or written costs time, never an answer. */
async function remembered(file: string, read: () => Promise<Parts>): Promise<Parts> {
  const known = readJson(file) as Parts | undefined;
  if (known) return known;
  const parts = await read();
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, JSON.stringify(parts));
    renameSync(`${file}.new`, file);
  } catch {
    return parts;
  }
  return parts;
}

/** The workflow file, asked for by name beside the listing, so that the two take the time of one. */
async function readText(git: Git, commit: Sha): Promise<string | undefined> {
  const { code, stdout } = await git.run(["cat-file", "blob", `${commit}:${WORKFLOW_FILE}`], {
    codes: [128],
  });
  return code === 0 ? stdout : undefined;
}

async function listFiles(git: Git, commit: Sha): Promise<TreeFile[]> {
  const output = await git.text(["ls-tree", "--full-tree", "-r", "-z", commit, "--", ...PLACES]);
  return output.split("\0").flatMap((line) => {
    const match = /^(100644|100755) blob ([0-9a-f]+)\t([^]+)$/.exec(line);
    if (!match) return [];
    const [, mode, blob = "", path = ""] = match;
    if (path.startsWith("states/packs/")) return [];
    return [{ path, blob: requireSha(blob), executable: mode === "100755" }];
  });
}

/** State names to the files that could run them; the workflow file and prompts are none. */
function statesOf(files: readonly TreeFile[]): Map<string, ScriptFile[]> {
  const states = new Map<string, ScriptFile[]>();
  for (const file of files) {
    const name = stateOf(file);
    if (name === undefined) continue;
    if (!file.path.startsWith("states/") && states.has(name)) continue;
    states.set(name, [...(states.get(name) ?? []), file]);
  }
  return states;
}

const COMMANDS = /^(?:states|\.dwp\/command|\.aynig\/command|\.aynig)\/([^/]+)$/;
const NOT_SCRIPTS = /\.(?:ya?ml|md|json|txt)$/;

function stateOf({ path }: TreeFile): string | undefined {
  const base = COMMANDS.exec(path)?.[1];
  if (base === undefined || NOT_SCRIPTS.test(base)) return undefined;
  const name = base.replace(/\.[^.]+$/, "") || base;
  return parseStateName(name) && !isReservedState(name) ? name : undefined;
}

function findScript(
  files: readonly TreeFile[],
  state: string,
  role: string | undefined,
): TreeFile | undefined {
  const roleName = role === undefined ? undefined : parseStateName(role);
  const roles = roleName
    ? [`states/roles/${roleName}/`, `.dwp/roles/${roleName}/command/`, `.aynig/roles/${roleName}/command/`]
    : [];
  for (const folder of [...roles, "states/", ".dwp/command/", ".aynig/command/", ".aynig/"]) {
    const here = files.filter((file) => file.executable && dirname(file.path) + "/" === folder);
    const found =
      here.find((file) => file.path === `${folder}${state}`) ??
      here.find((file) => file.path.slice(folder.length).replace(/\.[^.]+$/, "") === state);
    if (found) return found;
  }
  return undefined;
}

/** Writes the files to a folder that is named by what it holds, whole or not at all. */
async function copyFiles(git: Git, files: readonly TreeFile[], copies: string): Promise<string> {
  const list = files.map(({ path, blob, executable }) => `${blob} ${executable} ${path}`).join("\n");
  const folder = join(copies, createHash("sha256").update(list).digest("hex").slice(0, 40));
  if (existsSync(folder)) return folder;
  mkdirSync(copies, { recursive: true });
  const temporary = mkdtempSync(`${folder}.`);
  for (const file of files) {
    const path = join(temporary, file.path);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, await git.bytes(["cat-file", "blob", file.blob]));
    chmodSync(path, file.executable ? 0o555 : 0o444);
  }
  try {
    renameSync(temporary, folder);
  } catch (error) {
    // Another runner was faster with the very same files.
    if (!existsSync(folder)) throw error;
    rmSync(temporary, { recursive: true, force: true });
  }
  return folder;
}
