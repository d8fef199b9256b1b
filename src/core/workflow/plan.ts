/**
 * A frozen plan: a list of steps that the answers after it can only follow.
 *
 * What must hold: the text that is frozen is canonical, so that the same steps have the same blob
 * id; a plan whose text does not have the id that the work carries is refused.
 */
import * as z from "zod";
import { parseStateName } from "../protocol/ids.ts";
import type { Workflow } from "./workflow.ts";
import { readHandOffs } from "../protocol/hand-offs.ts";
import type { Commit } from "../protocol/request.ts";
import { jsonList } from "../util/lists.ts";
import { valueOf } from "../protocol/message.ts";
import type { PlanPosition } from "./carried-state.ts";
import { KEY } from "../protocol/trailer-keys.ts";

const MOST = 100;

const stepSchema = z.strictObject({
  state: z
    .string()
    .refine((text) => parseStateName(text) !== undefined, { error: "is not a valid state name" }),
  subject: z.string().max(500).default(""),
  prompt: z.string().max(20_000).default(""),
  writes: z.array(z.string().min(1)).optional(),
});

export type PlanStep = z.infer<typeof stepSchema>;

export interface Plan extends PlanPosition {
  readonly steps: readonly PlanStep[];
}

/** A list of steps, or the JSON text of one. */
export const planSchema = jsonList.pipe(z.array(stepSchema).min(1).max(MOST));

/** The text that is frozen: what a body must not change is escaped. */
export function planText(steps: readonly PlanStep[]): string {
  const plain = steps.map(({ state, subject, prompt, writes }) => ({
    state,
    subject,
    prompt,
    ...(writes === undefined ? {} : { writes }),
  }));
  // A body is cleaned, wrapped by nobody, and read by people: one step a line, only in ASCII.
  const lines = plain.map((step) => ascii(JSON.stringify(step)));
  return `[\n${lines.join(",\n")}\n]`;
}

const ascii = (text: string): string =>
  text.replace(/[^\u0020-\u007e]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);

const BLOCK = /^The plan is frozen as (\w+):\n\n((?: {4}.*\n?)+)/m;

/** How the answer that freezes it shows it. */
export function formatPlan(id: string, steps: readonly PlanStep[]): string {
  const text = planText(steps)
    .split("\n")
    .map((line) => `    ${line}`);
  return `The plan is frozen as ${id}:\n\n${text.join("\n")}`;
}

/**
 * The text that a plan was frozen from, in the history of a request; undefined when it is not there.
 * The oldest that names the id is the one: what a script says later may look the same.
 */
export function findPlanText(trail: readonly Commit[], id: string): string | undefined {
  const texts = readHandOffs(trail).flatMap(({ message, answers }) => {
    if (answers === undefined || valueOf(message.trailers, KEY.plan) !== id) return [];
    const [, named, block = ""] = BLOCK.exec(message.body) ?? [];
    return named === id ? [block] : [];
  });
  return texts
    .at(-1)
    ?.trimEnd()
    .split("\n")
    .map((line) => line.slice(4))
    .join("\n");
}

/** The steps of a text; undefined when it is no plan. */
export function parsePlan(text: string): PlanStep[] | undefined {
  const read = planSchema.safeParse(text);
  return read.success ? read.data : undefined;
}

/** What is wrong with a plan that a state hands out, or undefined. */
export function planProblem(
  steps: readonly PlanStep[],
  from: string,
  workflow: Workflow,
): string | undefined {
  if (!workflow.states[from]?.plan)
    return `the state "${from}" may not freeze a plan; add \`plan: true\` to it`;
  let before = from;
  for (const [index, { state }] of steps.entries()) {
    const next = workflow.states[before]?.next ?? [];
    if (!next.includes(state)) {
      return `step ${index + 1} of the plan asks for "${state}", which may not follow "${before}" (legal: ${next.join(", ")})`;
    }
    before = state;
  }
  return undefined;
}
