/**
 * The static checks of a workflow against the scripts that exist.
 *
 * What must hold: a workflow that passes has a script or a person for every state, leads only to
 * states that exist, has no state that nobody reaches, and no endless loop.
 */
import { nearest } from "./nearest.ts";
import { isReservedState, isTerminal, type Problem, type Workflow } from "./workflow.ts";

/** What the trusted tree holds for one state name. */
export interface ScriptFile {
  readonly path: string;
  readonly executable: boolean;
}

/** Returns every problem; none means that the workflow may be run. */
export function checkWorkflow(
  workflow: Workflow,
  scripts: ReadonlyMap<string, readonly ScriptFile[]>,
): Problem[] {
  if (workflow.open) return [];
  return [
    ...checkNames(workflow),
    ...checkTransitions(workflow),
    ...checkScripts(workflow, scripts),
    ...checkReached(workflow),
    ...checkLoops(workflow),
    ...checkLanes(workflow),
  ];
}

/** Where a state may lead, its failure included. */
export function exits(workflow: Workflow, state: string): string[] {
  const entry = workflow.states[state];
  if (!entry) return [];
  const failure = entry["on-failure"];
  return failure === undefined ? [...entry.next] : [...entry.next, failure];
}

const problem = (path: string, message: string): Problem => ({ path, message });

function checkNames(workflow: Workflow): Problem[] {
  const names = Object.keys(workflow.states);
  if (names.length === 0) return [problem("states", "no state is declared")];
  return names
    .filter(isReservedState)
    .map((name) => problem(`states.${name}`, `"${name}" is reserved and cannot be declared`));
}

function checkTransitions(workflow: Workflow): Problem[] {
  const known = Object.keys(workflow.states);
  const bad = (path: string, name: string): Problem[] => {
    if (known.includes(name) || isReservedState(name)) return [];
    const near = nearest(name, known);
    const hint = near === undefined ? "" : `; did you mean "${near}"?`;
    return [problem(path, `leads to "${name}", which is not declared${hint}`)];
  };
  return [
    ...Object.entries(workflow.states).flatMap(([name, { next, "on-failure": failure }]) => [
      ...next.flatMap((to) => bad(`states.${name}.next`, to)),
      ...(failure === undefined ? [] : bad(`states.${name}.on-failure`, failure)),
    ]),
    ...(workflow.start ?? []).flatMap((name) => bad("start", name)),
  ];
}

function checkScripts(workflow: Workflow, scripts: ReadonlyMap<string, readonly ScriptFile[]>): Problem[] {
  return Object.entries(workflow.states).flatMap(([name, state]) => {
    const files = scripts.get(name) ?? [];
    const path = `states.${name}`;
    if (state.human) return [];
    const runnable = files.filter((file) => file.executable);
    if (runnable.length > 1) {
      return [problem(path, `has two scripts: ${runnable.map((file) => file.path).join(", ")}`)];
    }
    if (runnable.length === 1) return [];
    const plain = files[0];
    return plain === undefined
      ? [problem(path, `has no script; add states/${name} or say "human: true"`)]
      : [problem(path, `${plain.path} is not executable; run git update-index --chmod=+x ${plain.path}`)];
  });
}

function starts(workflow: Workflow): string[] {
  return workflow.start ?? Object.keys(workflow.states).slice(0, 1);
}

function checkReached(workflow: Workflow): Problem[] {
  const reached = new Set(starts(workflow));
  for (const state of reached) for (const to of exits(workflow, state)) reached.add(to);
  return Object.keys(workflow.states)
    .filter((state) => !reached.has(state))
    .map((state) =>
      problem(`states.${state}`, "is reached from no other state; add it to a `next` or to `start`"),
    );
}

/** A loop is bounded by a person in it, or by an explicit limit on hops. */
function checkLoops(workflow: Workflow): Problem[] {
  if (workflow.limits.hops !== undefined) return [];
  const loop = findLoop(workflow);
  if (!loop) return [];
  return [problem("limits.hops", `the loop ${loop.join(" -> ")} has no limit; set limits.hops`)];
}

function findLoop(workflow: Workflow): string[] | undefined {
  const finished = new Set<string>();
  const visit = (state: string, path: readonly string[]): string[] | undefined => {
    const seen = path.indexOf(state);
    if (seen >= 0) return [...path.slice(seen), state];
    if (finished.has(state) || isTerminal(state) || workflow.states[state]?.human) return undefined;
    for (const to of exits(workflow, state)) {
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

function checkLanes(workflow: Workflow): Problem[] {
  const listed = Object.keys(workflow.lanes);
  if (listed.length === 0) return [];
  return Object.entries(workflow.states)
    .filter(([, state]) => state.lane !== "default" && !listed.includes(state.lane))
    .map(([name, state]) => {
      const near = nearest(state.lane, listed);
      const hint = near === undefined ? "" : `; did you mean "${near}"?`;
      return problem(`states.${name}.lane`, `names the lane "${state.lane}", which is not listed${hint}`);
    });
}
