/**
 * Checks the directory of a trial: computes its figures and finds all violations.
 *
 * Invariants:
 * - The same directory always gives the same result.
 */
import { readPushes, readIncidents } from "../trial-log.ts";
import { trialDirectoryAt } from "../trial-directory.ts";
import { CAPACITY, RUNNER_STATES } from "../trial-workflow.ts";
import {
  answersOf,
  countRequests,
  countTakeovers,
  findDoubled,
  findLost,
  findForbiddenMoves,
  findUnanswered,
  stepsOf,
} from "./branches.ts";
import { findLeakedRefs, findOverlaps } from "./leases.ts";
import { readHistory, type Finding } from "./ref-history.ts";
import { findGaps } from "./reflogs.ts";
import { countSalvages, findUnclaimed, findUnsaved, readExecutions } from "./executions.ts";

export interface CheckResult {
  readonly findings: readonly Finding[];
  readonly figures: Readonly<
    Record<"requests" | "answers" | "executions" | "takeovers" | "salvages", number>
  >;
}

export function checkTrial(root: string): CheckResult {
  const directory = trialDirectoryAt(root);
  const history = readHistory(directory.remote);
  const pushes = readPushes(directory.pushes);
  const steps = stepsOf(history, pushes);
  const executions = readExecutions(directory.executions);
  return {
    findings: [
      ...findDoubled(history, steps),
      ...findUnanswered(history, steps, RUNNER_STATES),
      ...findLost(history, steps),
      ...findForbiddenMoves(history, steps, RUNNER_STATES),
      ...findOverlaps(history, CAPACITY),
      ...findLeakedRefs(history),
      ...findUnsaved(history, executions, readIncidents(directory.incidents)),
      ...findUnclaimed(history, executions),
      ...findGaps(history, steps, pushes),
    ],
    figures: {
      requests: countRequests(history, steps, RUNNER_STATES),
      answers: answersOf(history, steps).size,
      executions: executions.length,
      takeovers: countTakeovers(history),
      salvages: countSalvages(history),
    },
  };
}
