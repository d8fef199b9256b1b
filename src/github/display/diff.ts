/**
 * What has to be written so that GitHub shows what it should.
 *
 * What must hold: (pure) nothing when all is as wanted; what was deleted by hand is made again; two
 * status comments become one; a person is called once for each commit; what is not ours is not
 * touched, but for labels of other states, and the issue that ends with the work.
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

/** In the order in which it is to be written. */
export function diff(present: ActualState, wanted: DesiredState): Write[] {
  const due = wanted.mentions.flatMap((call) => dueMention(call, present));
  // Branches can stand at the same commit.
  const calls = due.filter((one, at) => at === due.findIndex((other) => isSameMention(one, other)));
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
      return shown ? [...labelWrites(thread, shown), ...commentWrites(thread, shown, calls)] : [];
    }),
    ...calls.flatMap(({ number, mention: call }): Write[] => {
      const thread = wanted.threads.find((one) => one.number === number);
      const isSaid = thread && includesMention(thread, present.threads.get(number), call);
      return isSaid ? [] : [{ kind: "create-comment", number, body: call.body }];
    }),
    ...wanted.checks.flatMap((check) => checkWrites(check, present.checks.get(check.commit))),
    // Last: what became of the work stands there before anybody hears that it is closed.
    ...wanted.closings.flatMap((closing): Write[] => {
      if (!present.closable.has(closing.number)) return [];
      const { number } = closing;
      return closing.kind === "pull"
        ? [{ kind: "close-pull", number }]
        : [{ kind: "close-issue", number, reason: closing.reason }];
    }),
  ];
}

/** One that is open is enough; one that was closed is, while the branch stands where it stood then. */
function pullWrites(pull: NewPull, shown: readonly ShownPull[]): Write[] {
  const isThere = shown.some(({ isOpen, commit }) => isOpen || !pull.shouldReopen || commit === pull.commit);
  return isThere ? [] : [{ kind: "create-pull", pull }];
}

interface DueMention {
  readonly mention: MentionComment;
  readonly number: number;
}

const isSameMention = (one: DueMention, other: DueMention): boolean =>
  one.number === other.number && one.mention.commit === other.mention.commit;

/** Where a person is to be called still; nowhere, when it was said at any of its places. */
function dueMention(call: MentionComment, { threads }: ActualState): DueMention[] {
  const there = call.numbers.filter((number) => threads.has(number));
  const [number] = there;
  const isSaid = there.some((one) => threads.get(one)?.mentionedCommits.has(call.commit));
  return number === undefined || isSaid ? [] : [{ mention: call, number }];
}

/** A status comment that is new is heard of by everybody, so that it calls by itself. */
const includesMention = (
  thread: ThreadState,
  shown: ShownThread | undefined,
  call: MentionComment,
): boolean => shown?.comments.length === 0 && thread.mentionCommit === call.commit && !call.hasMentions;

/** GitHub takes labels that differ in case alone for one. */
const isSameLabel = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** The colour of a label that is there is left to people. */
function newLabels({ labels, threads }: ActualState, wanted: DesiredState): Write[] {
  const missing = new Map<string, Label>();
  for (const { number, label } of wanted.threads) {
    if (threads.has(number) && !labels.some((name) => isSameLabel(name, label.name)))
      missing.set(label.name, label);
  }
  return [...missing.values()].map((label) => ({ kind: "create-label", label }));
}

/** The right one is put on before a wrong one is taken off: an issue is never without. */
function labelWrites({ number, label: { name } }: ThreadState, { labels }: ShownThread): Write[] {
  const wrong = labels.filter((one) => one.startsWith(STATE_LABEL) && !isSameLabel(one, name));
  return [
    ...(labels.some((one) => isSameLabel(one, name)) ? [] : [{ kind: "add-label", number, name } as const]),
    ...wrong.map((one) => ({ kind: "remove-label", number, name: one }) as const),
  ];
}

/** The oldest stays: others may have linked to it. */
function commentWrites(thread: ThreadState, shown: ShownThread, due: readonly DueMention[]): Write[] {
  const { number } = thread;
  const [first, ...doubles] = shown.comments;
  if (!first) {
    const said = due.filter((one) => one.number === number && includesMention(thread, shown, one.mention));
    const calls = [...new Set(said.map(({ mention: call }) => call.commit))];
    return [{ kind: "create-comment", number, body: withMentions(thread.body, calls) }];
  }
  const called = new Set(shown.comments.flatMap((one) => mentionsIn(one.body)));
  const body = withMentions(thread.body, [...called]);
  return [
    ...(isSameText(first.body, body) ? [] : [{ kind: "edit-comment", number, id: first.id, body } as const]),
    ...doubles.map(({ id }) => ({ kind: "delete-comment", number, id }) as const),
  ];
}

/** GitHub may give line ends back as it likes. */
const normalizeLines = (text: string): string => text.replaceAll("\r\n", "\n").trim();
const isSameText = (one: string, other: string): boolean => normalizeLines(one) === normalizeLines(other);

function checkWrites(check: Check, shown: readonly ShownCheck[] | undefined): Write[] {
  const found = shown?.filter(({ name }) => name === check.name).toSorted((a, b) => b.id - a.id)[0];
  if (!shown || (check.isPast && !found)) return [];
  if (!found) return [{ kind: "create-check", check }];
  const isRight =
    found.status === check.status &&
    found.conclusion === check.conclusion &&
    found.externalId === check.externalId &&
    isSameText(found.title, check.title) &&
    isSameText(found.summary, check.summary);
  return isRight ? [] : [{ kind: "update-check", id: found.id, check }];
}
