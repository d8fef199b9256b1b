/**
 * Reads what GitHub shows now, limited to what should be shown.
 *
 * Invariants:
 * - Requests run one after another.
 * - Trailhand's own comments are recognised by the number of their author, never by their text.
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
  /** Trailhand's status comments, oldest first. */
  readonly comments: readonly ShownComment[];
  /** The commits for which a comment of Trailhand already asked a person to act. */
  readonly mentionedCommits: ReadonlySet<string>;
}

export interface ActualState {
  /** Names of all labels of the repository. */
  readonly labels: readonly string[];
  /** By number. A deleted issue or pull request has no entry. */
  readonly threads: ReadonlyMap<number, ShownThread>;
  /** Trailhand's check runs by commit. A commit unknown to GitHub has no entry. */
  readonly checks: ReadonlyMap<string, readonly ShownCheck[]>;
  /** Trailhand's reactions by command source. A deleted source has no entry. */
  readonly reactions: ReadonlyMap<string, readonly string[]>;
  /** Open and closed pull requests, by branch. */
  readonly pulls: ReadonlyMap<string, readonly ShownPull[]>;
  /** The open issues and pull requests that Trailhand may close. */
  readonly closable: ReadonlySet<number>;
}

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
    const closing = wanted.closings.find((candidate) => candidate.number === number);
    if (closing && mayClose(closing, shown, self)) closable.add(number);
  }
  const checks = new Map<string, readonly ShownCheck[]>();
  for (const commit of new Set(wanted.checks.map((check) => check.commit))) {
    const all = await publisher.listChecks(commit);
    if (all)
      checks.set(
        commit,
        all.filter((check) => isOwnCheck(check, self)),
      );
  }
  const reactions = new Map<string, readonly string[]>();
  for (const { source } of wanted.reactions) {
    const all = await publisher.listReactions(source);
    const own = all?.filter(({ userId }) => userId === self.accountId).map(({ content }) => content);
    if (own) reactions.set(sourceKey(source), own);
  }
  const pulls = new Map<string, readonly ShownPull[]>();
  for (const { branch } of wanted.pulls) pulls.set(branch, await publisher.listPullsFrom(branch));
  const labels = threads.size > 0 ? await publisher.listLabels() : [];
  return { labels, threads, checks, reactions, pulls, closable };
}

/** Tells the status comment from Trailhand's other comments. */
const isStatus = ({ body }: ShownComment): boolean => body.startsWith(STATUS_MARKER);

/** A reopened issue stays open, and Trailhand closes only the pull requests that it opened. */
function mayClose(
  closing: Closing,
  { isOpen, isPull, reason }: ShownIssue,
  self: PublisherIdentity,
): boolean {
  if (!isOpen || reason === "reopened") return false;
  return closing.kind === "issue" ? !isPull : isPull && closing.authorId === self.accountId;
}

/** Only an App can create check runs. Without an App id, the key alone identifies them. */
const isOwnCheck = ({ appId, externalId }: ShownCheck, self: PublisherIdentity): boolean =>
  externalId.startsWith(`${KEY_PREFIX}:`) &&
  (self.appId === undefined || appId === undefined || appId === self.appId);
