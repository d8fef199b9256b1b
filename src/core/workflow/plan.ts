/**
 * Formats, finds and checks a frozen plan: a list of steps that later answers must follow.
 *
 * Invariants:
 * - The frozen text is canonical, so the same steps always have the same blob id.
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

const MAX_STEPS = 100;

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

/** Accepts a list of steps, or its JSON text. */
export const planSchema = jsonList.pipe(z.array(stepSchema).min(1).max(MAX_STEPS));

/** The canonical text of a plan. Non-ASCII characters are escaped, so no cleaning of the body changes it. */
export function planText(steps: readonly PlanStep[]): string {
  const plain = steps.map(({ state, subject, prompt, writes }) => ({
    state,
    subject,
    prompt,
    ...(writes === undefined ? {} : { writes }),
  }));
  // People read the body, so each step has its own line.
  const lines = plain.map((step) => ascii(JSON.stringify(step)));
  return `[\n${lines.join(",\n")}\n]`;
}

const ascii = (text: string): string =>
  text.replace(/[^\u0020-\u007e]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);

const BLOCK = /^The plan is frozen as (\w+):\n\n((?: {4}.*\n?)+)/m;

/** The plan as the answer that freezes it quotes it. */
export function formatPlan(id: string, steps: readonly PlanStep[]): string {
  const text = planText(steps)
    .split("\n")
    .map((line) => `    ${line}`);
  return `The plan is frozen as ${id}:\n\n${text.join("\n")}`;
}

/**
 * Finds the text of a plan in the history of a request; undefined if it is not there.
 * The oldest answer that names the id counts, because a later script may print text of the same form.
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

/** The steps of a plan's text; undefined if it is not a valid plan. */
export function parsePlan(text: string): PlanStep[] | undefined {
  const read = planSchema.safeParse(text);
  return read.success ? read.data : undefined;
}

/** The reason why a state may not freeze this plan; undefined if it may. */
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
