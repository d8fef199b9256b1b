/**
 * Whether somebody may do what they ask for.
 *
 * What must hold: GitHub is asked at that moment; the account is compared by its number, because a
 * name can pass to somebody else; without a clear answer nobody may do anything.
 */
import { type Right, RIGHTS } from "./command-table.ts";
import type { GitHubQueries, Permission } from "./github-queries.ts";
import type { Actor } from "./intent.ts";
import type { Repo } from "../api/repo.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";
import type { RepositoryActions } from "./repository-port.ts";
import { MINUTE_MS } from "../../core/util/duration.ts";

export interface RightsAnswer {
  readonly right: Right;
  /** Why it is none, where GitHub did not say so itself. */
  readonly why?: string;
}

/** What somebody may do. Throws when GitHub is away, so that the question is put again. */
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
    return { right: "none", why: "GitHub does not tell this app what you may do" };
  }
  if (!answer) return { right: "none", why: "GitHub names nobody" };
  if (answer.id !== id) return { right: "none", why: "the name belongs to another account now" };
  return { right: rightIn(answer) };
}

/** A role of the owner's own making is as much as GitHub says that it includes. */
function rightIn({ role, permission }: Permission): Right {
  const known = (name: string) => RIGHTS.find((one) => one === name);
  return known(role) ?? known(permission) ?? "none";
}

/** True when a right includes another one. */
export const includesRight = (have: Right, need: Right): boolean =>
  RIGHTS.indexOf(have) >= RIGHTS.indexOf(need);

/** The sentence that says which right is missing. */
export function missingRightMessage(
  login: string,
  what: string,
  need: Right,
  { right, why }: RightsAnswer,
): string {
  const because = why === undefined ? "" : `: ${why}`;
  return `@${login}, \`${what}\` needs the right to ${need} here, and you have ${right}${because}.`;
}

function statusOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "status" in error && !isLimited(error)
    ? error.status
    : undefined;
}

/** GitHub says 403 too where it was asked too often. */
function isLimited(error: object): boolean {
  const { response } = error as { response?: { headers?: Record<string, unknown> } };
  const headers = response?.headers ?? {};
  return headers["retry-after"] !== undefined || String(headers["x-ratelimit-remaining"]) === "0";
}

/** What is said to somebody who asked for as much as an hour allows. */
export const rateLimitMessage = (login: string, restMs: number): string =>
  `@${login}, that is enough for this hour; go on in ${Math.ceil(restMs / MINUTE_MS)} min.`;

/** People are; a bot is where it is listed. */
export async function isListenedTo({ id, isBot }: Actor, actions: RepositoryActions): Promise<boolean> {
  return !isBot || rightOfBot(id, (await actions.readView()).workflow) !== undefined;
}

/** What somebody may do now: GitHub has no roles for the accounts of Apps, so the workflow gives them one. */
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
