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

export interface Published {
  readonly done: readonly Write[];
  /** What GitHub does not let us write, and its words for it. */
  readonly refused: readonly { readonly write: Write; readonly why: string }[];
  /** What it is about is not there any more, or may have been written: the next look tells. */
  readonly open: readonly Write[];
  /** Set when GitHub wants nothing for so long that it was put off. */
  readonly later: { readonly ms: number; readonly writes: readonly Write[] } | undefined;
}

/** Makes the writes, in their order. Throws what is no answer of GitHub. */
export async function applyWrites(writes: readonly Write[], surface: Publisher): Promise<Published> {
  const done: Write[] = [];
  const open: Write[] = [];
  const refused: { write: Write; why: string }[] = [];
  const unsure = new Set<number>();
  for (const [at, write] of writes.entries()) {
    // What is closed is shown no more: what it has to say stands there first.
    if (ends(write) && unsure.has(write.number)) {
      open.push(write);
      continue;
    }
    try {
      await apply(write, surface);
      done.push(write);
    } catch (error) {
      // Whoever is nobody to GitHub is so for the other writes too.
      if (!(error instanceof RequestDeclined) || error.status === 401) throw error;
      const { verdict, status, message } = error;
      if (verdict.kind === "later")
        return { done, refused, open, later: { ms: verdict.ms, writes: writes.slice(at) } };
      // Somebody else made the label, or opened the pull request, first.
      if (status === 422 && isThere(write, message)) done.push(write);
      else if (verdict.kind === "refused") refused.push({ write, why: message });
      else {
        open.push(write);
        if ("number" in write) unsure.add(write.number);
      }
    }
  }
  return { done, refused, open, later: undefined };
}

const ends = (write: Write): write is Extract<Write, { kind: "close-pull" | "close-issue" }> =>
  write.kind === "close-pull" || write.kind === "close-issue";

const isThere = ({ kind }: Write, message: string): boolean =>
  kind === "create-label" || (kind === "create-pull" && /already exists/i.test(message));

/** After so many looks a thing that is open is left to the next time. */
const LOOKS = 3;

/** Looks, writes, and looks again until GitHub shows what is wanted. */
export async function reconcile(
  surface: Publisher,
  wanted: DesiredState,
  self: PublisherIdentity,
): Promise<Published> {
  const done: Write[] = [];
  const refused: { write: Write; why: string }[] = [];
  const known = new Set<string>();
  let open: readonly Write[] = [];
  for (let look = 1; look <= LOOKS; look++) {
    const present = await readActualState(surface, wanted, self);
    const writes = diff(present, wanted).filter((write) => !known.has(JSON.stringify(write)));
    const published = await applyWrites(writes, surface);
    done.push(...published.done);
    refused.push(...published.refused);
    open = published.open;
    for (const { write } of published.refused) known.add(JSON.stringify(write));
    if (published.later) return { done, refused, open, later: published.later };
    if (open.length === 0) break;
  }
  return { done, refused, open, later: undefined };
}

function apply(write: Write, surface: Publisher): Promise<void> {
  switch (write.kind) {
    case "create-label":
      return surface.createLabel(write.label);
    case "add-label":
      return surface.addLabel(write.number, write.name);
    case "remove-label":
      return surface.removeLabel(write.number, write.name);
    case "create-comment":
      return surface.createComment(write.number, write.body);
    case "edit-comment":
      return surface.editComment(write.id, write.body);
    case "delete-comment":
      return surface.deleteComment(write.id);
    case "create-check":
      return surface.createCheck(write.check);
    case "update-check":
      return surface.updateCheck(write.id, write.check);
    case "react":
      return surface.react(write.carrier, write.face);
    case "create-pull":
      return surface.createPull(write.pull);
    case "close-pull":
      return surface.closePull(write.number);
    case "close-issue":
      return surface.closeIssue(write.number, write.reason);
  }
}

/** `picture` is what should be shown, with these pull requests open. */
export async function showBranches(
  surface: Publisher,
  picture: (pulls: readonly PullRequestRef[]) => DesiredState,
  self: PublisherIdentity,
): Promise<Published> {
  const wanted = picture(await surface.pulls());
  if (wanted.pulls.length === 0) return reconcile(surface, wanted, self);
  const opened = await reconcile(surface, { ...NOTHING, pulls: wanted.pulls }, self);
  if (opened.later) return opened;
  const then = opened.done.length > 0 ? picture(await surface.pulls()) : wanted;
  const rest = await reconcile(surface, { ...then, pulls: [] }, self);
  return {
    done: [...opened.done, ...rest.done],
    refused: [...opened.refused, ...rest.refused],
    open: [...opened.open, ...rest.open],
    later: rest.later,
  };
}

const NOTHING: DesiredState = { threads: [], checks: [], reactions: [], pulls: [], calls: [], closings: [] };
