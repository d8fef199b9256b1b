/**
 * Every text that people read, and the errors that carry one.
 *
 * Invariants:
 * - A message says what failed and why; `next` is what to do now, usually a command.
 * - A UserError means that Trailhand could not do something. What a script reports is an Outcome.
 */
import { GIT_MESSAGES } from "./git-messages.ts";
import { GITHUB_MESSAGES } from "./github-messages.ts";
import {
  EXIT_CODE,
  quoted,
  refused,
  shellWord,
  suggestionHint,
  usageError,
  type UserMessage,
} from "./message-format.ts";
import { PERSON_MESSAGES } from "./person-messages.ts";
import { RUN_MESSAGES } from "./run-messages.ts";
import { TRAILER_MESSAGES } from "./trailer-messages.ts";

export { EXIT_CODE, quoted, shellWord, type UserMessage };

/** An error with a message for people, the command that fixes it, and the exit code. */
export class UserError extends Error {
  readonly next: string | undefined;
  readonly exit: number;

  constructor(message: UserMessage, options?: { readonly cause?: unknown }) {
    super(message.what, options);
    this.name = "UserError";
    this.next = message.next;
    this.exit = message.exit ?? EXIT_CODE.failed;
  }
}

/** A remote that does not answer in time. What was sent to it may have arrived all the same. */
export class RemoteUnreachable extends UserError {
  constructor(remote: string, why: string, options?: { readonly cause?: unknown }) {
    super(
      {
        what: `The remote ${remote} cannot be reached: ${why}`,
        next: `trailhand doctor --remote ${shellWord(remote)}`,
        exit: EXIT_CODE.later,
      },
      options,
    );
    this.name = "RemoteUnreachable";
  }
}

/** A commit could not be signed. `why` holds the words of git. */
export class CannotSign extends UserError {
  readonly why: string;

  constructor(why: string, options?: { readonly cause?: unknown }) {
    super(GIT_MESSAGES.cannotSign(why), options);
    this.name = "CannotSign";
    this.why = why;
  }
}

