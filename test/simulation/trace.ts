/** Records the events of a failing seed, line by line. Costs nothing when it is off. */
export class Trace {
  readonly lines: string[] = [];
  readonly isOn: boolean;
  readonly #now: () => number;

  constructor(isOn: boolean, now: () => number) {
    this.isOn = isOn;
    this.#now = now;
  }

  /** `what` is called only when the trace is on. */
  add(who: string, what: () => string): void {
    if (!this.isOn) return;
    this.lines.push(`${(this.#now() / 1000).toFixed(3).padStart(9)}  ${who.padEnd(8)} ${what()}`);
  }
}

/** The first digits of an id. */
export const short = (id: string | null | undefined): string => (id ? id.slice(0, 7) : "-");
