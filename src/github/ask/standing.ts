/**
 * Who is listened to, and what they may do: people as GitHub says, bots as the workflow says.
 *
 * What must hold: a bot that the trusted workflow does not list by the number of its account is not
 * answered at all, or two bots would go on for ever.
 */
import type { Workflow } from "../../core/workflow/workflow.ts";
import type { Right } from "./command.ts";
import type { Desk } from "./desk.ts";
import type { Hub } from "./hub.ts";
import type { Actor, Repo } from "./intent.ts";
import { rightOf, type Standing } from "./permission.ts";

/** People are; a bot is where it is listed. */
export async function isHeard({ id, isBot }: Actor, desk: Desk): Promise<boolean> {
  return !isBot || rightOfBot(id, (await desk.look()).workflow) !== undefined;
}

/** What somebody may do now: GitHub has no roles for the accounts of Apps, so the workflow gives them one. */
export async function standingOf(actor: Actor, repo: Repo, hub: Hub, desk: Desk): Promise<Standing> {
  if (!actor.isBot) return rightOf(hub, repo, actor);
  return { right: rightOfBot(actor.id, (await desk.look()).workflow) ?? "none" };
}

const rightOfBot = (id: number, { bots }: Workflow): Right | undefined =>
  Object.hasOwn(bots, String(id)) ? bots[String(id)] : undefined;
