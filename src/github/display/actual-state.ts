/**
 * What GitHub shows now, of all that it should show.
 *
 * What must hold: only what is wanted is asked for, one thing at a time; what others wrote is told
 * apart by the number of its author, never by what it says.
 */
import { mentionsIn } from "./mention-comment.ts";
import type {
  ShownCheck,
  ShownComment,
  ShownIssue,
  ShownPull,
  PublisherIdentity,
  Publisher,
} from "./publisher-port.ts";
import { sourceKey, STATUS_MARKER, KEY_PREFIX, type Closing, type DesiredState } from "./desired-state.ts";

export interface ShownThread {
  readonly labels: readonly string[];
  /** Our status comments, oldest first. */
  readonly comments: readonly ShownComment[];
  /** The commits that comments of ours called people for. */
  readonly mentionedCommits: ReadonlySet<string>;
}

export interface ActualState {
  /** Names of all labels of the repository. */
  readonly labels: readonly string[];
  /** By number; one that is missing is gone. */
  readonly threads: ReadonlyMap<number, ShownThread>;
  /** Our check runs by commit; one that is missing is not known to GitHub. */
  readonly checks: ReadonlyMap<string, readonly ShownCheck[]>;
  /** Our reactions by what carried the command; one that is missing is gone. */
  readonly reactions: ReadonlyMap<string, readonly string[]>;
  /** Pull requests, open or not, by the branch that one is to be opened for. */
  readonly pulls: ReadonlyMap<string, readonly ShownPull[]>;
  /** Those of the issues and pull requests to be closed that are open, and that we may close. */
  readonly closable: ReadonlySet<number>;
}

/** Looks at everything that is wanted. */
export async function readActualState(
  publisher: Publisher,
  wanted: DesiredState,
  self: PublisherIdentity,
): Promise<ActualState> {
  const threads = new Map<number, ShownThread>();
  const closable = new Set<number>();
  for (const { number } of wanted.threads) {
    const shown = await publisher.readThread(number);
    if (!shown) continue;
    const comments = (await publisher.listComments(number)).filter(
      ({ authorId }) => authorId === self.accountId,
    );
    threads.set(number, {
      labels: shown.labels,
      comments: comments.filter(isStatus).toSorted((a, b) => a.id - b.id),
      mentionedCommits: new Set(comments.flatMap(({ body }) => mentionsIn(body))),
    });
    const closing = wanted.closings.find((one) => one.number === number);
    if (closing && isOurToClose(closing, shown, self)) closable.add(number);
  }
  const checks = new Map<string, readonly ShownCheck[]>();
  for (const commit of new Set(wanted.checks.map((check) => check.commit))) {
    const found = await publisher.listChecks(commit);
    if (found)
      checks.set(
        commit,
        found.filter((one) => isOurCheck(one, self)),
      );
  }
  const reactions = new Map<string, readonly string[]>();
  for (const { source } of wanted.reactions) {
    const found = await publisher.listReactions(source);
    const ours = found?.filter(({ userId }) => userId === self.accountId).map(({ content }) => content);
    if (ours) reactions.set(sourceKey(source), ours);
  }
  const pulls = new Map<string, readonly ShownPull[]>();
  for (const { branch } of wanted.pulls) pulls.set(branch, await publisher.listPullsFrom(branch));
  const labels = threads.size > 0 ? await publisher.listLabels() : [];
  return { labels, threads, checks, reactions, pulls, closable };
}

/** The marker tells our status comment from other comments of ours; the author makes it ours. */
const isStatus = ({ body }: ShownComment): boolean => body.startsWith(STATUS_MARKER);

/** What somebody opened again is theirs to close; a pull request is ours where we opened it. */
function isOurToClose(
  closing: Closing,
  { isOpen, isPull, reason }: ShownIssue,
  self: PublisherIdentity,
): boolean {
  if (!isOpen || reason === "reopened") return false;
  return closing.kind === "issue" ? !isPull : isPull && closing.authorId === self.accountId;
}

/** Where we are no App, GitHub lets us make no check runs; then the key alone has to do. */
const isOurCheck = ({ appId, externalId }: ShownCheck, self: PublisherIdentity): boolean =>
  externalId.startsWith(`${KEY_PREFIX}:`) &&
  (self.appId === undefined || appId === undefined || appId === self.appId);
