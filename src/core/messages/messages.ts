/**
 * Every sentence that a person reads, in one place.
 *
 * What must hold: each says what happened, what was expected where that helps, and the next
 * command to type. A Fault is "we could not"; what a script said is an Outcome, never a Fault.
 */
import { EXIT, quoted, typed, usage, type Sentence } from "./message-format.ts";
import { commandWords } from "./command-messages.ts";
import { githubWords } from "./github-messages.ts";

export { EXIT, quoted, typed, type Sentence };

/** Something that could not be done; carries the sentence, the next command and the exit code. */
export class Fault extends Error {
  readonly next: string | undefined;
  readonly exit: number;

  constructor(sentence: Sentence, options?: { readonly cause?: unknown }) {
    super(sentence.what, options);
    this.name = "Fault";
    this.next = sentence.next;
    this.exit = sentence.exit ?? EXIT.failed;
  }
}

/** A remote that does not answer, or not in time: what was sent to it may have arrived. */
export class Unreachable extends Fault {
  constructor(remote: string, why: string, options?: { readonly cause?: unknown }) {
    super(
      {
        what: `The remote ${remote} cannot be reached: ${why}`,
        next: `trailhand doctor --remote ${typed(remote)}`,
        exit: EXIT.later,
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

const nearestHint = (nearest: string | undefined): string =>
  nearest === undefined ? "" : ` Did you mean ${quoted(nearest)}?`;

export const words = {
  ...commandWords,
  ...githubWords,
  emptyHeader: () =>
    usage("The commit message has no first line.", 'trailhand request <state> -m "A subject"'),
  badTrailerKey: (key: string) =>
    usage(
      `${quoted(key)} is no trailer key: letters, digits and "-", at most 64 characters.`,
      "trailhand help request",
    ),
  noTrailer: (text: string) =>
    usage(
      `${quoted(text)} is no trailer: it has no ":".`,
      'trailhand request <state> --trailer "Key: value"',
    ),
  badTrailerValue: (key: string) =>
    usage(`The trailer ${quoted(key)} needs a value on one line.`, "trailhand help request"),
  reservedKey: (key: string) =>
    usage(
      `The trailer ${quoted(key)} is written by Trailhand itself; leave it out.`,
      "trailhand help request",
    ),
  doesNotReadBack: (meant: string, read: string): Sentence => ({
    what: `The message does not read back. Meant:\n${meant}\nRead:\n${read}`,
  }),

  notARepository: (dir: string) =>
    usage(`${dir} is not inside a git repository.`, "git init, or trailhand -C <repository> …"),
  noSuchDirectory: (dir: string) =>
    usage(`There is no directory ${dir}.`, "trailhand -C <a directory that exists> …"),
  noGit: (): Sentence => ({ what: "git is not on the PATH.", next: "install git 2.38 or newer" }),
  gitTooOld: (found: string): Sentence => ({
    what: `git ${found} is too old: 2.38 or newer is needed.`,
    next: "upgrade git, then trailhand doctor",
  }),
  gitFailed: (command: string, code: number, stderr: string): Sentence => ({
    what: `git ${command} ended with ${code}: ${stderr}`,
    next: "trailhand doctor",
  }),
  gitSilent: (command: string, ms: number): Sentence => ({
    what: `git ${command} printed nothing for ${Math.round(ms / 1000)} s and was ended.`,
    next: "trailhand doctor",
    exit: EXIT.later,
  }),
  noPipe: (path: string) => usage(`${path} is no named pipe.`, `mkfifo ${typed(path)}`),
  noPort: (port: number, why: string) =>
    usage(`Cannot listen at port ${port}: ${why}.`, "trailhand run --watch --wake <a free port>"),
  badDuration: (option: string, text: string) =>
    usage(`--${option} needs a duration such as 30s or 5m, not ${quoted(text)}.`, "trailhand help run"),
  noRemote: (name: string, known: string) =>
    usage(
      `There is no remote ${quoted(name)}.${known === "" ? "" : ` Known: ${known}.`}`,
      "git remote -v; a URL or a path may be given in its place",
    ),
  noAtomic: (remote: string): Sentence => ({
    what: `The remote ${remote} takes no atomic pushes, so an answer could be written by halves.`,
    next: "use a server with git 2.4 or newer, and receive.advertiseAtomic not turned off",
  }),
  probeFailed: (remote: string, what: string): Sentence => ({
    what: `The remote ${remote} cannot be shared safely: ${what}`,
    next: "trailhand doctor --remote <remote>",
    exit: EXIT.refused,
  }),
  readOnly: (where: string, why: string): Sentence => ({
    what: `Cannot write to ${where}: ${why}. Nothing was changed.`,
    next: "check its permissions and the free space, then run again",
  }),
  noCommits: () => usage("The repository has no commit yet.", "git commit --allow-empty -m 'first commit'"),
  noTarget: (tried: string) =>
    usage(`No trusted branch: ${tried}. States are read from it.`, "git config trailhand.target <branch>"),
  noStates: (target: string) =>
    usage(`The branch ${quoted(target)} has no states/ directory.`, "trailhand init"),
  brokenWorkflow: (file: string, problems: string): Sentence => ({
    what: `${file} cannot be used:\n${problems}`,
    next: "correct it on the trusted branch, then trailhand doctor",
    exit: EXIT.refused,
  }),

  unknownCommand: (name: string, nearest: string | undefined) =>
    usage(`There is no command ${quoted(name)}.${nearestHint(nearest)}`, "trailhand help"),
  badOption: (command: string, why: string) =>
    usage(why, command === "help" ? "trailhand help" : `trailhand help ${command}`),
  conflict: (command: string, one: string, other: string) =>
    usage(`--${one} and --${other} cannot be given together; leave one out.`, `trailhand help ${command}`),
  missingArgument: (command: string, name: string) =>
    usage(`trailhand ${command} needs <${name}>.`, `trailhand help ${command}`),
  badBranch: (name: string) => usage(`${quoted(name)} is no branch name.`, "git help check-ref-format"),
  unwritableBranch: (name: string) =>
    usage(
      `The branch name ${quoted(name)} has invisible characters that no message may carry.`,
      "git branch -m <a plainer name>",
    ),
  noSuchBranch: (name: string, nearest: string | undefined) =>
    usage(`There is no branch ${quoted(name)}.${nearestHint(nearest)}`, "trailhand status"),
  branchExists: (name: string) =>
    usage(`The branch ${quoted(name)} exists already.`, `trailhand request <state> --branch ${typed(name)}`),
  detachedHead: () =>
    usage("HEAD is detached, so no branch is named.", "git switch <branch>, or name the branch"),
  onTarget: (name: string) =>
    usage(
      `${quoted(name)} is the trusted branch, and no work is done there.`,
      "trailhand request <state> --new <branch>",
    ),
  badStateName: (name: string) =>
    usage(
      `${quoted(name)} is no state name: lower-case letters, digits, ".", "_" and "-", at most 64.`,
      "trailhand graph",
    ),
  unknownState: (name: string, nearest: string | undefined, known: string) =>
    usage(`There is no state ${quoted(name)}.${nearestHint(nearest)} Known: ${known}.`, "trailhand graph"),
  reservedState: (name: string) =>
    usage(
      `The state ${quoted(name)} is reserved: only an answer can carry it, or a person at a state that it may follow.`,
      "trailhand graph",
    ),
  bareRepository: () =>
    usage(
      "This repository is bare: it has no files to write to.",
      "clone it, then trailhand init in the clone",
    ),
  noIdentity: () =>
    usage(
      "git does not know who you are, and a request is your own commit.",
      'git config user.name "Your Name" && git config user.email you@example.com',
    ),
  noSuchLines: (file: string, rev: string, why: string) =>
    usage(`There are no such lines of ${quoted(file)} in ${quoted(rev)}: ${why}.`, "trailhand help blame"),
  cannotRead: (file: string, why: string) =>
    usage(`The file ${quoted(file)} cannot be read: ${why}.`, "name a file of your work tree"),
  noRequestBelow: (name: string) =>
    usage(
      `At ${quoted(name)} and below it nothing was asked for.`,
      "trailhand log <branch> shows the commits of a run",
    ),
  noScript: (state: string): Sentence => ({
    what: `There is no script or prompt for ${quoted(state)} to run.`,
    next: "trailhand replay <commit> --script <file>",
    exit: EXIT.refused,
  }),
  noAnswerYet: (commit: string): Sentence => ({
    what: `The request ${commit.slice(0, 10)} has no answer in any branch or archive to compare with.`,
    next: "trailhand run",
    exit: EXIT.refused,
  }),
  noSuchCommit: (name: string) => usage(`There is no commit ${quoted(name)}.`, "git log --oneline --all"),
  nothingTo: (verb: string, branch: string, why: string): Sentence => ({
    what: `Nothing to ${verb} on ${quoted(branch)}: ${why}.`,
    next: `trailhand log ${typed(branch)}`,
    exit: EXIT.refused,
  }),
  headMoved: (branch: string): Sentence => ({
    what: `${quoted(branch)} moved while this was being written; nothing was changed.`,
    next: "type the same command again",
    exit: EXIT.later,
  }),
  blocked: (branch: string, why: string): Sentence => ({
    what: `${quoted(branch)} cannot be written now: ${why}`,
    next: "trailhand status",
    exit: EXIT.later,
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
  pusherUnknown: (commit: string, branch: string): Sentence => ({
    what: `The server does not tell yet who pushed ${commit.slice(0, 10)} to ${quoted(branch)}, and that decides whether it may run.`,
    next: "wait; it is asked again by itself",
  }),
  nobodyToAsk: (command: "run" | "github sync"): Sentence =>
    usage(
      "The workflow says `proof: pusher`, and GitHub cannot be asked from here who pushed: that needs a remote on GitHub and GITHUB_TOKEN.",
      `GITHUB_TOKEN=<token> trailhand ${command} --remote origin`,
    ),
  planHandsOut: (state: string) => `${state} is a step of a frozen plan, and may hand out no branches`,
  outdated: () =>
    "the trusted branch or another request moved meanwhile, so what was tested is not what would land",
  branchThere: (branch: string) => `the branch ${quoted(branch)} that it would make exists already`,
  noClaim: (why: string): Sentence => ({
    what: `The lease of a request cannot be written: ${why}`,
    next: "for a host that refuses refs of its own kind: `refs: { prefix: refs/tags/trailhand }` in states/workflow.yml, then trailhand doctor --remote <remote>",
  }),
  notADescendant: (branch: string): Sentence => ({
    what: `The response on ${quoted(branch)} would not descend from its request.`,
  }),
  noWorktree: (dir: string): Sentence => ({
    what: `git made no worktree at ${dir}.`,
    next: "trailhand doctor",
  }),
  notSaved: (ref: string): Sentence => ({
    what: `Could not save unfinished work under ${ref}; its worktree is kept.`,
    next: "trailhand doctor",
  }),
  notWritten: (what: string, branch: string): Sentence => ({
    what: `Could not write "${what}" for ${quoted(branch)}: its refs keep changing.`,
    next: "trailhand doctor",
  }),
  directoryExists: (dir: string) =>
    usage(`${dir} exists already.`, "trailhand demo --keep <a new directory>"),
  noPattern: (name: string, nearest: string | undefined, known: string) =>
    usage(
      `There is no pattern ${quoted(name)}.${nearestHint(nearest)} Known: ${known}.`,
      "trailhand help advise",
    ),
  noTasks: (file: string, why: string) =>
    usage(
      `The tasks in ${file} cannot be read: ${why}`,
      "trailhand advise <file>; trailhand packs advise shows one",
    ),
  badTasks: (file: string, problems: string) =>
    usage(`${file} is no task graph:\n${problems}`, "correct it; trailhand packs advise shows one"),
  noPack: (name: string, nearest: string | undefined) =>
    usage(`There is no pack ${quoted(name)}.${nearestHint(nearest)}`, "trailhand packs"),
  filesExist: (files: string): Sentence => ({
    what: `Already there, left as they are: ${files}.`,
    next: "trailhand doctor",
    exit: EXIT.refused,
  }),
} as const;
