/**
 * Writes what has to be written, and looks again where it is not sure.
 *
 * What must hold: one write at a time; what may have been done though GitHub said otherwise is done
 * again only after a look that does not find it; one write that is refused keeps no other from
 * being made; a crash anywhere leaves what the next look puts right.
 */
import { RequestDeclined } from "../api/client.ts";
import { diff, type Write } from "./diff.ts";
import { readActualState } from "./actual-state.ts";
import type { PublisherIdentity, Publisher } from "./publisher-port.ts";
import type { PullRequestRef, DesiredState } from "./desired-state.ts";

export interface ApplyResult {
  readonly done: readonly Write[];
  /** What GitHub does not let us write, and its words for it. */
  readonly refused: readonly { readonly write: Write; readonly why: string }[];
  /** What it is about is not there any more, or may have been written: the next look tells. */
  readonly uncertain: readonly Write[];
  /** Set when GitHub wants nothing for so long that it was put off. */
  readonly postponed: { readonly ms: number; readonly writes: readonly Write[] } | undefined;
}

/** Makes the writes, in their order. Throws what is no answer of GitHub. */
export async function applyWrites(writes: readonly Write[], publisher: Publisher): Promise<ApplyResult> {
  const done: Write[] = [];
  const open: Write[] = [];
  const refused: { write: Write; why: string }[] = [];
  const unsure = new Set<number>();
  for (const [at, write] of writes.entries()) {
    // What is closed is shown no more: what it has to say stands there first.
    if (isClosing(write) && unsure.has(write.number)) {
      open.push(write);
      continue;
    }
    try {
      await apply(write, publisher);
      done.push(write);
    } catch (error) {
      // Whoever is nobody to GitHub is so for the other writes too.
      if (!(error instanceof RequestDeclined) || error.status === 401) throw error;
      const { decision, status, message } = error;
      if (decision.kind === "later")
        return { done, refused, uncertain: open, postponed: { ms: decision.ms, writes: writes.slice(at) } };
      // Somebody else made the label, or opened the pull request, first.
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

/** After so many looks a thing that is open is left to the next time. */
const MAX_ROUNDS = 3;

/** Looks, writes, and looks again until GitHub shows what is wanted. */
export async function reconcile(
  publisher: Publisher,
  wanted: DesiredState,
  self: PublisherIdentity,
): Promise<ApplyResult> {
  const done: Write[] = [];
  const refused: { write: Write; why: string }[] = [];
  const known = new Set<string>();
  let open: readonly Write[] = [];
  for (let look = 1; look <= MAX_ROUNDS; look++) {
    const present = await readActualState(publisher, wanted, self);
    const writes = diff(present, wanted).filter((write) => !known.has(JSON.stringify(write)));
    const published = await applyWrites(writes, publisher);
    done.push(...published.done);
    refused.push(...published.refused);
    open = published.uncertain;
    for (const { write } of published.refused) known.add(JSON.stringify(write));
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

/** `picture` is what should be shown, with these pull requests open. */
export async function showBranches(
  publisher: Publisher,
  picture: (pulls: readonly PullRequestRef[]) => DesiredState,
  self: PublisherIdentity,
): Promise<ApplyResult> {
  const wanted = picture(await publisher.listOpenPulls());
  if (wanted.pulls.length === 0) return reconcile(publisher, wanted, self);
  const opened = await reconcile(publisher, { ...EMPTY_STATE, pulls: wanted.pulls }, self);
  if (opened.postponed) return opened;
  const then = opened.done.length > 0 ? picture(await publisher.listOpenPulls()) : wanted;
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
