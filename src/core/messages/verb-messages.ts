/** Errors of approve, reject, assign, priority and output. */
import { EXIT_CODE, quoted, shellWord, usageError, type UserMessage } from "./message-format.ts";

const refused = (what: string, next: string): UserMessage => ({ what, next, exit: EXIT_CODE.refused });

/** One command for each state, so that the person can choose. */
const choices = (branch: string, states: readonly string[]): string =>
  states.map((state) => `trailhand request ${state} --branch ${shellWord(branch)}`).join(", or ");

export const VERB_MESSAGES = {
  severalNext: (branch: string, states: readonly string[]) =>
    refused(
      `Several states may be next on ${quoted(branch)}: ${states.join(", ")}. Ask for one of them.`,
      choices(branch, states),
    ),
  severalBack: (branch: string, states: readonly string[]) =>
    refused(
      `The work on ${quoted(branch)} can go back to several states: ${states.join(", ")}. Ask for one of them.`,
      choices(branch, states),
    ),
  nothingToReject: (branch: string) =>
    refused(`The work on ${quoted(branch)} does not wait for a person.`, "trailhand status --needs-me"),
  nothingToChange: (branch: string) =>
    refused(
      `No request waits on ${quoted(branch)}, so there is nothing to change.`,
      `trailhand log ${shellWord(branch)}`,
    ),
  unknownAgent: (name: string, nearest: string | undefined, known: string) =>
    usageError(
      `${quoted(name)} is not an agent of the workflow.${nearest === undefined ? "" : ` Did you mean ${quoted(nearest)}?`} Its agents: ${known}.`,
      "trailhand assign <agent> <branch>",
    ),
  badPriority: (text: string) =>
    usageError(
      `${quoted(text)} is not a priority: use a whole number from -1000 to 1000.`,
      "trailhand priority <n> <branch>",
    ),
  runningAlready: (branch: string) =>
    refused(
      `The request on ${quoted(branch)} is running already, and a priority only changes when it starts.`,
      "trailhand status",
    ),
  wouldVoidApprovals: (branch: string) =>
    refused(
      `The request on ${quoted(branch)} waits for approvals, and a new priority would void them.`,
      `trailhand approve ${shellWord(branch)}`,
    ),
  noAttempt: (branch: string) =>
    usageError(`No attempt was made on ${quoted(branch)} yet.`, `trailhand log ${shellWord(branch)}`),
  outputElsewhere: (branch: string, run: string, runner: string): UserMessage => ({
    what: `The output of run ${run} on ${quoted(branch)} is not on this machine: it ran at ${quoted(runner)}, and old logs are removed.`,
    next: `trailhand log ${shellWord(branch)}`,
  }),
};
