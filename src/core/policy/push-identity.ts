/**
 * Who pushed the commits of a branch, as the server that took them tells.
 *
 * What must hold: (pure) a commit belongs to the newest push that brought it to this branch; what the
 * server does not tell is left out, and all of it while it has not told of the move to the head; a
 * commit speaks for its author only where an account pushed it that the workflow lets speak for others.
 */
import type { Sha } from "../protocol/ids.ts";
import type { Commit } from "../protocol/request.ts";

/** One move of a branch, by an account of the server. */
export interface Push {
  readonly before: string;
  readonly after: string;
  /** The number of the account; undefined: nobody speaks for what came, as where somebody else's work was merged. */
  readonly id: number | undefined;
  readonly login: string;
}

/** The address that a GitHub account has, whatever its owner shows (GitHub: "Email addresses reference"). */
export const accountAddress = (id: number, login: string): string =>
  `${id}+${login}@users.noreply.github.com`;

/** Logins that a company manages have an underscore in them. */
const ACCOUNT = /^(\d{1,15})\+([a-z0-9_-]{1,100})(\[bot\])?@users\.noreply\.github\.com$/i;

/** The number of the account that an address is of; undefined: it is another kind of address. */
export const accountOf = (address: string): string | undefined => ACCOUNT.exec(address)?.[1];

/** The login of the person whose account an address is of; undefined: it is a bot's, or of another kind. */
export function loginOf(address: string): string | undefined {
  const [, , login, bot] = ACCOUNT.exec(address) ?? [];
  return bot === undefined ? login : undefined;
}

/**
 * The addresses of who pushed, by commit. `trail` is first-parent history and `pushes` are those of
 * its branch, both newest first; `speakers` are the accounts whose commits speak for their authors.
 */
export function pushersOf(
  trail: readonly Commit[],
  pushes: readonly Push[],
  speakers: readonly number[],
): ReadonlyMap<Sha, string> {
  const found = new Map<Sha, string>();
  // A branch may have stood here before, by another's hand: the move that put it here now is not told yet.
  if (pushes[0]?.after !== trail[0]?.commit) return found;
  const oldest = pushes.at(-1);
  let present: Push | undefined;
  for (const { commit, author } of trail) {
    const here = pushes.find(({ after }) => after === commit);
    if (here) present = here;
    else if (present?.before === commit) present = undefined;
    const by = present && addressOf(present, author, speakers);
    if (by !== undefined) found.set(commit, by.toLowerCase());
    // What was there before the first move that is told of, and was forced away, may have been anybody's.
    if (present === oldest && oldest && !isKnownBelow(oldest, trail)) present = undefined;
  }
  return found;
}

/** True where it is known how far down a move reaches: it made the branch, or what it moved from is there. */
const isKnownBelow = ({ before }: Push, trail: readonly Commit[]): boolean =>
  /^0+$/.test(before) || trail.some(({ commit }) => commit === before);

function addressOf(
  { id, login }: Push,
  author: string | undefined,
  speakers: readonly number[],
): string | undefined {
  if (id === undefined) return undefined;
  const speaks = speakers.includes(id) && author !== undefined && accountOf(author) !== undefined;
  return speaks ? author : accountAddress(id, login);
}
