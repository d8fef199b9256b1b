/**
 * Writes down which locks a git of ours is about to take, so that locks of a killed git differ from those of others.
 *
 * Invariants:
 * - An entry is there before git takes the locks, and goes after it has released them. So an entry of a dead
 *   process says that its git may have been killed in the middle.
 * - One process at a time recovers from an entry. Should it die, the next one goes on.
 */
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LockPlan } from "./lock-plan.ts";
import { readJson } from "./read-json.ts";

export interface LockJournalOptions {
  /** The environment of every git that takes locks, with a mark. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
  readonly owner: () => object;
  readonly isGone: (owner: unknown) => boolean;
  /** True while a process has this variable, `NAME=value`, in its environment. */
  readonly isMarked: (variable: string) => boolean;
}

const MARK = "TRAILHAND_LOCKS";

/** A variable for every git of this process. By it, another process knows that such a git still runs. */
export const newLockMark = (): Readonly<Record<string, string>> => ({ [MARK]: randomUUID() });

export class LockJournal {
  readonly #options: LockJournalOptions;
  readonly #mark: string;

  constructor(options: LockJournalOptions) {
    this.#options = options;
    this.#mark = options.env[MARK] ?? "";
  }

  /** Calls `act` while the plan is written down. */
  async during<T>(plan: LockPlan, act: () => Promise<T>): Promise<T> {
    const file = this.#write(plan);
    try {
      return await act();
    } finally {
      remove(file);
    }
  }

  /** Calls `recover` with the plan of each dead process whose git has ended too. */
  async recover(recover: (plan: LockPlan) => Promise<void>): Promise<void> {
    for (const { file, plan } of await this.#readDead()) {
      // Written first, so that the plan is never without a file.
      const own = this.#write(plan);
      if (take(file)) await recover(plan);
      remove(own);
    }
  }

  /** The plans that `recover` would be called with. */
  async listDead(): Promise<readonly LockPlan[]> {
    return (await this.#readDead()).map(({ plan }) => plan);
  }

  /** Undefined: the disk of the cache is full or cannot be written, which must stop no command. */
  #write(plan: LockPlan): string | undefined {
    const { folder, owner } = this.#options;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const file = join(folder, `${randomUUID()}.json`);
      writeFileSync(file, JSON.stringify({ owner: owner(), mark: this.#mark, plan }));
      return file;
    } catch {
      return undefined;
    }
  }

  async #readDead(): Promise<{ readonly file: string; readonly plan: LockPlan }[]> {
    const { folder, isGone, isMarked } = this.#options;
    const names = existsSync(folder) ? readdirSync(folder) : [];
    if (names.length === 0) return [];
    const { parseLockEntry } = await import("./parse-lock-entry.ts");
    return names.flatMap((name) => {
      const file = join(folder, name);
      const entry = parseLockEntry(readJson(file));
      // Its process died before git started, or it lies here since before a power cut.
      if (!entry) rmSync(file, { recursive: true, force: true });
      if (!entry || !isGone(entry.owner) || isMarked(`${MARK}=${entry.mark}`)) return [];
      return [{ file, plan: entry.plan }];
    });
  }
}

function remove(file: string | undefined): void {
  if (file !== undefined) rmSync(file, { force: true });
}

/** True for the one process that removes the file. */
function take(file: string): boolean {
  try {
    rmSync(file);
    return true;
  } catch {
    return false;
  }
}
