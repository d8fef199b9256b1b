/** Errors of the commands that steer work: hold, approve, report-check, and the values of trailers. */
import { EXIT_CODE, quoted, shellWord, usageError, type UserMessage } from "./message-format.ts";

const refused = (what: string, next: string): UserMessage => ({ what, next, exit: EXIT_CODE.refused });

export const COMMAND_MESSAGES = {
  alreadyHeld: (why: string, who: string) =>
    refused(`${who} holds all work already: ${why}`, "trailhand hold --off"),
  notHeld: () => refused("There is no hold to end.", "trailhand hold -m <why>"),
  holdMoved: (): UserMessage => ({
    what: "The hold was changed by someone else at the same time; nothing was written.",
    next: "trailhand hold",
    exit: EXIT_CODE.later,
  }),

  notApproved: (branch: string, why: string) =>
    refused(`Nothing was approved on ${quoted(branch)}: ${why}.`, "trailhand status --needs-me"),
  noApprovalNeeded: () => "its request does not wait for an approval",
  approvalVoid: () => "an approval there names another commit than the request, so ask for the state again",
  notAmong: (address: string, names: readonly string[]) =>
    `it waits for ${names.join(" or ")}, and you are ${address}`,
  ownRequest: (address: string) => `it is your own work (${address}), and someone else must approve it`,
  approvedBefore: (address: string) => `${address} has approved it already`,
  unknownSigner: () =>
    "your signature is not made with a key listed in states/allowed_signers of the trusted branch",
  requesterUnknown: () =>
    "GitHub does not report who pushed its request, so the approval could be the requester's own",
  otherCommit: (commit: string) => `its request is the commit ${commit}, not the one that you named`,
  needsOwnSignature: (branch: string) =>
    refused(
      "Approvals count here only when signed with your own key, and a comment has no signature.",
      `trailhand approve ${shellWord(branch)}`,
    ),
  noSigningKey: (): UserMessage => ({
    what: "Approvals count here only when signed with an ssh key, and git is not configured with one of yours.",
    next: "git config gpg.format ssh && git config user.signingkey ~/.ssh/id_ed25519.pub",
    exit: EXIT_CODE.refused,
  }),
  notSigned: (why: string): UserMessage => ({
    what: `The approval could not be signed: ${why}`,
    next: "git config user.signingkey <the public half of one of your keys>",
  }),

  badCheckName: (name: string) =>
    usageError(
      `${quoted(name)} is not a valid check name: use letters, digits, "_", ".", "/" and "-", at most 100 characters.`,
      "trailhand help report-check",
    ),
  checkedOldHead: (branch: string, commit: string): UserMessage => ({
    what: `${quoted(branch)} is no longer at ${commit.slice(0, 12)}, so this check does not apply to its head.`,
    next: `trailhand log ${shellWord(branch)}`,
    exit: EXIT_CODE.refused,
  }),
  badConclusion: (text: string, nearest: string | undefined, known: string) =>
    usageError(
      `${quoted(text)} is not a valid conclusion.${nearest === undefined ? "" : ` Did you mean ${quoted(nearest)}?`} Known: ${known}.`,
      "trailhand help report-check",
    ),

  badEvent: (text: string) =>
    usageError(
      `${quoted(text)} is not a valid event id: use one line of text, at most 500 characters.`,
      "trailhand help request",
    ),
  badBudget: (text: string) =>
    usageError(
      `${quoted(text)} is not a valid budget: use amounts such as "10 USD, 500000 tokens, 30 turns, 2h".`,
      'trailhand resume <branch> --trailer "Budget: 10 USD"',
    ),
  badDependency: (text: string, forms: string) =>
    usageError(
      `${quoted(text)} is not a valid dependency. Use a branch, a commit, or: ${forms}.`,
      'trailhand request <state> --trailer "Depends-On: branch <name>"',
    ),
  badInstant: (text: string) =>
    usageError(
      `${quoted(text)} is not a valid time: use a date, or a time with its zone such as 2030-01-31T09:00:00Z.`,
      'trailhand request <state> --trailer "Not-Before: 2030-01-31"',
    ),
  dependencyCycle: (ring: readonly string[]) =>
    refused(
      `These requests would wait for each other forever: ${ring.join(" -> ")}.`,
      `trailhand status; trailhand log ${shellWord(ring[1] ?? "")}`,
    ),
} as const;
