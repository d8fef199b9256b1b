/**
 * Clauses that say why a branch waits or why an attempt was rejected.
 *
 * `status` prints them after the branch name, and an answer quotes them in its body.
 */
import { quoted } from "./message-format.ts";

const MAX_PATHS = 20;
const listed = (paths: readonly string[]): string =>
  [
    ...paths.slice(0, MAX_PATHS).map((path) => (/^[\w./@+-]+$/.test(path) ? path : quoted(path))),
    ...(paths.length > MAX_PATHS ? [`${paths.length - MAX_PATHS} more`] : []),
  ].join(", ");

export const RUN_MESSAGES = {
  dirtyCheckout: (dir: string) =>
    `its checkout ${dir} has uncommitted changes; put them aside with git stash, then start trailhand run`,
  rebasing: (dir: string) =>
    `a rebase is in progress in ${dir}; finish it with git rebase --continue, or --abort`,
  behindCheckout: (dir: string) =>
    `its checkout ${dir} could not follow the response; run git -C ${dir} status`,
  lockedCheckout: (lock: string) =>
    `another git works in the checkout, or was killed there; once it has ended, rm -f ${lock}, then start trailhand run`,
  wouldOverwrite: (dir: string) =>
    `untracked files in ${dir} are in the way; move them, then start trailhand run`,
  locked: () => "a stale .lock file below .git/refs/trailhand blocks its lease; delete that file",
  otherRunnersTurn: () => "it is another runner's turn",
  claimLost: () => "another runner was faster, or a ref is locked",
  refusedAnswer: (why: string) => `the remote rejects what the script made: ${why}`,
  noFilesLeft: () => "the script left no files to answer with",
  waitsForSignature: (why: string) => `its finished response waits for a signature: ${why}`,
  unsignedResponse: (why: string) => `its response could not be signed: ${why}`,
  unsignedCommits: (commits: readonly string[]) =>
    `the script's own commit ${(commits[0] ?? "").slice(0, 10)} has no signature, and \`sign: true\` allows none without; leave the files uncommitted, because the runner signs what it commits`,
  cannotWait: (why: string) =>
    `its answer also creates or moves other branches, so it cannot be kept as a pending response: ${why}`,
  landingOutdated: () =>
    "the trusted branch or another branch of the batch has moved since the test, so the merge would differ from what was tested",
  childBranchExists: (branch: string) => `the branch ${quoted(branch)} that it would create exists already`,

  noEvidence: (state: string, names: readonly string[]) =>
    `${quoted(state)} needs evidence for the current files, and this is missing: ${names.join(", ")}`,
  notProven: (state: string, name: string) =>
    `the state ${quoted(state)} may not give evidence for ${quoted(name)}; add ${quoted(name)} to the \`proves\` of that state`,
  noSuchChild: (key: string) => `it cancels the child ${quoted(key)}, which it never created`,
  waitsForItself: (ring: readonly string[]) => `it would wait for itself: ${ring.join(" -> ")}`,
  mayNotLand: (state: string) =>
    `the state "${state}" may not move the trusted branch; add \`land: true\` to it`,
  pathsForbidden: (state: string, paths: readonly string[]) =>
    `${state} may not change ${listed(paths.toSorted())}`,
  planTampered: (id: string) =>
    `the text of its plan ${id.slice(0, 10)} is missing or was changed after it was frozen; request a new plan`,
  planForbidsChildren: (state: string) =>
    `${state} is a step of a frozen plan and may not create child branches`,
} as const;
