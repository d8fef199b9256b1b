/** Finds the prompts among the state files of a workflow, and reads their front matter. */
import type { FrontMatter } from "../core/outcome/front-matter.ts";
import { parseStateName } from "../core/protocol/ids.ts";
import { isReservedState, type Workflow, type WorkflowProblem } from "../core/workflow/workflow.ts";
import type { Git } from "./git.ts";
import { readBlobs } from "./read-blobs.ts";
import { findExecutable, type StateFile } from "./state-files.ts";

const PROMPT = /^(states\/(?:roles\/[^/]+\/)?)([^/]+)\.md$/;

/** Marks the prompts among the files, with the agents that they name. */
export async function readPrompts(
  git: Git,
  listed: readonly StateFile[],
  workflow: Workflow,
): Promise<{ files: StateFile[]; problems: WorkflowProblem[] }> {
  const isPrompt = (file: StateFile): boolean => {
    const [, , name = ""] = PROMPT.exec(file.path) ?? [];
    const state = parseStateName(name) && !isReservedState(name) ? workflow.states[name] : undefined;
    return state !== undefined && !state.human;
  };
  // A prompt beside an executable may be a file that only the executable understands.
  const isForScript = (file: StateFile): boolean => {
    const [, folder = "", name = ""] = PROMPT.exec(file.path) ?? [];
    return findExecutable(listed, folder, name) !== undefined && !workflow.states[name]?.shadow;
  };
  const prompts = listed.filter(isPrompt);
  const forAgents = prompts.filter((file) => !isForScript(file));
  const fronts = await readFronts(git, forAgents, workflow);
  const problems = [...fronts].flatMap(([{ path }, front]) =>
    front.problems.map((message) => ({ path, message })),
  );
  const files = listed.map((file): StateFile => {
    const front = fronts.get(file);
    if (front) return { ...file, isPrompt: true, agent: front.agent };
    return prompts.includes(file) ? { ...file, isPrompt: true } : file;
  });
  return { files, problems: problems.toSorted((a, b) => (a.path < b.path ? -1 : 1)) };
}

/** The front matter of each prompt. Without prompts, the YAML parser is not loaded. */
async function readFronts(
  git: Git,
  prompts: readonly StateFile[],
  workflow: Workflow,
): Promise<ReadonlyMap<StateFile, FrontMatter>> {
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
