/**
 * Attributes the commits of a branch to the accounts that pushed them, as the server reports.
 *
 * Invariants:
 * - A commit belongs to the newest push that brought it to this branch.
 * - A commit that no reported push explains belongs to no one. If the latest push is not reported
 *   yet, that holds for all commits.
 * - A commit counts for its author only if a trusted account pushed it (`on-behalf`).
 */
import type { Sha } from "../protocol/ids.ts";
import type { Commit } from "../protocol/request.ts";

/** One move of a branch, by an account of the server. */
export interface Push {
  readonly before: string;
  readonly after: string;
  /** The number of the account. Undefined if the push proves nothing, such as a merge of others' work. */
  readonly id: number | undefined;
  readonly login: string;
}

/** The no-reply address of a GitHub account (GitHub: "Email addresses reference"). */
export const accountAddress = (id: number, login: string): string =>
  `${id}+${login}@users.noreply.github.com`;

/** Logins of managed users contain an underscore. */
const ACCOUNT = /^(\d{1,15})\+([a-z0-9_-]{1,100})(\[bot\])?@users\.noreply\.github\.com$/i;

interface Account {
  readonly id: string;
  readonly login: string;
  readonly isBot: boolean;
}

/** The account of a no-reply address; undefined for other addresses. */
export function parseAccount(address: string): Account | undefined {
  const [, id, name, bot] = ACCOUNT.exec(address) ?? [];
  if (id === undefined || name === undefined) return undefined;
  return { id, login: `${name}${bot ?? ""}`, isBot: bot !== undefined };
}

/** The account number in a no-reply address; undefined for other addresses. */
export const accountOf = (address: string): string | undefined => parseAccount(address)?.id;

/** The login in the no-reply address of a person; undefined for bots and other addresses. */
export function loginOf(address: string): string | undefined {
  const account = parseAccount(address);
  return account?.isBot === false ? account.login : undefined;
}

/**
 * The addresses of the pushers, by commit. `trail` is the first-parent history and `pushes` are those
 * of its branch, both newest first. `trustedAccounts` may push commits that count for their authors.
 */
export function pushersOf(
  trail: readonly Commit[],
  pushes: readonly Push[],
  trustedAccounts: readonly number[],
): ReadonlyMap<Sha, string> {
  const pushers = new Map<Sha, string>();
  // The branch may have been at this commit before, by another account. So the latest push must be reported.
  if (pushes[0]?.after !== trail[0]?.commit) return pushers;
  const oldest = pushes.at(-1);
  let current: Push | undefined;
  for (const { commit, author } of trail) {
    const push = pushes.find(({ after }) => after === commit);
    if (push) current = push;
    else if (current?.before === commit) current = undefined;
    const by = current && addressOf(current, author, trustedAccounts);
    if (by !== undefined) pushers.set(commit, by.toLowerCase());
    // Older commits may have come with a push that is not reported any more.
    if (current === oldest && oldest && !isRangeKnown(oldest, trail)) current = undefined;
  }
  return pushers;
}

/** True if the first commit of a push is known: it created the branch, or its base is in the history. */
const isRangeKnown = ({ before }: Push, trail: readonly Commit[]): boolean =>
  /^0+$/.test(before) || trail.some(({ commit }) => commit === before);

function addressOf(
  { id, login }: Push,
  author: string | undefined,
  trustedAccounts: readonly number[],
): string | undefined {
  if (id === undefined) return undefined;
  const countsForAuthor =
    trustedAccounts.includes(id) && author !== undefined && accountOf(author) !== undefined;
  return countsForAuthor ? author : accountAddress(id, login);
}
