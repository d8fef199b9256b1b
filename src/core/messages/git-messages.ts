/** Errors of git, of the repository and of its remote. */
import { EXIT_CODE, quoted, refused, usageError, type UserMessage } from "./message-format.ts";

export const GIT_MESSAGES = {
  notARepository: (dir: string) =>
    usageError(`${dir} is not inside a git repository.`, "git init, or trailhand -C <repository> …"),
  noSuchDirectory: (dir: string) =>
    usageError(`There is no directory ${dir}.`, "trailhand -C <an existing directory> …"),
  bareRepository: () =>
    usageError(
      "This repository is bare, so it has no files to write to.",
      "clone it, then run trailhand init in the clone",
    ),
  noGit: (): UserMessage => ({ what: "git is not on the PATH.", next: "install git 2.39 or newer" }),
  gitTooOld: (found: string): UserMessage => ({
    what: `git ${found} is too old: Trailhand needs 2.39 or newer.`,
    next: "upgrade git, then run trailhand doctor",
  }),
  gitTooOldFor: (dir: string, found: string, why: string): UserMessage => ({
    what: `git ${found} is too old for the repository ${dir}: ${why}`,
    next: "upgrade git, then run trailhand doctor",
  }),
  gitFailed: (command: string, code: number, stderr: string): UserMessage => ({
    what: `git ${command} failed with exit code ${code}: ${stderr}`,
    next: "trailhand doctor",
  }),
  unreadableTarget: (ref: string, why: string): UserMessage => ({
    what: `Nothing runs, because ${ref}, the trusted branch, cannot be read: ${why}`,
    next: `git reflog ${ref}, then git update-ref ${ref} <a commit that is there>`,
  }),
  unreadableHold: (ref: string, why: string, file: string): UserMessage => ({
    what: `Nothing runs, because ${ref}, which holds everything, cannot be read: ${why}`,
    next: `git update-ref -d ${ref}, or rm -f ${file}`,
  }),
  gitSilent: (command: string, ms: number): UserMessage => ({
    what: `git ${command} printed nothing for ${Math.round(ms / 1000)} s and was stopped.`,
    next: "trailhand doctor",
    exit: EXIT_CODE.later,
  }),
  gitLimit: (command: string, what: string): UserMessage => ({
    what: `git ${command} was stopped: ${what}.`,
    next: "trailhand log <branch>",
  }),
  brokenObject: (id: string, path: string): UserMessage => ({
    what: `The object ${id} (${path}) of the trusted branch does not have the content that its id stands for.`,
    next: "git fsck",
  }),
  insideAttempt: (command: string) =>
    refused(
      `trailhand ${command} does not work inside an attempt: this repository is a copy that ends with it.`,
      "write children, cancel, land or state to $TRAILHAND_OUTPUT instead",
    ),
  noIdentity: () =>
    usageError(
      "git does not know who you are, and Trailhand records your name on what you write.",
      'git config user.name "Your Name" && git config user.email you@example.com',
    ),
  noCommits: () =>
    usageError("The repository has no commits yet.", "git commit --allow-empty -m 'first commit'"),
  noSuchCommit: (name: string) =>
    usageError(`There is no commit ${quoted(name)}.`, "git log --oneline --all"),

  cannotSign: (why: string): UserMessage => ({
    what: `A commit could not be signed: ${why}`,
    next: "git config user.signingKey <your key>, or unlock the key in its agent; then trailhand doctor",
  }),
  noKeyConfigured: () => "git config user.signingKey names no key",
  gpgSilent: (why: string) =>
    `${why}; to see why, type: echo test | gpg -bsau "$(git config user.signingKey)"`,
  keySilent: (why: string) => `${why} If the key has a passphrase, unlock it in its agent`,
  signedElsewhere: (commit: string) =>
    `the commit ${commit.slice(0, 10)} was written on another machine, whose runner has to sign it`,

  noTarget: (why: string) =>
    usageError(
      `No trusted branch found to read states from: ${why}.`,
      "git config trailhand.target <branch>",
    ),
  noStates: (target: string) =>
    usageError(`The branch ${quoted(target)} has no states/ directory.`, "trailhand init"),
  brokenWorkflow: (file: string, problems: string) =>
    refused(`${file} is not valid:\n${problems}`, "fix it on the trusted branch, then run trailhand doctor"),

  noRemote: (name: string, known: string) =>
    usageError(
      `There is no remote ${quoted(name)}.${known === "" ? "" : ` Known: ${known}.`}`,
      "git remote -v, or give a URL or a path",
    ),
  noAtomic: (remote: string): UserMessage => ({
    what: `The remote ${remote} does not support atomic pushes, so a response could be written only partly.`,
    next: "use a server with git 2.4 or newer that does not turn receive.advertiseAtomic off",
  }),
  probeFailed: (remote: string, what: string) =>
    refused(
      `Runners cannot share the remote ${remote} safely: ${what}`,
      "trailhand doctor --remote <remote>",
    ),
  pusherUnknown: (commit: string, branch: string): UserMessage => ({
    what: `GitHub does not show yet who pushed ${commit.slice(0, 10)} to ${quoted(branch)}. The request starts once it does.`,
    next: "wait; the runner asks again",
  }),
  cannotAskPusher: (command: "run" | "github sync"): UserMessage =>
    usageError(
      "The workflow says `proof: pusher`, and Trailhand cannot ask GitHub who pushed: that needs a remote on GitHub and GITHUB_TOKEN.",
      `GITHUB_TOKEN=<token> trailhand ${command} --remote origin`,
    ),

  readOnly: (where: string, why: string): UserMessage => ({
    what: `Cannot write to ${where}: ${why}. Nothing was changed.`,
    next: "check its permissions and the free space, then type the same command again",
  }),
  leaseNotWritable: (why: string): UserMessage => ({
    what: `The lease of a request cannot be written: ${why}`,
    next: "if the host accepts only branches and tags, put `refs: { prefix: refs/tags/trailhand }` in states/workflow.yml, then run trailhand doctor --remote <remote>",
  }),
  notADescendant: (branch: string): UserMessage => ({
    what: `The response on ${quoted(branch)} would not descend from its request.`,
  }),
  noWorktree: (dir: string): UserMessage => ({
    what: `git did not create a worktree at ${dir}.`,
    next: "trailhand doctor",
  }),
  notSaved: (ref: string): UserMessage => ({
    what: `Unfinished work could not be saved under ${ref}, so its worktree is kept.`,
    next: "trailhand doctor",
  }),
  refsKeepChanging: (record: "the back-off" | "the pending response", branch: string): UserMessage => ({
    what: `Could not write ${record} of ${quoted(branch)}: its refs keep changing.`,
    next: "trailhand doctor",
  }),
} as const;
