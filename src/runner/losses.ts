/**
 * Claims that were lost, so that losing again and again makes no hot loop.
 *
 * What must hold: another runner's claim shows at the next look, and costs nothing here; a ref
 * that a crash left locked shows at no look, so its request is left alone longer each time.
 */
import type { Sha } from "../core/text/ids.ts";

const LOST = { firstMs: 50, longestMs: 5000 };
/** A run that does not stay gives a request up after so many lost claims. */
const TRIES = 6;

export class Losses {
  readonly #rests: { readonly firstMs: number; readonly longestMs: number };
  readonly #lost = new Map<Sha, { readonly tries: number; readonly until: number }>();

  /** `rests`: how long the first loss is left alone, and how long any. */
  constructor(rests = LOST) {
    this.#rests = rests;
  }

  add(request: Sha, now: number): void {
    const tries = (this.#lost.get(request)?.tries ?? 0) + 1;
    const { firstMs, longestMs } = this.#rests;
    const rest = Math.min(longestMs, firstMs * 2 ** tries);
    this.#lost.set(request, { tries, until: now + rest });
  }

  /** Milliseconds to leave a request alone; 0 when it may be claimed. */
  restMs(request: Sha, now: number): number {
    return Math.max(0, (this.#lost.get(request)?.until ?? now) - now);
  }

  isHopeless(request: Sha): boolean {
    return (this.#lost.get(request)?.tries ?? 0) >= TRIES;
  }
}