export const MESSAGES = {
  ...GIT_MESSAGES,
  ...GITHUB_MESSAGES,
  ...PERSON_MESSAGES,
  ...RUN_MESSAGES,
  ...TRAILER_MESSAGES,
  emptySubject: () =>
    usageError("The commit message has no subject.", 'trailhand request <state> -m "A subject"'),
  messageDiffers: (meant: string, read: string): UserMessage => ({
    what: `git would read the message differently from what was meant. Meant:\n${meant}\nRead:\n${read}`,
  }),

  unknownCommand: (name: string, nearest: string | undefined) =>
    usageError(`There is no command ${quoted(name)}.${suggestionHint(nearest)}`, "trailhand help"),
  badOption: (command: string, why: string) =>
    usageError(why, command === "help" ? "trailhand help" : `trailhand help ${command}`),
  conflict: (command: string, one: string, other: string) =>
    usageError(
      `--${one} and --${other} cannot be used together; leave one out.`,
      `trailhand help ${command}`,
    ),
  missingArgument: (command: string, name: string) =>
    usageError(`trailhand ${command} needs <${name}>.`, `trailhand help ${command}`),
  badDuration: (option: string, text: string) =>
    usageError(`--${option} needs a duration such as 30s or 5m, not ${quoted(text)}.`, "trailhand help run"),
  noPipe: (path: string) => usageError(`${path} is not a named pipe.`, `mkfifo ${shellWord(path)}`),
  noPort: (port: number, why: string) =>
    usageError(`Cannot listen on port ${port}: ${why}.`, "trailhand run --watch --wake <a free port>"),

  badBranch: (name: string) =>
    usageError(`${quoted(name)} is not a valid branch name.`, "git help check-ref-format"),
  unwritableBranch: (name: string) =>
    usageError(
      `The branch name ${quoted(name)} contains invisible characters, which no message may contain.`,
      "git branch -m <a plainer name>",
    ),
  noSuchBranch: (name: string, nearest: string | undefined) =>
    usageError(`There is no branch ${quoted(name)}.${suggestionHint(nearest)}`, "trailhand status"),
  branchExists: (name: string) =>
    usageError(
      `The branch ${quoted(name)} exists already.`,
      `trailhand request <state> --branch ${shellWord(name)}`,
    ),
  detachedHead: () =>
    usageError("No branch given, and HEAD is detached.", "git switch <branch>, or name the branch"),
  onTarget: (name: string) =>
    usageError(
      `${quoted(name)} is the trusted branch, where requests do not run.`,
      "trailhand request <state> --new <branch>",
    ),
  badStateName: (name: string) =>
    usageError(
      `${quoted(name)} is not a valid state name: use lower-case letters, digits, ".", "_" and "-", at most 64 characters.`,
      "trailhand graph",
    ),
  unknownState: (name: string, nearest: string | undefined, known: string) =>
    usageError(
      `There is no state ${quoted(name)}.${suggestionHint(nearest)} Known: ${known}.`,
      "trailhand graph",
    ),
  reservedState: (name: string) =>
    usageError(
      `The state ${quoted(name)} is reserved. A script's response can name it. A person can request it only from a state that waits for a person and lists it under \`next\`.`,
      "trailhand graph",
    ),
  headMoved: (branch: string): UserMessage => ({
    what: `${quoted(branch)} moved in the meantime; nothing was written.`,
    next: "type the same command again",
    exit: EXIT_CODE.later,
  }),
  blocked: (branch: string, why: string): UserMessage => ({
    what: `${quoted(branch)} cannot be written now: ${why}`,
    next: "trailhand status",
    exit: EXIT_CODE.later,
  }),
  nothingTo: (verb: string, branch: string, why: string) =>
    refused(`Nothing to ${verb} on ${quoted(branch)}: ${why}.`, `trailhand log ${shellWord(branch)}`),

  badCheckName: (name: string) =>
    usageError(
      `${quoted(name)} is not a valid check name: use letters, digits, "_", ".", "/" and "-", at most 100 characters.`,
      "trailhand help report-check",
    ),
  checkedOldHead: (branch: string, commit: string) =>
    refused(
      `${quoted(branch)} is no longer at ${commit.slice(0, 12)}, so this check does not apply to its head.`,
      `trailhand log ${shellWord(branch)}`,
    ),
  badConclusion: (text: string, nearest: string | undefined, known: string) =>
    usageError(
      `${quoted(text)} is not a valid conclusion.${suggestionHint(nearest)} Known: ${known}.`,
      "trailhand help report-check",
    ),

  noAttempt: (branch: string) =>
    usageError(`No attempt was made on ${quoted(branch)} yet.`, `trailhand log ${shellWord(branch)}`),
  outputElsewhere: (branch: string, run: string, runner: string): UserMessage => ({
    what: `The log of run ${run} on ${quoted(branch)} is not on this machine: the run was on ${quoted(runner)}, or the log was deleted.`,
    next: `trailhand log ${shellWord(branch)}`,
  }),
  noSuchLines: (file: string, rev: string, why: string) =>
    usageError(`${quoted(file)} has no such lines in ${quoted(rev)}: ${why}.`, "trailhand help blame"),
  cannotRead: (file: string, why: string) =>
    usageError(`The file ${quoted(file)} cannot be read: ${why}.`, "name a file of your worktree"),
  noRequestInHistory: (name: string) =>
    usageError(`There is no request at ${quoted(name)} or in its history.`, "trailhand log <branch>"),
  noScript: (state: string) =>
    refused(
      `The state ${quoted(state)} has no script and no prompt to run.`,
      "trailhand replay <commit> --script <file>",
    ),
  noAnswerYet: (commit: string) =>
    refused(
      `No branch and no archive has an answer to the request ${commit.slice(0, 10)} to compare with.`,
      "trailhand run",
    ),
  directoryExists: (dir: string) =>
    usageError(`${dir} exists already.`, "trailhand demo --keep <a new directory>"),
  filesExist: (files: string) =>
    refused(`These files exist already and were not changed: ${files}.`, "trailhand doctor"),
  noPattern: (name: string, nearest: string | undefined, known: string) =>
    usageError(
      `There is no pattern ${quoted(name)}.${suggestionHint(nearest)} Known: ${known}.`,
      "trailhand help advise",
    ),
  noPack: (name: string, nearest: string | undefined) =>
    usageError(`There is no pack ${quoted(name)}.${suggestionHint(nearest)}`, "trailhand packs"),
  noTasks: (file: string, why: string) =>
    usageError(
      `The tasks in ${file} cannot be read: ${why}`,
      "trailhand advise <file>; trailhand packs advise shows an example",
    ),
  badTasks: (file: string, problems: string) =>
    usageError(
      `${file} is not a valid task graph:\n${problems}`,
      "fix it; trailhand packs advise shows an example",
    ),
} as const;
