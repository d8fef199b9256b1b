/**
 * Computes the writes that make GitHub show the desired state.
 *
 * Invariants:
 * - There are no writes when everything is as desired, and deleted items are created again.
 * - A person is asked to act once for each commit.
 * - Only Trailhand's own items change, plus the labels of states and the issue of finished work.
 */
import { mentionsIn, withMentions } from "./mention-comment.ts";
import type { ActualState, ShownThread } from "./actual-state.ts";
import type { ShownCheck, ShownPull } from "./publisher-port.ts";
import {
  sourceKey,
  STATE_LABEL,
  type MentionComment,
  type CommandSource,
  type Check,
  type ReactionContent,
  type Label,
  type NewPull,
  type ThreadState,
  type DesiredState,
} from "./desired-state.ts";

export type Write =
  | { readonly kind: "create-label"; readonly label: Label }
  | { readonly kind: "add-label" | "remove-label"; readonly number: number; readonly name: string }
  | { readonly kind: "create-comment"; readonly number: number; readonly body: string }
  | { readonly kind: "edit-comment"; readonly number: number; readonly id: number; readonly body: string }
  | { readonly kind: "delete-comment"; readonly number: number; readonly id: number }
  | { readonly kind: "create-check"; readonly check: Check }
  | { readonly kind: "update-check"; readonly id: number; readonly check: Check }
  | { readonly kind: "react"; readonly source: CommandSource; readonly content: ReactionContent }
  | { readonly kind: "create-pull"; readonly pull: NewPull }
  | { readonly kind: "close-pull"; readonly number: number }
  | {
      readonly kind: "close-issue";
      readonly number: number;
      readonly reason: "completed" | "not_planned";
    };

/** The writes in their order. */
export function diff(present: ActualState, wanted: DesiredState): Write[] {
  const due = wanted.mentions.flatMap((mention) => dueMention(mention, present));
  // Several branches can have the same head.
  const mentions = due.filter(
    (mention, at) => at === due.findIndex((other) => isSameMention(mention, other)),
  );
  return [
    ...wanted.pulls.flatMap((pull) => pullWrites(pull, present.pulls.get(pull.branch) ?? [])),
    ...wanted.reactions.flatMap(({ source, contents }) => {
      const shown = present.reactions.get(sourceKey(source));
      return contents.flatMap((content): Write[] =>
        !shown || shown.includes(content) ? [] : [{ kind: "react", source, content }],
      );
    }),
    ...newLabels(present, wanted),
    ...wanted.threads.flatMap((thread) => {
      const shown = present.threads.get(thread.number);
      return shown ? [...labelWrites(thread, shown), ...commentWrites(thread, shown, mentions)] : [];
    }),
    ...mentions.flatMap(({ number, mention }): Write[] => {
      const thread = wanted.threads.find((candidate) => candidate.number === number);
      const isIncluded = thread && includesMention(thread, present.threads.get(number), mention);
      return isIncluded ? [] : [{ kind: "create-comment", number, body: mention.body }];
    }),
    ...wanted.checks.flatMap((check) => checkWrites(check, present.checks.get(check.commit))),
    // Last, so that the result of the work is visible before GitHub notifies people of the closing.
    ...wanted.closings.flatMap((closing): Write[] => {
      if (!present.closable.has(closing.number)) return [];
      const { number } = closing;
      return closing.kind === "pull"
        ? [{ kind: "close-pull", number }]
        : [{ kind: "close-issue", number, reason: closing.reason }];
    }),
  ];
}

/** An open pull request is enough. A closed one is enough while the branch has not moved since. */
function pullWrites(pull: NewPull, shown: readonly ShownPull[]): Write[] {
  const isThere = shown.some(({ isOpen, commit }) => isOpen || !pull.shouldReopen || commit === pull.commit);
  return isThere ? [] : [{ kind: "create-pull", pull }];
}

interface DueMention {
  readonly mention: MentionComment;
  readonly number: number;
}

const isSameMention = (a: DueMention, b: DueMention): boolean =>
  a.number === b.number && a.mention.commit === b.mention.commit;

/** Where the comment still has to be written; empty when any of the issues already has it. */
function dueMention(mention: MentionComment, { threads }: ActualState): DueMention[] {
  const existing = mention.numbers.filter((number) => threads.has(number));
  const [number] = existing;
  const isWritten = existing.some((issue) => threads.get(issue)?.mentionedCommits.has(mention.commit));
  return number === undefined || isWritten ? [] : [{ mention, number }];
}

/** A new status comment notifies people by itself, so that no second comment is needed. */
const includesMention = (
  thread: ThreadState,
  shown: ShownThread | undefined,
  mention: MentionComment,
): boolean => shown?.comments.length === 0 && thread.mentionCommit === mention.commit && !mention.hasMentions;

/** GitHub ignores case in the names of labels. */
const isSameLabel = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** An existing label keeps its colour, which people may have chosen. */
function newLabels({ labels, threads }: ActualState, wanted: DesiredState): Write[] {
  const missing = new Map<string, Label>();
  for (const { number, label } of wanted.threads) {
    if (threads.has(number) && !labels.some((name) => isSameLabel(name, label.name)))
      missing.set(label.name, label);
  }
  return [...missing.values()].map((label) => ({ kind: "create-label", label }));
}

/** The correct label is added before others are removed, so that an issue always has one. */
function labelWrites({ number, label: { name } }: ThreadState, { labels }: ShownThread): Write[] {
  const wrong = labels.filter((label) => label.startsWith(STATE_LABEL) && !isSameLabel(label, name));
  return [
    ...(labels.some((label) => isSameLabel(label, name))
      ? []
      : [{ kind: "add-label", number, name } as const]),
    ...wrong.map((label) => ({ kind: "remove-label", number, name: label }) as const),
  ];
}

/** Of several status comments the oldest stays, because others may link to it. */
function commentWrites(thread: ThreadState, shown: ShownThread, due: readonly DueMention[]): Write[] {
  const { number } = thread;
  const [first, ...duplicates] = shown.comments;
  if (!first) {
    const included = due.filter(
      (mention) => mention.number === number && includesMention(thread, shown, mention.mention),
    );
    const commits = [...new Set(included.map(({ mention }) => mention.commit))];
    return [{ kind: "create-comment", number, body: withMentions(thread.body, commits) }];
  }
  const commits = new Set(shown.comments.flatMap((comment) => mentionsIn(comment.body)));
  const body = withMentions(thread.body, [...commits]);
  return [
    ...(isSameText(first.body, body) ? [] : [{ kind: "edit-comment", number, id: first.id, body } as const]),
    ...duplicates.map(({ id }) => ({ kind: "delete-comment", number, id }) as const),
  ];
}

/** GitHub may return other line ends than it received. */
const normalizeLines = (text: string): string => text.replaceAll("\r\n", "\n").trim();
const isSameText = (a: string, b: string): boolean => normalizeLines(a) === normalizeLines(b);

function checkWrites(check: Check, shown: readonly ShownCheck[] | undefined): Write[] {
  const existing = shown?.filter(({ name }) => name === check.name).toSorted((a, b) => b.id - a.id)[0];
  if (!shown || (check.isPast && !existing)) return [];
  if (!existing) return [{ kind: "create-check", check }];
  const isUpToDate =
    existing.status === check.status &&
    existing.conclusion === check.conclusion &&
    existing.externalId === check.externalId &&
    isSameText(existing.title, check.title) &&
    isSameText(existing.summary, check.summary);
  return isUpToDate ? [] : [{ kind: "update-check", id: existing.id, check }];
}
