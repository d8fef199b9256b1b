/**
 * Determines the legal next states, and derives the state of an answer from its plan or risk tier.
 *
 * Invariants:
 * - A frozen plan allows only its next step, whatever the workflow and the script say.
 */
import type { StateName } from "../protocol/ids.ts";
import type { Output, OutputReading } from "./output.ts";
import type { LegalAnswers } from "./outcome.ts";
import type { Plan } from "../workflow/plan.ts";
import { successors, type Workflow } from "../workflow/workflow.ts";

export function legalAnswers(workflow: Workflow, state: StateName, plan: Plan | undefined): LegalAnswers {
  const next = nextStep(plan);
  return next ? [next.state] : successors(workflow, state);
}

/** The step after the current one; undefined after the last step and without a plan. */
export function nextStep(plan: Plan | undefined): Plan["steps"][number] | undefined {
  return plan?.steps[plan.step];
}

/** Fills in the state of an output that declares a plan or a risk tier. */
export function resolveState(reading: OutputReading, workflow: Workflow, state: StateName): OutputReading {
  if ("problem" in reading) return reading;
  const { output } = reading;
  const risk = workflow.states[state]?.risk;
  if (output.plan) return withState(output, output.plan[0]?.state, "its plan begins with");
  if (!risk) {
    return output.risk === undefined ? reading : { problem: `the state "${state}" has no \`risk\` tiers` };
  }
  if (output.state === "failed" || output.state === "parked") return reading;
  const tiers = Object.keys(risk).join(", ");
  if (output.risk === undefined) return { problem: `the script named no risk tier (known: ${tiers})` };
  if (!Object.hasOwn(risk, output.risk))
    return { problem: `"${output.risk}" is not a risk tier (known: ${tiers})` };
  return withState(output, risk[output.risk], `the tier ${output.risk} leads to`);
}

function withState(output: Output, state: string | undefined, why: string): OutputReading {
  if (output.state !== undefined && output.state !== state) {
    return { problem: `the script answered "${output.state}", and ${why} "${state ?? ""}"` };
  }
  return { output: { ...output, ...(state === undefined ? {} : { state }) } };
}
