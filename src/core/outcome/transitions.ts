/**
 * Which answers are legal, and what a plan or a tier of risk makes of one.
 *
 * What must hold: a frozen plan leaves no choice, whatever a script says; without one the workflow's
 * transitions hold.
 */
import type { StateName } from "../protocol/ids.ts";
import type { Output, OutputReading } from "./output.ts";
import type { LegalAnswers } from "./outcome.ts";
import type { Plan } from "../workflow/plan.ts";
import { successors, type Workflow } from "../workflow/workflow.ts";

/** The states that may follow. */
export function legalAnswers(workflow: Workflow, state: StateName, plan: Plan | undefined): LegalAnswers {
  const next = nextStep(plan);
  return next ? [next.state] : successors(workflow, state);
}

/** The step that follows the present one; undefined after the last, and without a plan. */
export function nextStep(plan: Plan | undefined): Plan["steps"][number] | undefined {
  return plan?.steps[plan.step];
}

/** An output whose state follows from its plan or its tier of risk, where it names none. */
export function resolveState(reading: OutputReading, workflow: Workflow, state: StateName): OutputReading {
  if ("problem" in reading) return reading;
  const { output } = reading;
  const risk = workflow.states[state]?.risk;
  if (output.plan) return inferred(output, output.plan[0]?.state, "its plan begins with");
  if (!risk) {
    return output.risk === undefined ? reading : { problem: `the state "${state}" has no tiers of \`risk\`` };
  }
  if (output.state === "failed" || output.state === "parked") return reading;
  const tiers = Object.keys(risk).join(", ");
  if (output.risk === undefined) return { problem: `the script named no tier of risk (known: ${tiers})` };
  if (!Object.hasOwn(risk, output.risk))
    return { problem: `"${output.risk}" is no tier of risk (known: ${tiers})` };
  return inferred(output, risk[output.risk], `the tier ${output.risk} leads to`);
}

function inferred(output: Output, state: string | undefined, why: string): OutputReading {
  if (output.state !== undefined && output.state !== state) {
    return { problem: `the script answered "${output.state}", and ${why} "${state ?? ""}"` };
  }
  return { output: { ...output, ...(state === undefined ? {} : { state }) } };
}
