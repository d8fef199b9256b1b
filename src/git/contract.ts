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
import { checkWorkflow, type ScriptFile } from "../core/workflow/check-workflow.ts";
import type { FrontMatter } from "../core/outcome/front-matter.ts";
import { parseStateName, type Sha } from "../core/protocol/ids.ts";
import {
  isReservedState,
  WORKFLOW_FILE,
  withoutPrototypes,
  type WorkflowProblem,
  type Workflow,
} from "../core/workflow/workflow.ts";
import type { TrustedConfig, Script } from "../engine/ports.ts";
import type { Git } from "./git.ts";
import { requireSha } from "./parse-output.ts";
import { readBlobs } from "./read-blobs.ts";
import { readJson } from "./bay.ts";

const PLACES = ["states", ".dwp", ".aynig"];

interface TreeFile extends ScriptFile {
  readonly blob: Sha;
  /** The agent that a prompt names. */
  readonly agent?: string | undefined;
}

/** A contract with what is wrong with it; it may be run when there are no problems. */
export interface ReadTrustedConfig extends Omit<TrustedConfig, "target"> {
  readonly commit: Sha;
  readonly problems: readonly WorkflowProblem[];
  /** False when the trusted commit has neither states nor AYNIG commands. */
  readonly any: boolean;
  readonly scripts: ReadonlyMap<string, readonly ScriptFile[]>;
}

/**
 * Reads the contract of a commit. `copies` is the directory for executable copies; `memory`, the
 * beginning of file names for what was read before: a commit never changes. Only commands that run nothing may give it.
 */
export async function readTrustedConfig(
  git: Git,
  commit: Sha,
  copies: string,
  memory?: string,
): Promise<ReadTrustedConfig> {
  const fresh = () => readParts(git, commit);
  const parts = memory === undefined ? await fresh() : await remembered(`${memory}${commit}.json`, fresh);
  const { files, problems, blob } = parts;
  let copied: Promise<string> | undefined;
  const copyOf = async (path: string): Promise<string> => {
    copied ??= copyFiles(git, files, copies);
    return join(await copied, path);
  };
  const toScript = async (found: TreeFile | undefined): Promise<Script | undefined> => {
    if (!found) return undefined;
    const aynig = !found.path.startsWith("states/");
    return { ...found, isAynig: aynig, isPrompt: found.isPrompt ?? false, file: await copyOf(found.path) };
  };
  return {
    commit,
    problems,
    workflow: withoutPrototypes(parts.workflow),
    scripts: statesOf(files),
    any: files.length > 0,
    blob,
    script: (state, role) => toScript(findScript(files, state, role)),
    prompt: (state) => toScript(findPrompt(files, "states/", state)),
    setup: () => toScript(findExecutable(files, "states/hooks/", "setup")),
    async file(name) {
      const path = `states/${name}`;
      return files.some((file) => file.path === path) ? copyOf(path) : undefined;
    },
  };
}

/** What a contract is made from: plain data, so that it can be remembered as JSON. */
interface Parts {
  readonly files: readonly TreeFile[];
  readonly workflow: Workflow;
  readonly problems: readonly WorkflowProblem[];
  readonly blob?: Sha | undefined;
}

