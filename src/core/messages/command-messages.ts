/**
 * Sentences of the commands by which people steer: holds, approvals, checks, events, dependencies.
 *
 * What must hold: the same as in `words.ts`, which hands them on.
 */
import { EXIT_CODE, quoted, shellWord, usageError, type UserMessage } from "./message-format.ts";

const refused = (what: string, next: string): UserMessage => ({ what, next, exit: EXIT_CODE.refused });

export const COMMAND_MESSAGES = {
  alreadyHeld: (why: string, who: string) =>
    refused(`Everything is held already, by ${who}: ${why}`, "trailhand hold --off"),
  notHeld: () => refused("Nothing is held.", "trailhand hold -m <why>"),
  holdMoved: (): UserMessage => ({
    what: "Somebody else held or let go at the same time; nothing was changed.",
    next: "trailhand hold",
    exit: EXIT_CODE.later,
  }),

  notApproved: (branch: string, why: string) =>
    refused(`Nothing was approved on ${quoted(branch)}: ${why}.`, "trailhand status --needs-me"),
  noApprovalWanted: () => "nothing there waits for an approval",
  approvalVoid: () => "what is approved there is not what was asked for, so it has to be asked for again",
  notAmong: (address: string, names: readonly string[]) =>
    `it waits for ${names.join(" or ")}, and you are ${address}`,
  ownRequest: (address: string) => `it is your own work (${address}), and somebody else has to approve it`,
  approvedBefore: (address: string) => `${address} has approved it already`,
  unknownSigner: () => "your signature is by no key that states/allowed_signers of the trusted branch knows",
  otherCommit: (commit: string) => `what waits there is the commit ${commit}, and that is not what was named`,
  needsOwnSignature: (branch: string) =>
    refused(
      "Approvals here count only when they are signed with your own key, and a comment has no signature.",
      `trailhand approve ${shellWord(branch)}`,
    ),
  noSigningKey: (): UserMessage => ({
    what: "Approvals here count only when they are signed by an ssh key, and git knows none of yours.",
    next: "git config gpg.format ssh && git config user.signingkey ~/.ssh/id_ed25519.pub",
    exit: EXIT_CODE.refused,
  }),
  notSigned: (why: string): UserMessage => ({
    what: `The approval could not be signed: ${why}`,
    next: "git config user.signingkey <the public half of a key that you have>",
  }),

  badCheckName: (name: string) =>
    usageError(
      `${quoted(name)} is no name of a check: letters, digits, "_", ".", "/" and "-", at most 100.`,
      "trailhand help check",
    ),
  checkedAnother: (branch: string, commit: string): UserMessage => ({
    what: `${quoted(branch)} is no longer at ${commit.slice(0, 12)}, so its check says nothing of the head.`,
    next: `trailhand log ${shellWord(branch)}`,
    exit: EXIT_CODE.refused,
  }),
  badConclusion: (text: string, nearest: string | undefined, known: string) =>
    usageError(
      `${quoted(text)} is no conclusion.${nearest === undefined ? "" : ` Did you mean ${quoted(nearest)}?`} Known: ${known}.`,
      "trailhand help check",
    ),

  badEvent: (text: string) =>
    usageError(
      `${quoted(text)} is no id of an event: it needs text on one line, at most 500 characters.`,
      "trailhand help request",
    ),
  badBudget: (text: string) =>
    usageError(
      `${quoted(text)} is no budget: amounts such as "10 USD, 500000 tokens, 30 turns, 2h".`,
      'trailhand resume <branch> --trailer "Budget: 10 USD"',
    ),
  badDependency: (text: string, forms: string) =>
    usageError(
      `${quoted(text)} is nothing that can be waited for. Write a branch, a commit, or: ${forms}.`,
      'trailhand request <state> --trailer "Depends-On: branch <name>"',
    ),
  badInstant: (text: string) =>
    usageError(
      `${quoted(text)} is no time: write a date, or a time with its zone such as 2030-01-31T09:00:00Z.`,
      'trailhand request <state> --trailer "Not-Before: 2030-01-31"',
    ),
  wouldRing: (ring: readonly string[]) =>
    refused(
      `These would wait for each other for ever: ${ring.join(" -> ")}.`,
      `trailhand status; trailhand log ${shellWord(ring[1] ?? "")}`,
    ),
} as const;
