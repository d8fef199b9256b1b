/** Saves the changes of an attempt without a response under its salvage ref. */
import { composeMessage } from "../../core/protocol/compose.ts";
import type { Ref, Sha } from "../../core/protocol/ids.ts";
import { salvageRef } from "../../core/protocol/refs.ts";
import { KEY } from "../../core/protocol/trailer-keys.ts";
import { UserError, MESSAGES } from "../../core/messages/messages.ts";
import type { AttemptTree, AttemptTrees } from "../attempt-trees.ts";
import type { Repository, Update } from "../ports.ts";
import type { Claim, ReleasePorts } from "./lease-holder.ts";
import { BACKOFF } from "../timing.ts";
import { jitterMs, readRef } from "./swap-retry.ts";

/** A commit to put under a salvage ref. */
export interface SavedTree {
  readonly ref: Ref;
  readonly value: Sha;
}

export type KeepPorts = ReleasePorts & { readonly repository: Pick<Repository, "keepLocally"> };

/** Commits the tree; the caller moves the salvage ref. Undefined: there are no changes. */
export async function saveTree(
  { trees }: { readonly trees: Pick<AttemptTrees, "save"> },
  { run, lease }: Claim,
  tree: AttemptTree,
  why: string,
): Promise<SavedTree | undefined> {
  const { branch, commit, state } = run.request;
  const message = composeMessage({
    header: `salvage: ${state} on ${branch}, attempt ${lease.attempt}: ${why}`,
    trailers: [
      { key: KEY.branch, value: branch },
      { key: KEY.request, value: commit },
      { key: KEY.run, value: lease.run },
    ],
  });
  const value = await trees.save(tree, message);
  return value && { ref: salvageRef(run.head.branch, lease.run), value };
}

/** Puts a commit under the salvage ref: at the remote or, if that is blocked, on this machine. */
export async function keepCommit(ports: KeepPorts, held: Claim, value: Sha): Promise<Ref> {
  const ref = salvageRef(held.run.head.branch, held.lease.run);
  for (let tries = 0; tries < BACKOFF.commitTries; tries++) {
    const swap = await ports.repository.swap([{ ref, expected: null, next: value }], "salvage");
    if (swap.kind === "landed" || (await readRef(ports, held, ref))) return ref;
    if (swap.kind === "blocked") {
      await ports.repository.keepLocally(ref, value);
      return ref;
    }
    await ports.clock.sleep(jitterMs(ports, tries));
  }
  throw new UserError(MESSAGES.notSaved(ref));
}

export const salvageUpdates = (saved: SavedTree | undefined): Update[] =>
  saved ? [{ ref: saved.ref, expected: null, next: saved.value }] : [];
