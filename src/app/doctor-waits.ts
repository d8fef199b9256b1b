/** Checks for a hold, closed lanes, waits that end soon and void approvals. */
import { formatDuration } from "../core/util/duration.ts";
import type { Decision } from "../core/scheduling/decide.ts";
import { cleanLine } from "../core/util/redact.ts";
import { shellWord } from "../core/messages/messages.ts";
import { APP } from "./timing.ts";
import type { Workspace } from "./workspace.ts";
import { readKnownHold } from "./hold.ts";
import type { BranchListing } from "./branch-listing.ts";
import type { Finding } from "./finding.ts";

export async function waitFindings(workspace: Workspace, listing: BranchListing): Promise<Finding[]> {
  const held = await readKnownHold(workspace);
  const hold: Finding[] = held
    ? [
        {
          about: "hold",
          level: "odd",
          what: `everything is held by ${cleanLine(held.by, 80)} since ${held.since}: ${cleanLine(held.reason, 200)}`,
          next: "trailhand hold --off",
        },
      ]
    : [];
  return [
    ...hold,
    ...closedLanes(listing),
    ...listing.decisions.flatMap((decision) => branchFindings(decision, listing)),
  ];
}

function closedLanes({ snapshot, now }: BranchListing): Finding[] {
  return [...snapshot.sideRefs.closedUntil].flatMap(([lane, until]): Finding[] => {
    if (until <= now.wall) return [];
    const what = `${cleanLine(lane, 80)} is closed for ${formatDuration(until - now.wall)} more`;
    return [{ about: "lane", level: "odd", what, next: "trailhand lanes" }];
  });
}

function branchFindings(decision: Decision, { snapshot, trustedConfig, now }: BranchListing): Finding[] {
  const { head } = decision;
  const { branch, reading } = head;
  if (decision.kind === "run" && decision.knownAnswer) {
    const { state, why } = decision.knownAnswer;
    const what = `${cleanLine(branch, 80)}: ${cleanLine(why, 200)}; ${state} follows at the next run`;
    return [{ about: "wait", level: "odd", what, next: "trailhand run" }];
  }
  if (!("why" in decision)) return [];
  if (decision.why.code === "void-approval") {
    const what = `${cleanLine(branch, 80)}: the approval of ${decision.why.detail.slice(0, 10)} is void`;
    return [{ about: "approval", level: "odd", what, next: `trailhand resume ${shellWord(branch)}` }];
  }
  const request =
    snapshot.facts.approvalStates.get(head.key)?.request ??
    (reading.kind === "request" ? reading : undefined);
  if (decision.why.code !== "waits" || !request) return [];
  const { states, limits } = trustedConfig.workflow;
  const patience = states[request.state]?.deadline ?? limits.wait;
  const left = request.committed * 1000 + patience - now.wall;
  if (left > patience * (1 - APP.waitNearEnd)) return [];
  const what = `${cleanLine(branch, 80)} ${cleanLine(decision.why.detail, 200)}, for ${formatDuration(left)} more`;
  return [{ about: "wait", level: "odd", what, next: "trailhand status" }];
}
