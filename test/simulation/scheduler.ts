/**
 * Virtual time: a queue of events.
 *
 * Invariants:
 * - Everything in a simulation happens in an event.
 * - Before the next event, every promise that can continue has continued.
 * - Events at the same time run in the order of their creation.
 */
export interface Timer {
  isCancelled: boolean;
}

interface DueEvent extends Timer {
  readonly time: number;
  readonly order: number;
  readonly run: () => void;
}

const before = (a: DueEvent, b: DueEvent): boolean =>
  a.time < b.time || (a.time === b.time && a.order < b.order);

export class Scheduler {
  /** Milliseconds since the start of the simulation. */
  now = 0;
  events = 0;
  /** Set when an event lets code of a runner continue: only then promises are waited for. */
  hasResumed = false;
  #eventCount = 0;
  /** A binary heap. */
  readonly #queue: DueEvent[] = [];

  /** Runs a function at a time; a past time means now. */
  at(time: number, run: () => void): Timer {
    const event = { time: Math.max(time, this.now), order: this.#eventCount++, run, isCancelled: false };
    this.#push(event);
    return event;
  }

  after(ms: number, run: () => void): Timer {
    return this.at(this.now + ms, run);
  }

  /** Runs events until there are none, or until `isOver` is true after one. */
  async run(isOver: () => boolean): Promise<void> {
    for (let event = this.#pop(); event; event = this.#pop()) {
      if (event.isCancelled) continue;
      this.now = event.time;
      this.events++;
      event.run();
      if (this.hasResumed) {
        this.hasResumed = false;
        await new Promise(setImmediate);
      }
      if (isOver()) return;
    }
  }

  #push(event: DueEvent): void {
    const queue = this.#queue;
    let at = queue.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = queue[above];
      if (!other || !before(event, other)) break;
      queue[at] = other;
      at = above;
    }
    queue[at] = event;
  }

  #pop(): DueEvent | undefined {
    const queue = this.#queue;
    const [first] = queue;
    const last = queue.pop();
    if (!first || !last || first === last) return first;
    let at = 0;
    for (;;) {
      const left = queue[2 * at + 1];
      const right = queue[2 * at + 2];
      const smaller = left && right && before(right, left) ? 2 * at + 2 : 2 * at + 1;
      const child = queue[smaller];
      if (!child || !before(child, last)) break;
      queue[at] = child;
      at = smaller;
    }
    queue[at] = last;
    return first;
  }
}
