/**
 * Reads the workflow and the scripts of a trusted commit.
 *
 * Invariants:
 * - They come from the commit's tree, never from a worktree, and no filter of git changes them.
 * - Scripts run from a copy of their own run, outside every worktree.
 */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { checkWorkflow, type ScriptFile } from "../core/workflow/check-workflow.ts";
import { parseStateName, type Sha } from "../core/protocol/ids.ts";
import {
  WORKFLOW_FILE,
  withoutPrototypes,
  type WorkflowProblem,
  type Workflow,
} from "../core/workflow/workflow.ts";
import type { TrustedConfig, Script } from "../engine/ports.ts";
import { loadFiles, sharedCopy, writeFiles, type LoadedFile } from "./copy-files.ts";
import type { Git } from "./git.ts";
import { readBlobs } from "./read-blobs.ts";
import { readJson } from "./read-json.ts";
import { readPrompts } from "./read-prompts.ts";
import {
  findExecutable,
  findPrompt,
  findScript,
  listStateFiles,
  statesOf,
  type StateFile,
} from "./state-files.ts";

/** A trusted config and its problems. Nothing runs while there are problems. */
export interface ReadTrustedConfig extends Omit<TrustedConfig, "target"> {
  readonly commit: Sha;
  readonly problems: readonly WorkflowProblem[];
  /** False when the trusted commit has neither states nor AYNIG commands. */
  readonly hasStates: boolean;
  readonly scripts: ReadonlyMap<string, readonly ScriptFile[]>;
}

/**
 * Reads the config of a commit. `copies` is the directory for copies of scripts. `cachePrefix` is the start
 * of the file names under which the result is cached. Only commands that run no scripts may pass it,
 * because other programs can write the cache.
 */
export async function readTrustedConfig(
  git: Git,
  commit: Sha,
  copies: string,
  cachePrefix?: string,
): Promise<ReadTrustedConfig> {
  const read = () => readParts(git, commit);
  const parts =
    cachePrefix === undefined ? await read() : await readCached(`${cachePrefix}${commit}.json`, read);
  const { files, problems, blob } = parts;
  let loading: Promise<LoadedFile[]> | undefined;
  const load = () => (loading ??= loadFiles(git, files));
  const toScript = async (found: StateFile | undefined): Promise<Script | undefined> => {
    if (!found) return undefined;
    const isAynig = !found.path.startsWith("states/");
    const loaded = await load();
    const copyTo = (folder: string) => writeFiles(loaded, folder);
    return { ...found, isAynig, isPrompt: found.isPrompt ?? false, copyTo };
  };
  return {
    commit,
    problems,
    workflow: withoutPrototypes(parts.workflow),
    scripts: statesOf(files),
    hasStates: files.length > 0,
    blob,
    script: (state, role) => toScript(findScript(files, state, role)),
    prompt: (state) => toScript(findPrompt(files, "states/", state)),
    setup: () => toScript(findExecutable(files, "states/hooks/", "setup")),
    async file(name) {
      const file = (await load()).find(({ path }) => path === `states/${name}`);
      return file && sharedCopy(file, copies);
    },
  };
}

/** The content of a trusted config as plain data, which can be cached as JSON. */
interface ConfigParts {
  readonly files: readonly StateFile[];
  readonly workflow: Workflow;
  readonly problems: readonly WorkflowProblem[];
  readonly blob?: Sha | undefined;
}

async function readParts(git: Git, commit: Sha): Promise<ConfigParts> {
  const [listed, { openWorkflow, parseWorkflow }] = await Promise.all([
    listStateFiles(git, commit),
    import("../core/workflow/workflow-file.ts"),
  ]);
  const file = listed.find(({ path }) => path === WORKFLOW_FILE);
  if (!file) {
    // Without a workflow, a prompt looks like any page of notes. So only executables are states.
    const names = [...statesOf(listed).keys()].flatMap((name) => parseStateName(name) ?? []);
    return { files: listed, workflow: openWorkflow(names), problems: [] };
  }
  const [text] = await readBlobs(git, [file.blob]);
  const { workflow, problems } = parseWorkflow(text?.toString("utf8") ?? "");
  const { blob } = file;
  if (!workflow) return { files: listed, workflow: openWorkflow([]), problems, blob };
  const { files, problems: more } = await readPrompts(git, listed, workflow);
  return { files, workflow, problems: [...checkWorkflow(workflow, statesOf(files)), ...more], blob };
}

/** If the cache cannot be read or written, the config is read from git. */
async function readCached(file: string, read: () => Promise<ConfigParts>): Promise<ConfigParts> {
  const cached = readJson(file) as ConfigParts | undefined;
  if (cached) return cached;
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
