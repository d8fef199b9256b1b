/**
 * Checks a workflow against the scripts that exist, before anything runs.
 *
 * Invariants of a workflow that passes:
 * - Every state has a script, a prompt, a person or a wait, and can be reached.
 * - Every transition leads to a declared or reserved state.
 * - Every loop has a limit.
 */
import { didYouMean } from "../util/suggest.ts";
import { checkRules } from "./check-rules.ts";
import { isReservedState, isTerminal, type WorkflowProblem, type State, type Workflow } from "./workflow.ts";

/** A file of the trusted commit for one state. */
export interface ScriptFile {
  readonly path: string;
  readonly executable: boolean;
  /** True for a prompt. */
  readonly isPrompt?: boolean;
}

/** Returns every problem. An empty list means that the workflow may run. */
export function checkWorkflow(
  workflow: Workflow,
  scripts: ReadonlyMap<string, readonly ScriptFile[]>,
): WorkflowProblem[] {
  if (workflow.open) return [];
  return [
    ...checkNames(workflow),
    ...checkTransitions(workflow),
    ...checkScripts(workflow, scripts),
    ...checkReached(workflow),
    ...checkLoops(workflow),
    ...checkLanes(workflow),
    ...checkRules(workflow),
  ];
}

/** Every state that may follow, also after a failure, a limit or a failed wait. */
export function successorsOf(workflow: Workflow, state: string): string[] {
  const entry = workflow.states[state];
  if (!entry) return [];
  const { "on-failure": failure, "on-max": most, otherwise, risk = {} } = entry;
  return [...entry.next, ...[failure, most, otherwise].flatMap((to) => to ?? []), ...Object.values(risk)];
}

const problem = (path: string, message: string): WorkflowProblem => ({ path, message });

function checkNames(workflow: Workflow): WorkflowProblem[] {
  const names = Object.keys(workflow.states);
  if (names.length === 0) return [problem("states", "declares no states")];
  return names
    .filter(isReservedState)
    .map((name) => problem(`states.${name}`, `"${name}" is reserved and cannot be declared`));
}

function checkTransitions(workflow: Workflow): WorkflowProblem[] {
  const known = Object.keys(workflow.states);
  const bad = (path: string, name: string): WorkflowProblem[] => {
    if (known.includes(name) || isReservedState(name)) return [];
    return [problem(path, `leads to "${name}", which is not declared${didYouMean(name, known)}`)];
  };
  return [
    ...Object.entries(workflow.states).flatMap(([name, state]) => {
      const path = `states.${name}`;
      const { next, risk = {}, answers } = state;
      const single = ["on-failure", "on-max", "otherwise"] as const;
      return [
        ...next.flatMap((to) => bad(`${path}.next`, to)),
        ...single.flatMap((key) => (state[key] === undefined ? [] : bad(`${path}.${key}`, state[key]))),
        ...Object.entries(risk).flatMap(([tier, to]) => bad(`${path}.risk.${tier}`, to)),
        ...answers.flatMap((other) => bad(`${path}.answers`, other)),
      ];
    }),
    ...(workflow.start ?? []).flatMap((name) => bad("start", name)),
    ...Object.keys(workflow.evidence).flatMap((name) => bad(`evidence.${name}`, name)),
  ];
}

function checkScripts(
  workflow: Workflow,
  scripts: ReadonlyMap<string, readonly ScriptFile[]>,
): WorkflowProblem[] {
  return Object.entries(workflow.states).flatMap(([name, state]) => {
    const files = scripts.get(name) ?? [];
    const path = `states.${name}`;
    if (state.human) return [];
    const runnable = files.filter((file) => file.executable && !file.isPrompt);
    if (runnable.length > 1) {
      return [problem(path, `has two scripts: ${runnable.map((file) => file.path).join(", ")}`)];
    }
    if (runnable.length === 1 || files.some((file) => file.isPrompt)) return [];
    const plain = files[0];
    // A wait with a single `next` is answered without a script.
    if (plain === undefined && state.wait.length > 0 && state.next.length === 1) return [];
    return plain === undefined
      ? [problem(path, `has no script; add states/${name}, or set "human: true"`)]
      : [problem(path, `${plain.path} is not executable; run git update-index --chmod=+x ${plain.path}`)];
  });
}

function starts(workflow: Workflow): string[] {
  return workflow.start ?? Object.keys(workflow.states).slice(0, 1);
}

function checkReached(workflow: Workflow): WorkflowProblem[] {
  const reached = new Set(starts(workflow));
  for (const state of reached) for (const to of successorsOf(workflow, state)) reached.add(to);
  return Object.keys(workflow.states)
    .filter((state) => !reached.has(state))
    .map((state) =>
      problem(`states.${state}`, "cannot be reached from any other state; add it to a `next` or to `start`"),
    );
}

/** A loop is limited by a person or a `max` in it, or by an explicit limit on all work. */
function checkLoops(workflow: Workflow): WorkflowProblem[] {
  const { hops, cost, tokens, turns, time } = workflow.limits;
  if ([hops, cost, tokens, turns, time].some((limit) => limit !== undefined)) return [];
  const loop = findLoop(workflow);
  if (!loop) return [];
  const what = `the loop ${loop.join(" -> ")} has no limit; set limits.hops, or a \`max\` on a state of it`;
  return [problem("limits.hops", what)];
}

const isBounded = (state: State | undefined): boolean => !!state && (state.human || state.max !== undefined);

function findLoop(workflow: Workflow): string[] | undefined {
  const finished = new Set<string>();
  const visit = (state: string, path: readonly string[]): string[] | undefined => {
    const seen = path.indexOf(state);
    if (seen >= 0) return [...path.slice(seen), state];
    if (finished.has(state) || isTerminal(state) || isBounded(workflow.states[state])) return undefined;
    for (const to of successorsOf(workflow, state)) {
      const loop = visit(to, [...path, state]);
      if (loop) return loop;
    }
    finished.add(state);
    return undefined;
  };
  for (const state of Object.keys(workflow.states)) {
    const loop = visit(state, []);
    if (loop) return loop;
  }
  return undefined;
}

function checkLanes(workflow: Workflow): WorkflowProblem[] {
  const listed = Object.keys(workflow.lanes);
  if (listed.length === 0) return [];
  return Object.entries(workflow.states).flatMap(([name, { lane }]) =>
    lane
      .filter((one) => one !== "default" && !listed.includes(one))
      .map((one) => {
        return problem(
          `states.${name}.lane`,
          `names the lane "${one}", which is not listed${didYouMean(one, listed)}`,
        );
      }),
  );
}