async function readParts(git: Git, commit: Sha): Promise<Parts> {
  const [listed, text, { openWorkflow, parseWorkflow }] = await Promise.all([
    listFiles(git, commit),
    readText(git, commit),
    import("../core/workflow/workflow-file.ts"),
  ]);
  const file = text === undefined ? undefined : listed.find(({ path }) => path === WORKFLOW_FILE);
  if (!file) {
    // Without a workflow nothing tells a prompt from a page of notes: only executables are states.
    const names = [...statesOf(listed).keys()].flatMap((name) => parseStateName(name) ?? []);
    return { files: listed, workflow: openWorkflow(names), problems: [] };
  }
  const { workflow, problems } = parseWorkflow(text ?? "");
  const { blob } = file;
  if (!workflow) return { files: listed, workflow: openWorkflow([]), problems, blob };
  const { files, problems: more } = await readPrompts(git, listed, workflow);
  return { files, workflow, problems: [...checkWorkflow(workflow, statesOf(files)), ...more], blob };
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
    allowedCodes: [128],
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

/** State names to the files that could answer them; the workflow file is none. */
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

function stateOf({ path, isPrompt: prompt }: TreeFile): string | undefined {
  const base = COMMANDS.exec(path)?.[1];
  if (base === undefined || (NOT_SCRIPTS.test(base) && !prompt)) return undefined;
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
  // The prompt of a role is nearer than the script of everybody.
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

function findExecutable(files: readonly TreeFile[], folder: string, name: string): TreeFile | undefined {
  const here = files.filter(
    ({ executable, path }) => executable && `${dirname(path)}/` === folder && !NOT_SCRIPTS.test(path),
  );
  return (
    here.find(({ path }) => path === `${folder}${name}`) ??
    here.find(({ path }) => path.slice(folder.length).replace(/\.[^.]+$/, "") === name)
  );
}

const findPrompt = (files: readonly TreeFile[], folder: string, state: string): TreeFile | undefined =>
  files.find(({ isPrompt: prompt, path }) => prompt && path === `${folder}${state}.md`);

const PROMPT = /^(states\/(?:roles\/[^/]+\/)?)([^/]+)\.md$/;

/** Marks the prompts among the files of a repository that has a workflow, and reads what they name. */
async function readPrompts(
  git: Git,
  listed: readonly TreeFile[],
  workflow: Workflow,
): Promise<{ files: TreeFile[]; problems: WorkflowProblem[] }> {
  const isPrompt = (file: TreeFile): boolean => {
    const [, , name = ""] = PROMPT.exec(file.path) ?? [];
    const state = parseStateName(name) && !isReservedState(name) ? workflow.states[name] : undefined;
    return state !== undefined && !state.human;
  };
  // Beside an executable it may be what that one reads, in a form of its own.
  const isForScript = (file: TreeFile): boolean => {
    const [, folder = "", name = ""] = PROMPT.exec(file.path) ?? [];
    return findExecutable(listed, folder, name) !== undefined && !workflow.states[name]?.shadow;
  };
  const prompts = listed.filter(isPrompt);
  const forAgents = prompts.filter((file) => !isForScript(file));
  const fronts = await readFronts(git, forAgents, workflow);
  const problems = [...fronts].flatMap(([{ path }, front]) =>
    front.problems.map((message) => ({ path, message })),
  );
  const files = listed.map((file): TreeFile => {
    const front = fronts.get(file);
    if (front) return { ...file, isPrompt: true, agent: front.agent };
    return prompts.includes(file) ? { ...file, isPrompt: true } : file;
  });
  return { files, problems: problems.toSorted((a, b) => (a.path < b.path ? -1 : 1)) };
}

/** The front matter of each prompt. Most workflows have no prompt, and need not load what reads YAML. */
async function readFronts(
  git: Git,
  prompts: readonly TreeFile[],
  workflow: Workflow,
): Promise<ReadonlyMap<TreeFile, FrontMatter>> {
  if (prompts.length === 0) return new Map();
  const [texts, { readFrontMatter }] = await Promise.all([
    readBlobs(
      git,
      prompts.map(({ blob }) => blob),
    ),
    import("../core/outcome/front-matter.ts"),
  ]);
  return new Map(
    prompts.map((file, at) => [file, readFrontMatter(texts[at]?.toString("utf8") ?? "", workflow)]),
  );
}

/** Writes the files to a folder that is named by what it holds, whole or not at all. */
async function copyFiles(git: Git, files: readonly TreeFile[], copies: string): Promise<string> {
  const list = files.map(({ path, blob, executable }) => `${blob} ${executable} ${path}`).join("\n");
  const folder = join(copies, createHash("sha256").update(list).digest("hex").slice(0, 40));
  if (existsSync(folder)) return folder;
  mkdirSync(copies, { recursive: true });
  const temporary = mkdtempSync(`${folder}.`);
  const contents = await readBlobs(
    git,
    files.map(({ blob }) => blob),
  );
  for (const [at, file] of files.entries()) {
    const path = join(temporary, file.path);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contents[at] ?? "");
    chmodSync(path, file.executable ? 0o555 : 0o444);
  }
  try {
    renameSync(temporary, folder);
  } catch (error) {
    // Another runner was faster with identical files.
    if (!existsSync(folder)) throw error;
    rmSync(temporary, { recursive: true, force: true });
  }
  return folder;
}
