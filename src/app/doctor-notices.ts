/** What `trailhand doctor` says of holds, closed lanes, waits and approvals. */
import { formatDuration } from "../core/util/duration.ts";
import type { Decision } from "../core/scheduling/decide.ts";
import { typed } from "../core/messages/messages.ts";
import type { Site } from "./workspace.ts";
import { findHold } from "./history-queries.ts";
import type { Survey } from "./branch-listing.ts";
import { shown } from "../cli/render/terminal.ts";

export interface Notice {
  readonly about: string;
  readonly level: "odd";
  readonly what: string;
  readonly next?: string;
}

/** A wait is near its end when so much of its time is over. */
const NEAR = 0.8;

export async function findNotices(site: Site, found: Survey): Promise<Notice[]> {
  const held = await findHold(site);
  const hold: Notice[] = held
    ? [
        {
          about: "hold",
          level: "odd",
          what: `everything is held by ${shown(held.by)} since ${held.since}: ${shown(held.reason, 200)}`,
          next: "trailhand hold --off",
        },
      ]
    : [];
  return [...hold, ...closedLanes(found), ...found.decisions.flatMap((one) => waitNotice(one, found))];
}

function closedLanes({ view, now }: Survey): Notice[] {
  return [...view.sides.closed].flatMap(([lane, until]): Notice[] => {
    if (until <= now.wall) return [];
    const what = `${shown(lane)} is closed for ${formatDuration(until - now.wall)} more`;
    return [{ about: "lane", level: "odd", what, next: "trailhand lanes" }];
  });
}

function waitNotice(decision: Decision, { view, contract, now }: Survey): Notice[] {
  const { head } = decision;
  const { branch, asked } = head;
  if (decision.kind === "run" && decision.known) {
    const { state, why } = decision.known;
    const what = `${shown(branch)}: ${shown(why, 200)}; ${state} follows at the next run`;
    return [{ about: "wait", level: "odd", what, next: "trailhand run" }];
  }
  if (!("why" in decision)) return [];
  if (decision.why.code === "void-approval") {
    const what = `${shown(branch)}: the approval of ${decision.why.detail.slice(0, 10)} is void`;
    return [{ about: "approval", level: "odd", what, next: `trailhand resume ${typed(branch)}` }];
  }
  const request =
    view.facts.approved.get(head.key)?.request ?? (asked.kind === "request" ? asked : undefined);
  if (decision.why.code !== "waits" || !request) return [];
  const { states, limits } = contract.workflow;
  const patience = states[request.state]?.deadline ?? limits.wait;
  const left = request.committed * 1000 + patience - now.wall;
  if (left > patience * (1 - NEAR)) return [];
  const what = `${shown(branch)} ${shown(decision.why.detail, 200)}, for ${formatDuration(left)} more`;
  return [{ about: "wait", level: "odd", what, next: "trailhand status" }];
}
