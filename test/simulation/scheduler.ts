/**
 * Virtual time: a queue of events, each run when those before it have come to rest.
 *
 * What must hold: nothing in a simulation happens but in an event; between two events every promise
 * that can go on has gone on; events at the same time run in the order they were made.
 */
export interface Timer {
  cancelled: boolean;
}

interface Due extends Timer {
  readonly time: number;
  readonly order: number;
  readonly run: () => void;
}

const before = (a: Due, b: Due): boolean => a.time < b.time || (a.time === b.time && a.order < b.order);

export class Scheduler {
  /** Milliseconds since the simulation began. */
  now = 0;
  events = 0;
  /** Set by whoever lets code of a runner go on: only then there is something to wait for. */
  woken = false;
  #made = 0;
  /** A binary heap. */
  readonly #queue: Due[] = [];

  /** Runs something later; a time that has passed means at once. */
  at(time: number, run: () => void): Timer {
    const due = { time: Math.max(time, this.now), order: this.#made++, run, cancelled: false };
    this.#push(due);
    return due;
  }

  after(ms: number, run: () => void): Timer {
    return this.at(this.now + ms, run);
  }

  /** Runs events until there is none, or `isOver` says so after one. */
  async run(isOver: () => boolean): Promise<void> {
    for (let due = this.#pop(); due; due = this.#pop()) {
      if (due.cancelled) continue;
      this.now = due.time;
      this.events++;
      due.run();
      if (this.woken) {
        this.woken = false;
        await new Promise(setImmediate);
      }
      if (isOver()) return;
    }
  }

  #push(due: Due): void {
    const queue = this.#queue;
    let at = queue.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = queue[above];
      if (!other || !before(due, other)) break;
      queue[at] = other;
      at = above;
    }
    queue[at] = due;
  }

  #pop(): Due | undefined {
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
