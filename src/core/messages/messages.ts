/**
 * Every text that people read, and the errors that carry one.
 *
 * Invariants:
 * - A message says what failed and why; `next` is the command that fixes it.
 * - A UserError means that Trailhand could not do something. What a script reports is an Outcome.
 */
import { COMMAND_MESSAGES } from "./command-messages.ts";
import { GIT_MESSAGES } from "./git-messages.ts";
import { GITHUB_MESSAGES } from "./github-messages.ts";
import { EXIT_CODE, quoted, shellWord, usageError, type UserMessage } from "./message-format.ts";
import { RUN_MESSAGES } from "./run-messages.ts";
import { VERB_MESSAGES } from "./verb-messages.ts";

export { EXIT_CODE, quoted, shellWord, type UserMessage };

/** An error with a message for people, the command that fixes it, and the exit code. */
export class UserError extends Error {
  readonly next: string | undefined;
  readonly exit: number;

  constructor(sentence: UserMessage, options?: { readonly cause?: unknown }) {
    super(sentence.what, options);
    this.name = "UserError";
    this.next = sentence.next;
    this.exit = sentence.exit ?? EXIT_CODE.failed;
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

const suggestionHint = (nearest: string | undefined): string =>
  nearest === undefined ? "" : ` Did you mean ${quoted(nearest)}?`;

export const MESSAGES = {
  ...COMMAND_MESSAGES,
  ...GIT_MESSAGES,
  ...GITHUB_MESSAGES,
  ...RUN_MESSAGES,
  ...VERB_MESSAGES,
  emptySubject: () =>
    usageError("The commit message has no subject.", 'trailhand request <state> -m "A subject"'),
  badTrailerKey: (key: string) =>
    usageError(
      `${quoted(key)} is not a valid trailer key: use letters, digits and "-", at most 64 characters.`,
      "trailhand help request",
    ),
  noTrailer: (text: string) =>
    usageError(
      `${quoted(text)} is not a valid trailer: it has no ":".`,
      'trailhand request <state> --trailer "Key: value"',
    ),
  badTrailerValue: (key: string) =>
    usageError(`The value of the trailer ${quoted(key)} must be one line of text.`, "trailhand help request"),
  reservedKey: (key: string) =>
    usageError(
      `The trailer ${quoted(key)} is reserved: Trailhand writes it itself. Leave it out.`,
      "trailhand help request",
    ),
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
      `The state ${quoted(name)} is reserved: only an answer can name it, or a person answering a state that it may follow.`,
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
  nothingTo: (verb: string, branch: string, why: string): UserMessage => ({
    what: `Nothing to ${verb} on ${quoted(branch)}: ${why}.`,
    next: `trailhand log ${shellWord(branch)}`,
    exit: EXIT_CODE.refused,
  }),

  noSuchLines: (file: string, rev: string, why: string) =>
    usageError(`${quoted(file)} has no such lines in ${quoted(rev)}: ${why}.`, "trailhand help blame"),
  cannotRead: (file: string, why: string) =>
    usageError(`The file ${quoted(file)} cannot be read: ${why}.`, "name a file of your work tree"),
  noRequestBelow: (name: string) =>
    usageError(
      `There is no request at ${quoted(name)} or before it.`,
      "trailhand log <branch> lists the commits of a run",
    ),
  noScript: (state: string): UserMessage => ({
    what: `The state ${quoted(state)} has no script and no prompt to run.`,
    next: "trailhand replay <commit> --script <file>",
    exit: EXIT_CODE.refused,
  }),
  noAnswerYet: (commit: string): UserMessage => ({
    what: `No branch and no archive has an answer to the request ${commit.slice(0, 10)} to compare with.`,
    next: "trailhand run",
    exit: EXIT_CODE.refused,
  }),
  directoryExists: (dir: string) =>
    usageError(`${dir} exists already.`, "trailhand demo --keep <a new directory>"),
  filesExist: (files: string): UserMessage => ({
    what: `These files exist already and were not changed: ${files}.`,
    next: "trailhand doctor",
    exit: EXIT_CODE.refused,
  }),
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
