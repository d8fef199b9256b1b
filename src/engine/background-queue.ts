/**
 * Runs tasks after the work of an attempt, one after another.
 *
 * Invariants:
 * - A task holds no branch and no lane slot; only the end of the runner waits for it.
 */
import { StopSwitch, type StopReason } from "./attempt/stop-switch.ts";

export class BackgroundQueue {
  #tasks: Promise<void> = Promise.resolve();
  #stop: StopSwitch | undefined;
  #isClosed = false;

  /** Each task gets a stop switch of its own. A task must not reject. */
  add(task: (stop: StopSwitch) => Promise<void>): void {
    this.#tasks = this.#tasks.then(() => {
      this.#stop = new StopSwitch();
      return this.#isClosed ? undefined : task(this.#stop);
    });
  }

  /** Stops the current task. */
  stop(reason: StopReason): void {
    this.#stop?.stop(reason);
  }

  /** Drops all tasks that have not started. */
  close(): void {
    this.#isClosed = true;
  }

  finish(): Promise<void> {
    return this.#tasks;
  }
}
