/**
 * Every sentence that a person reads, in one place.
 *
 * What must hold: each says what happened, what was expected where that helps, and the next
 * command to type. A Fault is "we could not"; what a script said is an Outcome, never a Fault.
 */
import { EXIT_CODE, quoted, shellWord, usageError, type UserMessage } from "./message-format.ts";
import { COMMAND_MESSAGES } from "./command-messages.ts";
import { GITHUB_MESSAGES } from "./github-messages.ts";

export { EXIT_CODE, quoted, shellWord, type UserMessage };

/** Something that could not be done; carries the sentence, the next command and the exit code. */
export class UserError extends Error {
  readonly next: string | undefined;
  readonly exit: number;

  constructor(sentence: UserMessage, options?: { readonly cause?: unknown }) {
    super(sentence.what, options);
    this.name = "Fault";
    this.next = sentence.next;
    this.exit = sentence.exit ?? EXIT_CODE.failed;
  }
}

/** A remote that does not answer, or not in time: what was sent to it may have arrived. */
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
    this.name = "Unreachable";
  }
}

const SHOWN = 20;
const listed = (paths: readonly string[]): string =>
  [
    ...paths.slice(0, SHOWN).map((path) => (/^[\w./@+-]+$/.test(path) ? path : quoted(path))),
    ...(paths.length > SHOWN ? [`${paths.length - SHOWN} more`] : []),
  ].join(", ");

const suggestionHint = (nearest: string | undefined): string =>
  nearest === undefined ? "" : ` Did you mean ${quoted(nearest)}?`;

