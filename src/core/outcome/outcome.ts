/**
 * What an attempt's end means: exit and declared output become exactly one Outcome.
 *
 * What must hold: the first cause of an end wins; exit 0 is an answer only when it is a legal one;
 * 75 asks for another time and uses no attempt (EX_TEMPFAIL of sysexits.h); everything else fails
 * the attempt and is named as what it was.
 */
import { formatDuration } from "../util/duration.ts";
import { parseStateName } from "../protocol/ids.ts";
import { suggest } from "../util/suggest.ts";
import type { Output, OutputReading } from "./output.ts";
import type { State } from "../workflow/workflow.ts";
import { DEFAULTS } from "../workflow/defaults.ts";

/** How a script ended. */
export type Exit =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "signalled"; readonly signal: string }
  | { readonly kind: "timed-out"; readonly afterMs: number }
  /** It neither printed nor changed anything for so long. */
  | { readonly kind: "stalled"; readonly afterMs: number }
  | { readonly kind: "stopped"; readonly why: string }
  | { readonly kind: "not-started"; readonly why: string };

export type Outcome =
  | { readonly kind: "answer"; readonly state: string; readonly output: Output }
  | { readonly kind: "later"; readonly afterMs: number; readonly why: string }
  | { readonly kind: "failed"; readonly why: string; readonly output?: Output }
  | { readonly kind: "stopped"; readonly why: string };

const EX_TEMPFAIL = 75;

/** The states that may follow; `any` in repositories that declare none. */
export type LegalAnswers = readonly string[] | "any";

/** Decides what an attempt came to. `fault` is what the runner found wrong in its tree. */
export function decideOutcome(
  legal: LegalAnswers,
  exit: Exit,
  reading: OutputReading,
  fault?: string,
): Outcome {
  if (exit.kind === "stopped") return { kind: "stopped", why: exit.why };
  if (exit.kind === "exited" && exit.code === EX_TEMPFAIL) {
    const asked = "output" in reading ? reading.output["retry-after"] : undefined;
    return {
      kind: "later",
      afterMs: asked ?? DEFAULTS.retryAfterMs,
      why: "the script asked for another time",
    };
  }
  const why = describeExit(exit);
  if (why !== undefined) return failed(why, reading);
  if (fault !== undefined) return failed(fault, reading);
  if ("problem" in reading) return { kind: "failed", why: reading.problem };
  const { output } = reading;
  if (output["retry-after"] !== undefined && output.state === undefined) {
    return { kind: "later", afterMs: output["retry-after"], why: "the script asked for another time" };
  }
  return decideState(legal, output);
}

function failed(why: string, reading: OutputReading): Outcome {
  return "output" in reading ? { kind: "failed", why, output: reading.output } : { kind: "failed", why };
}

/** How a script ended, in words. */
export const describeEnd = (exit: Exit): string => describeExit(exit) ?? "exit 0";

/** Undefined when the script exited with 0. */
function describeExit(exit: Exit): string | undefined {
  switch (exit.kind) {
    case "exited":
      return exit.code === 0 ? undefined : `exit ${exit.code}`;
    case "signalled":
      return `killed by ${exit.signal}`;
    case "timed-out":
      return `timed out after ${formatDuration(exit.afterMs)}`;
    case "stalled":
      return `ended, because it printed nothing and changed no file for ${formatDuration(exit.afterMs)}`;
    case "stopped":
    case "not-started":
      return exit.why;
  }
}

function decideState(legal: LegalAnswers, output: Output): Outcome {
  const { state } = output;
  if (legal === "any") {
    if (state === undefined) return { kind: "failed", why: "the script named no next state", output };
    if (parseStateName(state)) return { kind: "answer", state, output };
    return { kind: "failed", why: `"${state.slice(0, 80)}" is no state name`, output };
  }
  if (state === undefined) {
    const [only] = legal;
    if (legal.length === 1 && only !== undefined) return { kind: "answer", state: only, output };
    const why = `the script named no next state, and there are ${legal.length}: ${legal.join(", ")}`;
    return { kind: "failed", why, output };
  }
  const open = [...legal, "failed", "parked"];
  if (open.includes(state)) return { kind: "answer", state, output };
  const near = suggest(state, open);
  const hint = near === undefined ? "" : `; did you mean "${near}"?`;
  const why = `"${state.slice(0, 80)}" may not follow (legal: ${legal.join(", ")})${hint}`;
  return { kind: "failed", why, output };
}

/** The rest before the attempt after `attempt`, doubling, in milliseconds. */
export function backoffMs(state: State | undefined, attempt: number): number {
  return Math.min(
    DEFAULTS.longestBackoffMs,
    (state?.backoff ?? DEFAULTS.backoffMs) * 2 ** Math.max(0, attempt - 1),
  );
}
