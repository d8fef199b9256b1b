/**
 * Checks the waits, limits, people, agents and evidence of a workflow.
 *
 * Invariants of a workflow that passes:
 * - Every wait ends, and every limit can be reached.
 * - Every named role, agent and piece of evidence exists.
 */
import { didYouMean } from "../util/suggest.ts";
import type { WorkflowProblem, State, Workflow } from "./workflow.ts";

/** Returns every problem. */
export function checkRules(workflow: Workflow): WorkflowProblem[] {
  return [
    ...Object.entries(workflow.states).flatMap(([name, state]) => [
      ...checkWait(name, state),
      ...checkStall(name, state),
      ...checkNames(name, state, workflow),
    ]),
    ...checkEvidence(workflow),
  ];
}

const problem = (path: string, message: string): WorkflowProblem => ({ path, message });

function checkStall(name: string, { stall, timeout }: State): WorkflowProblem[] {
  if (stall === undefined || stall < timeout) return [];
  return [problem(`states.${name}.stall`, "is not shorter than `timeout`, so it has no effect")];
}

function checkWait(name: string, state: State): WorkflowProblem[] {
  const path = `states.${name}`;
  const { wait, deadline, otherwise, human, max, "on-max": most } = state;
  const found: WorkflowProblem[] = [];
  if (most !== undefined && max === undefined) {
    found.push(problem(`${path}.on-max`, "has no effect without `max`; add `max` or remove it"));
  }
  if (wait.length === 0) {
    const key = deadline === undefined ? "otherwise" : "deadline";
    const given = deadline !== undefined || otherwise !== undefined;
    return given
      ? [...found, problem(`${path}.${key}`, "has no effect without `wait`; add `wait` or remove it")]
      : found;
  }
  if (human) found.push(problem(`${path}.wait`, "cannot be combined with `human: true`; remove one of them"));
  if (deadline === undefined || otherwise === undefined) {
    const missing = deadline === undefined ? "deadline" : "otherwise";
    found.push(problem(`${path}.wait`, `may wait forever; add \`${missing}\``));
  }
  return found;
}

function checkNames(name: string, state: State, workflow: Workflow): WorkflowProblem[] {
  const path = `states.${name}`;
  const roles = Object.keys(workflow.people);
  const approvers = state.wait.flatMap((one) => (one.kind === "approvals" ? one.by : []));
  const unknown = (where: string, one: string, known: readonly string[], what: string): WorkflowProblem => {
    return problem(where, `"${one}" is ${what}${didYouMean(one, known)}`);
  };
  const isUnknownRole = (one: string) => !one.includes("@") && !roles.includes(one);
  const agents = Object.keys(workflow.agents);
  const { agent } = state;
  return [
    ...(state.by ?? [])
      .filter((one) => isUnknownRole(one) && !agents.includes(one))
      .map((one) =>
        unknown(
          `${path}.by`,
          one,
          [...roles, ...agents],
          "neither an address, a role of `people`, nor a name of `agents`",
        ),
      ),
    ...approvers
      .filter(isUnknownRole)
      .map((one) => unknown(`${path}.wait`, one, roles, "neither an address nor a role of `people`")),
    ...(agent === undefined || agent === "default" || agents.includes(agent)
      ? []
      : [unknown(`${path}.agent`, agent, agents, "not declared in `agents`")]),
  ];
}

function checkEvidence(workflow: Workflow): WorkflowProblem[] {
  const proven = new Set(Object.values(workflow.states).flatMap(({ proves }) => proves));
  return Object.entries(workflow.evidence).flatMap(([state, names]) =>
    names
      .filter((one) => !proven.has(one))
      .map((one) => problem(`evidence.${state}`, `no state \`proves\` "${one}"`)),
  );
}
