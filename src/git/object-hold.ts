/**
 * Keeps the objects of running attempts, whatever happens to their branches: `git gc --prune=now` after a
 * forced push would remove them.
 *
 * Invariants:
 * - The refs are those of this machine's repository, and are never pushed.
 * - An attempt runs without one too: a ref that cannot be written is only a loss of protection.
 */
import type { RunId, Sha } from "../core/protocol/ids.ts";
import { runningRef } from "../core/protocol/refs.ts";
import { UserError } from "../core/messages/messages.ts";
import type { Update } from "../engine/ports.ts";
import type { GitLocation } from "./open-repository.ts";
import { readRefs } from "./ref-transaction.ts";
import { transact } from "./swap-refs.ts";

export class ObjectHold {
  readonly #location: GitLocation;

  constructor(location: GitLocation) {
    this.#location = location;
  }

  hold(run: RunId, commit: Sha): Promise<void> {
    return this.#move({ ref: runningRef(run), expected: null, next: commit });
  }

  /** Also for a run of a dead runner. */
  async release(run: RunId): Promise<void> {
    const ref = runningRef(run);
    const expected = (await readRefs(this.#location, [ref])).get(ref);
    if (expected) await this.#move({ ref, expected, next: null });
  }

  /** The reason is that of a claim, so that no other git process starts for it. */
  async #move(update: Update): Promise<void> {
    try {
      await transact(this.#location, [update], "claim");
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }
}
