/**
 * Lists the files of a trusted commit that hold states, and finds the script or prompt of a state.
 *
 * Invariants:
 * - Files are read from the commit's tree, never from a worktree. Symbolic links are ignored.
 */
import { dirname } from "node:path";
import type { ScriptFile } from "../core/workflow/check-workflow.ts";
import { parseStateName, type Sha } from "../core/protocol/ids.ts";
import { isReservedState } from "../core/workflow/workflow.ts";
import type { Git } from "./git.ts";
import { FILE, PROGRAM, readTree, TREE, type TreeEntry } from "./read-tree.ts";

/** The folders that hold states: ours, and those of AYNIG. */
const FOLDERS = new Set(["states", ".dwp", ".aynig"]);

export interface StateFile extends ScriptFile {
  readonly blob: Sha;
  /** The agent that a prompt names. */
  readonly agent?: string | undefined;
}

const PACKS = "states/packs/";

export async function listStateFiles(git: Git, commit: Sha): Promise<StateFile[]> {
  const top = await readTree(git, `${commit}^{tree}`);
  const folders = top.filter(({ name }) => FOLDERS.has(name));
  return (await Promise.all(folders.map((entry) => filesOf(git, entry, "")))).flat();
}

/** The files of a tree entry, in the order of git. */
async function filesOf(git: Git, { mode, name, id }: TreeEntry, folder: string): Promise<StateFile[]> {
  const path = `${folder}${name}`;
  if (mode === FILE || mode === PROGRAM) return [{ path, blob: id, executable: mode === PROGRAM }];
  if (mode !== TREE || `${path}/` === PACKS) return [];
  const entries = await readTree(git, id);
  return (await Promise.all(entries.map((entry) => filesOf(git, entry, `${path}/`)))).flat();
}

/** The files that could answer each state. */
export function statesOf(files: readonly StateFile[]): Map<string, ScriptFile[]> {
  const states = new Map<string, ScriptFile[]>();
  for (const file of files) {
    const name = stateOf(file);
    if (name === undefined) continue;
    if (!file.path.startsWith("states/") && states.has(name)) continue;
    states.set(name, [...(states.get(name) ?? []), file]);
  }
  return states;
}

const STATE_PATH = /^(?:states|\.dwp\/command|\.aynig\/command|\.aynig)\/([^/]+)$/;
const NOT_SCRIPTS = /\.(?:ya?ml|md|json|txt)$/;

function stateOf({ path, isPrompt }: StateFile): string | undefined {
  const base = STATE_PATH.exec(path)?.[1];
  if (base === undefined || (NOT_SCRIPTS.test(base) && !isPrompt)) return undefined;
  const name = base.replace(/\.[^.]+$/, "") || base;
  return parseStateName(name) && !isReservedState(name) ? name : undefined;
}

export function findScript(
  files: readonly StateFile[],
  state: string,
  role: string | undefined,
): StateFile | undefined {
  const roleName = role === undefined ? undefined : parseStateName(role);
  const roles = roleName
    ? [`states/roles/${roleName}/`, `.dwp/roles/${roleName}/command/`, `.aynig/roles/${roleName}/command/`]
    : [];
  // The prompt of a role goes before a script for all roles.
  for (const folder of roles) {
    const found = findExecutable(files, folder, state) ?? findPrompt(files, folder, state);
    if (found) return found;
  }
  for (const folder of ["states/", ".dwp/command/", ".aynig/command/", ".aynig/"]) {
    const found = findExecutable(files, folder, state);
    if (found) return found;
  }
  return findPrompt(files, "states/", state);
}

export function findExecutable(
  files: readonly StateFile[],
  folder: string,
  name: string,
): StateFile | undefined {
  const executables = files.filter(
    ({ executable, path }) => executable && `${dirname(path)}/` === folder && !NOT_SCRIPTS.test(path),
  );
  return (
    executables.find(({ path }) => path === `${folder}${name}`) ??
    executables.find(({ path }) => path.slice(folder.length).replace(/\.[^.]+$/, "") === name)
  );
}

export const findPrompt = (
  files: readonly StateFile[],
  folder: string,
  state: string,
): StateFile | undefined => files.find(({ isPrompt, path }) => isPrompt && path === `${folder}${state}.md`);
