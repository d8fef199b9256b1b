/**
 * Wakes the loop from any source.
 *
 * Invariants:
 * - A wake after `clear` is never lost; several wakes count as one.
 * - Memory stays constant: there is one promise for each wait, and none for a wake.
 */
export class WakeSignal {
  #isPending = false;
  #resolveWait: () => void = () => undefined;

  wake(): void {
    this.#isPending = true;
    this.#resolveWait();
  }

  /** True after a wake since `clear`: the snapshot may be stale. */
  get isPending(): boolean {
    return this.#isPending;
  }

  /** Called before a poll, which covers every wake up to now. */
  clear(): void {
    this.#isPending = false;
  }

  /** Resolves at the next wake, or at once if one is pending. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolveWait = resolve;
      if (this.#isPending) resolve();
    });
  }
}
