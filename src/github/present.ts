/**
 * What GitHub shows now, of all that it should show.
 *
 * What must hold: only what is wanted is asked for, one thing at a time; what others wrote is told
 * apart by the number of its author, never by what it says.
 */
import type { ShownCheck, ShownComment, Self, Surface } from "./surface.ts";
import { carrierKey, MARKER, OURS, type Wanted } from "./wanted.ts";

export interface ShownThread {
  readonly labels: readonly string[];
  /** Our status comments, oldest first. */
  readonly comments: readonly ShownComment[];
}

export interface Present {
  /** Names of all labels of the repository. */
  readonly labels: readonly string[];
  /** By number; one that is missing is gone. */
  readonly threads: ReadonlyMap<number, ShownThread>;
  /** Our check runs by commit; one that is missing is not known to GitHub. */
  readonly checks: ReadonlyMap<string, readonly ShownCheck[]>;
  /** Our reactions by what carried the command; one that is missing is gone. */
  readonly reactions: ReadonlyMap<string, readonly string[]>;
}

/** Looks at everything that is wanted. */
export async function readPresent(surface: Surface, wanted: Wanted, self: Self): Promise<Present> {
  const threads = new Map<number, ShownThread>();
  for (const { number } of wanted.threads) {
    const labels = await surface.thread(number);
    if (!labels) continue;
    const comments = (await surface.comments(number)).filter((one) => isOurs(one, self));
    threads.set(number, { labels, comments: comments.toSorted((a, b) => a.id - b.id) });
  }
  const checks = new Map<string, readonly ShownCheck[]>();
  for (const commit of new Set(wanted.checks.map((check) => check.commit))) {
    const found = await surface.checks(commit);
    if (found)
      checks.set(
        commit,
        found.filter((one) => isOurCheck(one, self)),
      );
  }
  const reactions = new Map<string, readonly string[]>();
  for (const { carrier } of wanted.reactions) {
    const found = await surface.reactions(carrier);
    const ours = found?.filter(({ userId }) => userId === self.accountId).map(({ face }) => face);
    if (ours) reactions.set(carrierKey(carrier), ours);
  }
  const labels = threads.size > 0 ? await surface.labels() : [];
  return { labels, threads, checks, reactions };
}

/** The marker tells our status comment from other comments of ours; the author makes it ours. */
const isOurs = ({ authorId, body }: ShownComment, { accountId }: Self): boolean =>
  authorId === accountId && body.startsWith(MARKER);

/** Where we are no App, GitHub lets us make no check runs; then the key alone has to do. */
const isOurCheck = ({ appId, externalId }: ShownCheck, self: Self): boolean =>
  externalId.startsWith(`${OURS}:`) &&
  (self.appId === undefined || appId === undefined || appId === self.appId);
