/**
 * Wakes of the loop, from wherever they come.
 *
 * What must hold: a ring that comes after `clear` is never lost, many rings are one; nothing piles
 * up however long the loop waits, because there is one promise for each wait and none for a ring.
 */
export class WakeSignal {
  #rung = false;
  #answer: () => void = () => undefined;

  wake(): void {
    this.#rung = true;
    this.#answer();
  }

  /** True when somebody rang since `clear`: what was seen then may be out of date. */
  get isPending(): boolean {
    return this.#rung;
  }

  /** Called before a look, which sees everything that was rung for until now. */
  clear(): void {
    this.#rung = false;
  }

  /** Resolves at the next ring; at once when one came since `clear`. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#answer = resolve;
      if (this.#rung) resolve();
    });
  }
}
