/**
 * Turns the exit and the declared output of a script into exactly one outcome.
 *
 * Invariants:
 * - Exit 0 is an answer only if the declared state is legal.
 * - Exit 75 (EX_TEMPFAIL of sysexits.h) postpones the request and uses no attempt.
 * - Anything else fails the attempt, and the outcome names the cause.
 */
import { formatDuration } from "../util/duration.ts";
import { parseStateName } from "../protocol/ids.ts";
import { didYouMean } from "../util/suggest.ts";
import type { Output, OutputReading } from "./output.ts";
import type { State } from "../workflow/workflow.ts";
import { DEFAULTS } from "../workflow/defaults.ts";

export type Exit =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "signalled"; readonly signal: string }
  | { readonly kind: "timed-out"; readonly afterMs: number }
  /** Killed because it printed nothing and changed no file for `afterMs`. */
  | { readonly kind: "stalled"; readonly afterMs: number }
  | { readonly kind: "stopped"; readonly why: string }
  | { readonly kind: "not-started"; readonly why: string };

export type Outcome =
  | { readonly kind: "answer"; readonly state: string; readonly output: Output }
  | { readonly kind: "later"; readonly afterMs: number; readonly why: string }
  | { readonly kind: "failed"; readonly why: string; readonly output?: Output }
  | { readonly kind: "stopped"; readonly why: string };

const EX_TEMPFAIL = 75;
const POSTPONED = "the script asked to run later";

/** The states that may follow. `any` if the repository declares no transitions. */
export type LegalAnswers = readonly string[] | "any";

/** `treeProblem` is what the runner rejects about the resulting tree. */
export function decideOutcome(
  legal: LegalAnswers,
  exit: Exit,
  reading: OutputReading,
  treeProblem?: string,
): Outcome {
  if (exit.kind === "stopped") return { kind: "stopped", why: exit.why };
  if (exit.kind === "exited" && exit.code === EX_TEMPFAIL) {
    const retryAfter = "output" in reading ? reading.output["retry-after"] : undefined;
    return { kind: "later", afterMs: retryAfter ?? DEFAULTS.retryAfterMs, why: POSTPONED };
  }
  const why = describeExit(exit);
  if (why !== undefined) return failed(why, reading);
  if (treeProblem !== undefined) return failed(treeProblem, reading);
  if ("problem" in reading) return { kind: "failed", why: reading.problem };
  const { output } = reading;
  if (output["retry-after"] !== undefined && output.state === undefined) {
    return { kind: "later", afterMs: output["retry-after"], why: POSTPONED };
  }
  return decideState(legal, output);
}

function failed(why: string, reading: OutputReading): Outcome {
  return "output" in reading ? { kind: "failed", why, output: reading.output } : { kind: "failed", why };
}

/** A phrase for people. */
export const describeEnd = (exit: Exit): string => describeExit(exit) ?? "exit 0";

/** Undefined for exit 0. */
function describeExit(exit: Exit): string | undefined {
  switch (exit.kind) {
    case "exited":
      return exit.code === 0 ? undefined : `exit ${exit.code}`;
    case "signalled":
      return `killed by ${exit.signal}`;
    case "timed-out":
      return `timed out after ${formatDuration(exit.afterMs)}`;
    case "stalled":
      return `stopped after ${formatDuration(exit.afterMs)} without output or a changed file`;
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
    return { kind: "failed", why: `"${state.slice(0, 80)}" is not a valid state name`, output };
  }
  if (state === undefined) {
    const [only] = legal;
    if (legal.length === 1 && only !== undefined) return { kind: "answer", state: only, output };
    const why = `the script named no next state (legal: ${legal.join(", ")})`;
    return { kind: "failed", why, output };
  }
  const allowed = [...legal, "failed", "parked"];
  if (allowed.includes(state)) return { kind: "answer", state, output };
  const why = `"${state.slice(0, 80)}" may not follow (legal: ${legal.join(", ")})${didYouMean(state, allowed)}`;
  return { kind: "failed", why, output };
}

/** The back-off after a failed attempt, in milliseconds. It doubles with each attempt. */
export function backoffMs(state: State | undefined, attempt: number): number {
  return Math.min(
    DEFAULTS.longestBackoffMs,
    (state?.backoff ?? DEFAULTS.backoffMs) * 2 ** Math.max(0, attempt - 1),
  );
}
