/**
 * The inbox on this machine's disk.
 *
 * What must hold: an accepted delivery is on disk until it is done or given up, whatever dies; one
 * id is accepted once while it is remembered, unless it was given up; a delivery in whose work the
 * process died so often that no chance is left is given up as well. Payloads are not kept in memory.
 * One process at a time owns the folder.
 */
import { PendingDeliveries, keyOf, type PendingDelivery } from "./pending.ts";
import { readFailures, removeFailure, writeFailure } from "./dead-letters.ts";
import { ATTEMPTS, type DeadLetter, type Inbox, type InboxStats, type TakenDelivery } from "./inbox.ts";
import type { Delivery } from "../api/delivery.ts";
import { WriteAheadLog, type WriteAheadLogOptions, type LogPosition } from "./write-ahead-log.ts";
import { SeenIds } from "./seen-ids.ts";

export interface DiskInboxOptions extends WriteAheadLogOptions {
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** How many ids are remembered at most. */
  readonly ids?: number;
}

/** What a line says: a delivery came, is tried for the nth time, or is over. */
interface Written {
  readonly in?: string;
  readonly try?: string;
  readonly out?: string;
  readonly n?: number;
  readonly at?: number;
  readonly name?: string;
  readonly payload?: unknown;
}

const IDS = 1_000_000;

export class DiskInbox implements Inbox {
  readonly #dir: string;
  readonly #now: () => number;
  readonly #journal: WriteAheadLog;
  readonly #remembered: SeenIds;
  readonly #backlog = new PendingDeliveries();
  readonly #arriving = new Map<string, Promise<void>>();
  readonly #failed: Map<string, DeadLetter>;
  /** Files that hold ids alone. */
  readonly #bare = new Set<number>();
  #listener: () => void = () => undefined;
  #closed = false;
  /** Lines that were half written, and are of nobody's delivery. */
  readonly broken: number;

  constructor(dir: string, { now = Date.now, ids = IDS, ...options }: DiskInboxOptions = {}) {
    this.#dir = dir;
    this.#now = now;
    this.#journal = new WriteAheadLog(dir, options);
    this.#remembered = new SeenIds(ids);
    this.#failed = new Map(readFailures(dir).map((one) => [one.id, one]));
    this.broken = this.#load();
    this.#remembered.forget(now());
  }

  async accept(delivery: Delivery): Promise<"new" | "known"> {
    const { id } = delivery;
    if (this.#closed) throw new Error("the inbox is closed");
    const arriving = this.#arriving.get(id);
    // Known is said of what is on disk, not of what is on its way there.
    if (arriving) await arriving;
    if (arriving || this.knows(id)) return "known";
    const kept = this.#keep(delivery);
    this.#arriving.set(id, kept);
    try {
      await kept;
    } finally {
      this.#arriving.delete(id);
    }
    this.#listener();
    return "new";
  }

  knows(id: string): boolean {
    return this.#backlog.of(id) !== undefined || (this.#remembered.has(id) && !this.#failed.has(id));
  }

  lastSeen(): number | undefined {
    return this.#remembered.last;
  }

  async take(): Promise<TakenDelivery | undefined> {
    for (;;) {
      const entry = this.#backlog.take();
      if (!entry) return undefined;
      if (entry.attempts >= ATTEMPTS) {
        await this.giveUp(entry.id, `the process ended in each of ${ATTEMPTS} attempts to work on it`);
        continue;
      }
      this.#journal.note({ try: entry.id, n: ++entry.attempts });
      try {
        return { delivery: await this.#read(entry), attempt: entry.attempts };
      } catch (error) {
        await this.giveUp(entry.id, `it cannot be read again: ${String(error)}`);
      }
    }
  }

  done(id: string): void {
    const entry = this.#backlog.of(id);
    if (!entry) return;
    this.#journal.note({ out: id, at: entry.at });
    this.#backlog.remove(entry);
    this.#listener();
  }

  putBack(id: string, counts: boolean): void {
    const entry = this.#backlog.of(id);
    if (!entry) return;
    if (!counts) this.#journal.note({ try: id, n: --entry.attempts });
    this.#backlog.putBack(entry);
    this.#listener();
  }

  async giveUp(id: string, reason: string): Promise<void> {
    const entry = this.#backlog.of(id);
    if (!entry) return;
    const failure = { id, name: entry.name, reason, at: this.#now() };
    const delivery = await this.#read(entry).catch(() => undefined);
    await writeFailure(this.#dir, failure, delivery);
    this.#failed.set(id, failure);
    this.done(id);
  }

  onArrival(listener: () => void): void {
    this.#listener = listener;
  }

  standing(): InboxStats {
    const { waiting, working } = this.#backlog;
    return { waiting, working, failed: [...this.#failed.values()] };
  }

  /** Writes what is left. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#journal.close();
  }

  /**
   * Files whose deliveries are all over keep the ids alone, and go when those may be forgotten. The
   * oldest first and none passed over: a younger file says of deliveries in an older one what became
   * of them.
   */
  async tidy(): Promise<void> {
    this.#remembered.forget(this.#now());
    for (const file of this.#journal.files()) {
      if (this.#backlog.files.has(file) || !this.#journal.isClosed(file)) return;
      const ids = this.#remembered.of(file, this.#now());
      if (ids.length === 0) {
        await this.#journal.remove(file);
        this.#remembered.drop(file);
      } else if (!this.#bare.has(file)) {
        await this.#journal.rewrite(
          file,
          ids.map(([out, at]) => ({ out, at })),
        );
        this.#bare.add(file);
      }
    }
  }

  async #keep({ id, name, payload }: Delivery): Promise<void> {
    const at = this.#now();
    const place = await this.#journal.append({ in: id, at, name, payload });
    this.#add({ id, name, at, key: keyOf(payload), place, attempts: 0 });
    this.#remembered.forget(at);
    if (this.#failed.delete(id)) await removeFailure(this.#dir, id);
  }

  #add(entry: PendingDelivery): void {
    this.#remembered.add(entry.place.file, entry.id, entry.at);
    this.#backlog.add(entry);
  }

  async #read({ id, name, place }: PendingDelivery): Promise<Delivery> {
    const { payload } = (await this.#journal.readLine(place)) as Written;
    return { id, name, payload };
  }

  /** Reads what is on disk; the number of broken lines. */
  #load(): number {
    let broken = 0;
    for (const file of this.#journal.files()) {
      const found = this.#journal.read(file);
      broken += found.broken;
      if (found.lines.every(({ value }) => (value as Written).out !== undefined)) this.#bare.add(file);
      for (const { value, place } of found.lines) this.#replay(value as Written, place);
    }
    return broken;
  }

  #replay(line: Written, place: LogPosition): void {
    const { at = 0, name = "", n = 0, payload } = line;
    const id = line.in ?? line.try ?? line.out ?? "";
    const entry = this.#backlog.of(id);
    if (line.in !== undefined) {
      if (!entry) this.#add({ id, name, at, key: keyOf(payload), place, attempts: 0 });
    } else if (line.try !== undefined) {
      if (entry) entry.attempts = n;
    } else if (entry) this.#backlog.remove(entry);
    else if (!this.#remembered.has(id)) this.#remembered.add(place.file, id, at);
  }
}
