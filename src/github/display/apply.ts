/**
 * Writes differences to GitHub, and reads again where a write may or may not have happened.
 *
 * Invariants:
 * - Writes run one after another, and a refused write does not stop the others.
 * - A write with an unknown result is repeated only when a new read does not find it.
 * - After a crash, the next run writes what is missing.
 */
import { RequestDeclined } from "../api/client.ts";
import { diff, type Write } from "./diff.ts";
import { readActualState } from "./actual-state.ts";
import type { PublisherIdentity, Publisher } from "./publisher-port.ts";
import type { PullRequestRef, DesiredState } from "./desired-state.ts";

export interface ApplyResult {
  readonly done: readonly Write[];
  /** Writes that GitHub refused, with its message. */
  readonly refused: readonly { readonly write: Write; readonly why: string }[];
  /** Writes whose target was deleted, or whose result is unknown. The next read decides. */
  readonly uncertain: readonly Write[];
  /** Set when GitHub's rate limit requires a long wait: the writes that were not made. */
  readonly postponed: { readonly ms: number; readonly writes: readonly Write[] } | undefined;
}

/** Writes in order. Throws every error that is not an answer of GitHub, and a failed authentication. */
export async function applyWrites(writes: readonly Write[], publisher: Publisher): Promise<ApplyResult> {
  const done: Write[] = [];
  const open: Write[] = [];
  const refused: { write: Write; why: string }[] = [];
  const unsure = new Set<number>();
  for (const [at, write] of writes.entries()) {
    // A closed issue is not updated any more, so its comments must be complete before it is closed.
    if (isClosing(write) && unsure.has(write.number)) {
      open.push(write);
      continue;
    }
    try {
      await apply(write, publisher);
      done.push(write);
    } catch (error) {
      // Without valid credentials, every other write would fail too.
      if (!(error instanceof RequestDeclined) || error.status === 401) throw error;
      const { decision, status, message } = error;
      if (decision.kind === "postpone")
        return { done, refused, uncertain: open, postponed: { ms: decision.ms, writes: writes.slice(at) } };
      // Another account created the label or the pull request first.
      if (status === 422 && isAlreadyThere(write, message)) done.push(write);
      else if (decision.kind === "refused") refused.push({ write, why: message });
      else {
        open.push(write);
        if ("number" in write) unsure.add(write.number);
      }
    }
  }
  return { done, refused, uncertain: open, postponed: undefined };
}

const isClosing = (write: Write): write is Extract<Write, { kind: "close-pull" | "close-issue" }> =>
  write.kind === "close-pull" || write.kind === "close-issue";

const isAlreadyThere = ({ kind }: Write, message: string): boolean =>
  kind === "create-label" || (kind === "create-pull" && /already exists/i.test(message));

/** Rounds of reading and writing. What is still uncertain then is left to the next run. */
const MAX_ROUNDS = 3;

/** Reads and writes until GitHub shows the desired state. */
export async function reconcile(
  publisher: Publisher,
  wanted: DesiredState,
  self: PublisherIdentity,
): Promise<ApplyResult> {
  const done: Write[] = [];
  const refused: { write: Write; why: string }[] = [];
  const refusedKeys = new Set<string>();
  let open: readonly Write[] = [];
  for (let look = 1; look <= MAX_ROUNDS; look++) {
    const present = await readActualState(publisher, wanted, self);
    const writes = diff(present, wanted).filter((write) => !refusedKeys.has(JSON.stringify(write)));
    const published = await applyWrites(writes, publisher);
    done.push(...published.done);
    refused.push(...published.refused);
    open = published.uncertain;
    for (const { write } of published.refused) refusedKeys.add(JSON.stringify(write));
    if (published.postponed) return { done, refused, uncertain: open, postponed: published.postponed };
    if (open.length === 0) break;
  }
  return { done, refused, uncertain: open, postponed: undefined };
}

function apply(write: Write, publisher: Publisher): Promise<void> {
  switch (write.kind) {
    case "create-label":
      return publisher.createLabel(write.label);
    case "add-label":
      return publisher.addLabel(write.number, write.name);
    case "remove-label":
      return publisher.removeLabel(write.number, write.name);
    case "create-comment":
      return publisher.createComment(write.number, write.body);
    case "edit-comment":
      return publisher.editComment(write.id, write.body);
    case "delete-comment":
      return publisher.deleteComment(write.id);
    case "create-check":
      return publisher.createCheck(write.check);
    case "update-check":
      return publisher.updateCheck(write.id, write.check);
    case "react":
      return publisher.addReaction(write.source, write.content);
    case "create-pull":
      return publisher.createPull(write.pull);
    case "close-pull":
      return publisher.closePull(write.number);
    case "close-issue":
      return publisher.closeIssue(write.number, write.reason);
  }
}

/** Opens missing pull requests first. `desiredWith` gives the desired state for the open pull requests. */
export async function showBranches(
  publisher: Publisher,
  desiredWith: (pulls: readonly PullRequestRef[]) => DesiredState,
  self: PublisherIdentity,
): Promise<ApplyResult> {
  const wanted = desiredWith(await publisher.listOpenPulls());
  if (wanted.pulls.length === 0) return reconcile(publisher, wanted, self);
  const opened = await reconcile(publisher, { ...EMPTY_STATE, pulls: wanted.pulls }, self);
  if (opened.postponed) return opened;
  const then = opened.done.length > 0 ? desiredWith(await publisher.listOpenPulls()) : wanted;
  const rest = await reconcile(publisher, { ...then, pulls: [] }, self);
  return {
    done: [...opened.done, ...rest.done],
    refused: [...opened.refused, ...rest.refused],
    uncertain: [...opened.uncertain, ...rest.uncertain],
    postponed: rest.postponed,
  };
}

const EMPTY_STATE: DesiredState = {
  threads: [],
  checks: [],
  reactions: [],
  pulls: [],
  mentions: [],
  closings: [],
};
