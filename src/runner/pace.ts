/**
 * How long the loop rests between looks that nobody asked for.
 *
 * What must hold: a look that finds something new brings the shortest rest back; each one that finds
 * nothing makes the next rest longer, up to a bound; rests are spread by a quarter to either side, so
 * that many runners that started together do not look together.
 */
export interface Rests {
  readonly shortestMs: number;
  readonly longestMs: number;
}

const GROWTH = 1.6;

export class Pace {
  readonly #rests: Rests;
  #ms: number;

  constructor(rests: Rests) {
    this.#rests = rests;
    this.#ms = rests.shortestMs;
  }

  /** Something happened: look again soon. */
  quicken(): void {
    this.#ms = this.#rests.shortestMs;
  }

  /** The rest before the next look, in milliseconds; `random` is from 0 up to 1. */
  next(random: number): number {
    const ms = this.#ms;
    this.#ms = Math.min(this.#rests.longestMs, ms * GROWTH);
    return ms * (0.75 + random / 2);
  }
}