export const MESSAGES = {
  ...COMMAND_MESSAGES,
  ...GITHUB_MESSAGES,
  emptyHeader: () =>
    usageError("The commit message has no first line.", 'trailhand request <state> -m "A subject"'),
  badTrailerKey: (key: string) =>
    usageError(
      `${quoted(key)} is no trailer key: letters, digits and "-", at most 64 characters.`,
      "trailhand help request",
    ),
  noTrailer: (text: string) =>
    usageError(
      `${quoted(text)} is no trailer: it has no ":".`,
      'trailhand request <state> --trailer "Key: value"',
    ),
  badTrailerValue: (key: string) =>
    usageError(`The trailer ${quoted(key)} needs a value on one line.`, "trailhand help request"),
  reservedKey: (key: string) =>
    usageError(
      `The trailer ${quoted(key)} is written by Trailhand itself; leave it out.`,
      "trailhand help request",
    ),
  doesNotReadBack: (meant: string, read: string): UserMessage => ({
    what: `The message does not read back. Meant:\n${meant}\nRead:\n${read}`,
  }),

  notARepository: (dir: string) =>
    usageError(`${dir} is not inside a git repository.`, "git init, or trailhand -C <repository> …"),
  noSuchDirectory: (dir: string) =>
    usageError(`There is no directory ${dir}.`, "trailhand -C <a directory that exists> …"),
  noGit: (): UserMessage => ({ what: "git is not on the PATH.", next: "install git 2.38 or newer" }),
  gitTooOld: (found: string): UserMessage => ({
    what: `git ${found} is too old: 2.38 or newer is needed.`,
    next: "upgrade git, then trailhand doctor",
  }),
  gitFailed: (command: string, code: number, stderr: string): UserMessage => ({
    what: `git ${command} ended with ${code}: ${stderr}`,
    next: "trailhand doctor",
  }),
  gitSilent: (command: string, ms: number): UserMessage => ({
    what: `git ${command} printed nothing for ${Math.round(ms / 1000)} s and was ended.`,
    next: "trailhand doctor",
    exit: EXIT_CODE.later,
  }),
  noPipe: (path: string) => usageError(`${path} is no named pipe.`, `mkfifo ${shellWord(path)}`),
  noPort: (port: number, why: string) =>
    usageError(`Cannot listen at port ${port}: ${why}.`, "trailhand run --watch --wake <a free port>"),
  badDuration: (option: string, text: string) =>
    usageError(`--${option} needs a duration such as 30s or 5m, not ${quoted(text)}.`, "trailhand help run"),
  noRemote: (name: string, known: string) =>
    usageError(
      `There is no remote ${quoted(name)}.${known === "" ? "" : ` Known: ${known}.`}`,
      "git remote -v; a URL or a path may be given in its place",
    ),
  noAtomic: (remote: string): UserMessage => ({
    what: `The remote ${remote} takes no atomic pushes, so an answer could be written by halves.`,
    next: "use a server with git 2.4 or newer, and receive.advertiseAtomic not turned off",
  }),
  probeFailed: (remote: string, what: string): UserMessage => ({
    what: `The remote ${remote} cannot be shared safely: ${what}`,
    next: "trailhand doctor --remote <remote>",
    exit: EXIT_CODE.refused,
  }),
  readOnly: (where: string, why: string): UserMessage => ({
    what: `Cannot write to ${where}: ${why}. Nothing was changed.`,
    next: "check its permissions and the free space, then run again",
  }),
  noCommits: () =>
    usageError("The repository has no commit yet.", "git commit --allow-empty -m 'first commit'"),
  noTarget: (tried: string) =>
    usageError(
      `No trusted branch: ${tried}. States are read from it.`,
      "git config trailhand.target <branch>",
    ),
  noStates: (target: string) =>
    usageError(`The branch ${quoted(target)} has no states/ directory.`, "trailhand init"),
  brokenWorkflow: (file: string, problems: string): UserMessage => ({
    what: `${file} cannot be used:\n${problems}`,
    next: "correct it on the trusted branch, then trailhand doctor",
    exit: EXIT_CODE.refused,
  }),

  unknownCommand: (name: string, nearest: string | undefined) =>
    usageError(`There is no command ${quoted(name)}.${suggestionHint(nearest)}`, "trailhand help"),
  badOption: (command: string, why: string) =>
    usageError(why, command === "help" ? "trailhand help" : `trailhand help ${command}`),
  conflict: (command: string, one: string, other: string) =>
    usageError(
      `--${one} and --${other} cannot be given together; leave one out.`,
      `trailhand help ${command}`,
    ),
  missingArgument: (command: string, name: string) =>
    usageError(`trailhand ${command} needs <${name}>.`, `trailhand help ${command}`),
  badBranch: (name: string) => usageError(`${quoted(name)} is no branch name.`, "git help check-ref-format"),
  unwritableBranch: (name: string) =>
    usageError(
      `The branch name ${quoted(name)} has invisible characters that no message may carry.`,
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
    usageError("HEAD is detached, so no branch is named.", "git switch <branch>, or name the branch"),
  onTarget: (name: string) =>
    usageError(
      `${quoted(name)} is the trusted branch, and no work is done there.`,
      "trailhand request <state> --new <branch>",
    ),
  badStateName: (name: string) =>
    usageError(
      `${quoted(name)} is no state name: lower-case letters, digits, ".", "_" and "-", at most 64.`,
      "trailhand graph",
    ),
  unknownState: (name: string, nearest: string | undefined, known: string) =>
    usageError(
      `There is no state ${quoted(name)}.${suggestionHint(nearest)} Known: ${known}.`,
      "trailhand graph",
    ),
  reservedState: (name: string) =>
    usageError(
      `The state ${quoted(name)} is reserved: only an answer can carry it, or a person at a state that it may follow.`,
      "trailhand graph",
    ),
  bareRepository: () =>
    usageError(
      "This repository is bare: it has no files to write to.",
      "clone it, then trailhand init in the clone",
    ),
  noIdentity: () =>
    usageError(
      "git does not know who you are, and a request is your own commit.",
      'git config user.name "Your Name" && git config user.email you@example.com',
    ),
  noSuchLines: (file: string, rev: string, why: string) =>
    usageError(
      `There are no such lines of ${quoted(file)} in ${quoted(rev)}: ${why}.`,
      "trailhand help blame",
    ),
  cannotRead: (file: string, why: string) =>
    usageError(`The file ${quoted(file)} cannot be read: ${why}.`, "name a file of your work tree"),
  noRequestBelow: (name: string) =>
    usageError(
      `At ${quoted(name)} and below it nothing was asked for.`,
      "trailhand log <branch> shows the commits of a run",
    ),
  noScript: (state: string): UserMessage => ({
    what: `There is no script or prompt for ${quoted(state)} to run.`,
    next: "trailhand replay <commit> --script <file>",
    exit: EXIT_CODE.refused,
  }),
  noAnswerYet: (commit: string): UserMessage => ({
    what: `The request ${commit.slice(0, 10)} has no answer in any branch or archive to compare with.`,
    next: "trailhand run",
    exit: EXIT_CODE.refused,
  }),
  noSuchCommit: (name: string) =>
    usageError(`There is no commit ${quoted(name)}.`, "git log --oneline --all"),
  nothingTo: (verb: string, branch: string, why: string): UserMessage => ({
    what: `Nothing to ${verb} on ${quoted(branch)}: ${why}.`,
    next: `trailhand log ${shellWord(branch)}`,
    exit: EXIT_CODE.refused,
  }),
  headMoved: (branch: string): UserMessage => ({
    what: `${quoted(branch)} moved while this was being written; nothing was changed.`,
    next: "type the same command again",
    exit: EXIT_CODE.later,
  }),
  blocked: (branch: string, why: string): UserMessage => ({
    what: `${quoted(branch)} cannot be written now: ${why}`,
    next: "trailhand status",
    exit: EXIT_CODE.later,
  }),
  dirtyCheckout: (dir: string) =>
    `its checkout ${dir} has changes; put them aside with git stash, then run again`,
  rebasing: (dir: string) => `it is being rebased in ${dir}; finish with git rebase --continue, or --abort`,
  behindCheckout: (dir: string) =>
    `its checkout ${dir} could not follow the answer; run git -C ${dir} status`,
  locked: () => "its lease cannot be written: a file that ends in .lock is left below .git/refs/trailhand",
  leftToOthers: () => "it is another runner's turn",
  claimLost: () => "another runner was faster, or a ref is locked",
  wouldOverwrite: (dir: string) => `untracked files in ${dir} are in the way; move them, then run again`,
  refusedAnswer: (why: string) => `the remote refuses what the script made: ${why}`,
  cannotWait: (why: string) =>
    `its answer makes or moves other branches, so it cannot wait beside its own: ${why}`,
  noEvidence: (state: string, names: readonly string[]) =>
    `${state} may follow only with evidence of the very same files, and this is missing: ${names.join(", ")}`,
  notProven: (state: string, name: string) =>
    `the state "${state}" may not prove ${quoted(name)}; add it to its \`proves\``,
  noSuchChild: (key: string) => `it calls off the child ${quoted(key)}, which it never handed out`,
  wouldWait: (ring: readonly string[]) => `it would wait for itself: ${ring.join(" -> ")}`,
  mayNotLand: (state: string) =>
    `the state "${state}" may not move the trusted branch; add \`land: true\` to it`,
  pathsForbidden: (state: string, paths: readonly string[]) =>
    `${state} may not change ${listed(paths.toSorted())}`,
  planTampered: (id: string) =>
    `the plan ${id.slice(0, 10)} that it follows is not in its history as it was frozen; ask for a new plan`,
  pusherUnknown: (commit: string, branch: string): UserMessage => ({
    what: `The server does not tell yet who pushed ${commit.slice(0, 10)} to ${quoted(branch)}, and that decides whether it may run.`,
    next: "wait; it is asked again by itself",
  }),
  nobodyToAsk: (command: "run" | "github sync"): UserMessage =>
    usageError(
      "The workflow says `proof: pusher`, and GitHub cannot be asked from here who pushed: that needs a remote on GitHub and GITHUB_TOKEN.",
      `GITHUB_TOKEN=<token> trailhand ${command} --remote origin`,
    ),
  planHandsOut: (state: string) => `${state} is a step of a frozen plan, and may hand out no branches`,
  outdated: () =>
    "the trusted branch or another request moved meanwhile, so what was tested is not what would land",
  branchThere: (branch: string) => `the branch ${quoted(branch)} that it would make exists already`,
  noClaim: (why: string): UserMessage => ({
    what: `The lease of a request cannot be written: ${why}`,
    next: "for a host that refuses refs of its own kind: `refs: { prefix: refs/tags/trailhand }` in states/workflow.yml, then trailhand doctor --remote <remote>",
  }),
  notADescendant: (branch: string): UserMessage => ({
    what: `The response on ${quoted(branch)} would not descend from its request.`,
  }),
  noWorktree: (dir: string): UserMessage => ({
    what: `git made no worktree at ${dir}.`,
    next: "trailhand doctor",
  }),
  notSaved: (ref: string): UserMessage => ({
    what: `Could not save unfinished work under ${ref}; its worktree is kept.`,
    next: "trailhand doctor",
  }),
  notWritten: (what: string, branch: string): UserMessage => ({
    what: `Could not write "${what}" for ${quoted(branch)}: its refs keep changing.`,
    next: "trailhand doctor",
  }),
  directoryExists: (dir: string) =>
    usageError(`${dir} exists already.`, "trailhand demo --keep <a new directory>"),
  noPattern: (name: string, nearest: string | undefined, known: string) =>
    usageError(
      `There is no pattern ${quoted(name)}.${suggestionHint(nearest)} Known: ${known}.`,
      "trailhand help advise",
    ),
  noTasks: (file: string, why: string) =>
    usageError(
      `The tasks in ${file} cannot be read: ${why}`,
      "trailhand advise <file>; trailhand packs advise shows one",
    ),
  badTasks: (file: string, problems: string) =>
    usageError(`${file} is no task graph:\n${problems}`, "correct it; trailhand packs advise shows one"),
  noPack: (name: string, nearest: string | undefined) =>
    usageError(`There is no pack ${quoted(name)}.${suggestionHint(nearest)}`, "trailhand packs"),
  filesExist: (files: string): UserMessage => ({
    what: `Already there, left as they are: ${files}.`,
    next: "trailhand doctor",
    exit: EXIT_CODE.refused,
  }),
} as const;
