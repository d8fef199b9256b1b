/**
 * How long a run that does not stay waits for requests that rest.
 *
 * What must hold: a run ends, whatever its scripts ask for. A new attempt earns new patience,
 * because attempts are limited; being asked for another time, which uses no attempt, earns none.
 */
import type { Sha } from "../core/text/ids.ts";

const LONGEST_MS = 60_000;

export class Patience {
  readonly #attempts = new Map<Sha, number>();
  readonly #ends = new Map<Sha, number>();

  /** An attempt begins; `attempt` is its number. */
  began(request: Sha, attempt: number): void {
    if (attempt <= (this.#attempts.get(request) ?? 0)) return;
    this.#attempts.set(request, attempt);
    this.#ends.delete(request);
  }

  /** True when a rest with so much left is waited for. Both in milliseconds. */
  lasts(request: Sha, leftMs: number, now: number): boolean {
    const end = this.#ends.get(request) ?? now + LONGEST_MS;
    this.#ends.set(request, end);
    return now + leftMs < end;
  }
}
