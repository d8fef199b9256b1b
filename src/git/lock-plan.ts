/** What one git process is about to do: the locks that it takes, and what they are for. */
import type { Sha } from "../core/protocol/ids.ts";
import type { Update } from "../engine/ports.ts";

export interface PlannedLock {
  readonly path: string;
  /** What git writes into it, from the start; undefined: anything. */
  readonly text?: string | undefined;
}

/** What one git process is about to do. */
export interface LockPlan {
  readonly locks: readonly PlannedLock[];
  /** The refs that git moves together. */
  readonly updates?: readonly Update[] | undefined;
  /** Checkouts whose files git moves from one commit to another. */
  readonly moves?:
    | readonly {
        readonly dir: string;
        readonly gitDir: string;
        readonly from: Sha;
        readonly to: Sha;
      }[]
    | undefined;
}
