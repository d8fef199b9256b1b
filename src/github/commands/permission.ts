/**
 * Asks GitHub what right an account has in a repository.
 *
 * Invariants:
 * - GitHub is asked each time a command runs.
 * - Accounts are compared by number, because a login can pass to another account.
 * - Without a clear answer the right is `none`.
 */
import { type Right, RIGHTS } from "./right.ts";
import type { GitHubQueries, Permission } from "./github-queries.ts";
import type { Actor } from "./intent.ts";
import type { Repo } from "../api/repo.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";
import type { RepositoryActions } from "./repository-port.ts";
import { MINUTE_MS } from "../../core/util/duration.ts";

export interface RightsAnswer {
  readonly right: Right;
  /** Why the right is `none`, where GitHub did not say so itself. */
  readonly why?: string;
}

/** The right of an account. Throws while GitHub is unreachable, so that the delivery is retried. */
export async function readRight(
  queries: GitHubQueries,
  repo: Repo,
  { id, login }: Actor,
): Promise<RightsAnswer> {
  let answer: Permission | undefined;
  try {
    answer = await queries.permission(repo, login);
  } catch (error) {
    const status = statusOf(error);
    if (status === 404) return { right: "none" };
    if (status !== 401 && status !== 403) throw error;
    return { right: "none", why: "GitHub does not allow this App to read permissions" };
  }
  if (!answer) return { right: "none", why: "GitHub knows no such account" };
  if (answer.id !== id) return { right: "none", why: "this login now belongs to another account" };
  return { right: rightIn(answer) };
}

/** A custom role counts as the permission that GitHub says it includes. */
function rightIn({ role, permission }: Permission): Right {
  const known = (name: string) => RIGHTS.find((right) => right === name);
  return known(role) ?? known(permission) ?? "none";
}

export function missingRightMessage(
  login: string,
  command: string,
  required: Right,
  { right, why }: RightsAnswer,
): string {
  const reason = why === undefined ? "" : `: ${why}`;
  return `@${login}, \`${command}\` needs the right \`${required}\` in this repository, and you have \`${right}\`${reason}.`;
}

function statusOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "status" in error && !isRateLimit(error)
    ? error.status
    : undefined;
}

/** GitHub also answers 403 when its rate limit is exceeded. */
function isRateLimit(error: object): boolean {
  const { response } = error as { response?: { headers?: Record<string, unknown> } };
  const headers = response?.headers ?? {};
  return headers["retry-after"] !== undefined || String(headers["x-ratelimit-remaining"]) === "0";
}

export const rateLimitMessage = (login: string, waitMs: number): string =>
  `@${login}, you have reached the limit of commands for this hour. Try again in ${Math.ceil(waitMs / MINUTE_MS)} min.`;

/** True for people, and for bots that the workflow lists. */
export async function isListenedTo({ id, isBot }: Actor, actions: RepositoryActions): Promise<boolean> {
  return !isBot || rightOfBot(id, (await actions.readView()).workflow) !== undefined;
}

/** The right of a person or a bot. GitHub has no roles for the accounts of Apps: the workflow gives them one. */
export async function readActorRight(
  actor: Actor,
  repo: Repo,
  queries: GitHubQueries,
  actions: RepositoryActions,
): Promise<RightsAnswer> {
  if (!actor.isBot) return readRight(queries, repo, actor);
  return { right: rightOfBot(actor.id, (await actions.readView()).workflow) ?? "none" };
}

const rightOfBot = (id: number, { bots }: Workflow): Right | undefined =>
  Object.hasOwn(bots, String(id)) ? bots[String(id)] : undefined;
