/**
 * The whole check of a trial's directory: figures, and everything that is not as it must be.
 *
 * What must hold: the same directory gives the same verdict, however often and by whomever it is
 * asked; see the files beside this one for what is checked.
 */
import { readEntries, readIncidents } from "../trial-log.ts";
import { labAt } from "../trial-directory.ts";
import { CAPACITY, WORKED } from "../trial-workflow.ts";
import {
  answersOf,
  countRequests,
  countTakeovers,
  findDoubled,
  findLost,
  findRogue,
  findUnanswered,
  stepsOf,
} from "./branches.ts";
import { findLeaked, findOverlaps } from "./leases.ts";
import { readHistory, type Finding } from "./ref-history.ts";
import { findGaps } from "./reflogs.ts";
import { countSalvages, findUnclaimed, findUnsaved, readExecutions } from "./executions.ts";

export interface Verdict {
  readonly findings: readonly Finding[];
  readonly figures: Readonly<
    Record<"requests" | "answers" | "executions" | "takeovers" | "salvages", number>
  >;
}

/** Checks the directory of a trial that has ended. */
export function check(root: string): Verdict {
  const lab = labAt(root);
  const history = readHistory(lab.remote);
  const ledger = readEntries(lab.ledger);
  const steps = stepsOf(history, ledger);
  const executions = readExecutions(lab.executions);
  return {
    findings: [
      ...findDoubled(history, steps),
      ...findUnanswered(history, steps, WORKED),
      ...findLost(history, steps),
      ...findRogue(history, steps, WORKED),
      ...findOverlaps(history, CAPACITY),
      ...findLeaked(history),
      ...findUnsaved(history, executions, readIncidents(lab.incidents)),
      ...findUnclaimed(history, executions),
      ...findGaps(history, steps, ledger),
    ],
    figures: {
      requests: countRequests(history, steps, WORKED),
      answers: answersOf(history, steps).size,
      executions: executions.length,
      takeovers: countTakeovers(history),
      salvages: countSalvages(history),
    },
  };
}
