/** Messages about what people do with work: approve, reject, assign, prioritize and hold. */
import {
  EXIT_CODE,
  quoted,
  refused,
  shellWord,
  suggestionHint,
  usageError,
  type UserMessage,
} from "./message-format.ts";

/** One command for each state, so that the person can choose. */
const choices = (branch: string, states: readonly string[]): string =>
  states.map((state) => `trailhand request ${state} --branch ${shellWord(branch)}`).join(", or ");

export const PERSON_MESSAGES = {
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
  noSigningKey: () =>
    refused(
      "Approvals count here only when signed with an ssh key, and git is not configured with one of yours.",
      "git config gpg.format ssh && git config user.signingkey ~/.ssh/id_ed25519.pub",
    ),

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
      `${quoted(name)} is not an agent of the workflow.${suggestionHint(nearest)} Its agents: ${known}.`,
      "trailhand assign <agent> <branch>",
    ),
  badPriority: (text: string) =>
    usageError(
      `${quoted(text)} is not a priority: use a whole number from -1000 to 1000.`,
      "trailhand priority <n> <branch>",
    ),
  runningAlready: (branch: string) =>
    refused(
      `The request on ${quoted(branch)} is running already, and a priority only affects when a request starts.`,
      "trailhand status",
    ),
  wouldVoidApprovals: (branch: string) =>
    refused(
      `The request on ${quoted(branch)} waits for approvals, and a new priority would void them.`,
      `trailhand approve ${shellWord(branch)}`,
    ),

  alreadyHeld: (why: string, who: string) =>
    refused(
      `${who === "" ? "All work is already" : `${who} has already put all work`} on hold: ${why}`,
      "trailhand hold --off",
    ),
  notHeld: () => refused("There is no hold to release.", "trailhand status"),
  holdMoved: (): UserMessage => ({
    what: "The hold was changed by someone else at the same time; nothing was written.",
    next: "trailhand hold",
    exit: EXIT_CODE.later,
  }),
} as const;
