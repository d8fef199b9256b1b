/** What happened, line by line, for whoever looks at a failing seed; costs nothing when off. */
export class Trace {
  readonly lines: string[] = [];
  readonly on: boolean;
  readonly #now: () => number;

  constructor(on: boolean, now: () => number) {
    this.on = on;
    this.#now = now;
  }

  /** `what` is called only when somebody reads the trace. */
  add(who: string, what: () => string): void {
    if (!this.on) return;
    this.lines.push(`${(this.#now() / 1000).toFixed(3).padStart(9)}  ${who.padEnd(8)} ${what()}`);
  }
}

/** The first digits of an id. */
export const short = (id: string | null | undefined): string => (id ? id.slice(0, 7) : "-");
