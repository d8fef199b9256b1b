/** What `trailhand doctor` says of holds, closed lanes, waits and approvals. */
import { formatDuration } from "../core/util/duration.ts";
import type { Decision } from "../core/scheduling/decide.ts";
import { shellWord } from "../core/messages/messages.ts";
import type { Workspace } from "./workspace.ts";
import { findHold } from "./history-queries.ts";
import type { BranchListing } from "./branch-listing.ts";
import { printable } from "../cli/render/terminal.ts";
import { APP } from "./timing.ts";

export interface Notice {
  readonly about: string;
  readonly level: "odd";
  readonly what: string;
  readonly next?: string;
}

export async function findNotices(workspace: Workspace, found: BranchListing): Promise<Notice[]> {
  const held = await findHold(workspace);
  const hold: Notice[] = held
    ? [
        {
          about: "hold",
          level: "odd",
          what: `everything is held by ${printable(held.by)} since ${held.since}: ${printable(held.reason, 200)}`,
          next: "trailhand hold --off",
        },
      ]
    : [];
  return [...hold, ...closedLanes(found), ...found.decisions.flatMap((one) => waitNotice(one, found))];
}

function closedLanes({ snapshot, now }: BranchListing): Notice[] {
  return [...snapshot.sideRefs.closedUntil].flatMap(([lane, until]): Notice[] => {
    if (until <= now.wall) return [];
    const what = `${printable(lane)} is closed for ${formatDuration(until - now.wall)} more`;
    return [{ about: "lane", level: "odd", what, next: "trailhand lanes" }];
  });
}

function waitNotice(decision: Decision, { snapshot, trustedConfig, now }: BranchListing): Notice[] {
  const { head } = decision;
  const { branch, reading } = head;
  if (decision.kind === "run" && decision.knownAnswer) {
    const { state, why } = decision.knownAnswer;
    const what = `${printable(branch)}: ${printable(why, 200)}; ${state} follows at the next run`;
    return [{ about: "wait", level: "odd", what, next: "trailhand run" }];
  }
  if (!("why" in decision)) return [];
  if (decision.why.code === "void-approval") {
    const what = `${printable(branch)}: the approval of ${decision.why.detail.slice(0, 10)} is void`;
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
  const what = `${printable(branch)} ${printable(decision.why.detail, 200)}, for ${formatDuration(left)} more`;
  return [{ about: "wait", level: "odd", what, next: "trailhand status" }];
}
