/**
 * The inbox on this machine's disk.
 *
 * What must hold: an accepted delivery is on disk until it is done or given up, whatever dies; one
 * id is accepted once while it is remembered, unless it was given up; a delivery in whose work the
 * process died so often that no chance is left is given up as well. Payloads are not kept in memory.
 * One process at a time owns the folder.
 */
import { PendingDeliveries, queueKey, type PendingDelivery } from "./pending.ts";
import { readDeadLetters, removeDeadLetter, writeDeadLetter } from "./dead-letters.ts";
import type { DeadLetter, Inbox, InboxStats, TakenDelivery } from "./inbox.ts";
import type { Delivery } from "../api/delivery.ts";
import { WriteAheadLog, type WriteAheadLogOptions, type LogPosition } from "./write-ahead-log.ts";
import { SeenIds } from "./seen-ids.ts";
import { DELIVERY } from "../timing.ts";

export interface DiskInboxOptions extends WriteAheadLogOptions {
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** How many ids are remembered at most. */
  readonly maxIds?: number;
}

/** What a line says: a delivery came, is tried for the nth time, or is over. */
interface LogEntry {
  readonly in?: string;
  readonly try?: string;
  readonly out?: string;
  readonly n?: number;
  readonly at?: number;
  readonly name?: string;
  readonly payload?: unknown;
}

const MAX_IDS = 1_000_000;

export class DiskInbox implements Inbox {
  readonly #dir: string;
  readonly #now: () => number;
  readonly #log: WriteAheadLog;
  readonly #seen: SeenIds;
  readonly #pending = new PendingDeliveries();
  readonly #arriving = new Map<string, Promise<void>>();
  readonly #failed: Map<string, DeadLetter>;
  /** Files that hold ids alone. */
  readonly #idOnlyFiles = new Set<number>();
  #listener: () => void = () => undefined;
  #closed = false;
  /** Lines that were half written, and are of nobody's delivery. */
  readonly brokenLines: number;

  constructor(dir: string, { now = Date.now, maxIds: ids = MAX_IDS, ...options }: DiskInboxOptions = {}) {
    this.#dir = dir;
    this.#now = now;
    this.#log = new WriteAheadLog(dir, options);
    this.#seen = new SeenIds(ids);
    this.#failed = new Map(readDeadLetters(dir).map((one) => [one.id, one]));
    this.brokenLines = this.#load();
    this.#seen.expire(now());
  }

  async accept(delivery: Delivery): Promise<"new" | "known"> {
    const { id } = delivery;
    if (this.#closed) throw new Error("the inbox is closed");
    const arriving = this.#arriving.get(id);
    // Known is said of what is on disk, not of what is on its way there.
    if (arriving) await arriving;
    if (arriving || this.has(id)) return "known";
    const kept = this.#store(delivery);
    this.#arriving.set(id, kept);
    try {
      await kept;
    } finally {
      this.#arriving.delete(id);
    }
    this.#listener();
    return "new";
  }

  has(id: string): boolean {
    return this.#pending.find(id) !== undefined || (this.#seen.has(id) && !this.#failed.has(id));
  }

  lastSeen(): number | undefined {
    return this.#seen.lastSeen;
  }

  async take(): Promise<TakenDelivery | undefined> {
    for (;;) {
      const entry = this.#pending.take();
      if (!entry) return undefined;
      if (entry.attempts >= DELIVERY.maxAttempts) {
        await this.giveUp(
          entry.id,
          `the process ended in each of ${DELIVERY.maxAttempts} attempts to work on it`,
        );
        continue;
      }
      this.#log.appendLazily({ try: entry.id, n: ++entry.attempts });
      try {
        return { delivery: await this.#read(entry), attempt: entry.attempts };
      } catch (error) {
        await this.giveUp(entry.id, `it cannot be read again: ${String(error)}`);
      }
    }
  }

  done(id: string): void {
    const entry = this.#pending.find(id);
    if (!entry) return;
    this.#log.appendLazily({ out: id, at: entry.at });
    this.#pending.remove(entry);
    this.#listener();
  }

  release(id: string, counts: boolean): void {
    const entry = this.#pending.find(id);
    if (!entry) return;
    if (!counts) this.#log.appendLazily({ try: id, n: --entry.attempts });
    this.#pending.release(entry);
    this.#listener();
  }

  async giveUp(id: string, reason: string): Promise<void> {
    const entry = this.#pending.find(id);
    if (!entry) return;
    const failure = { id, name: entry.name, reason, at: this.#now() };
    const delivery = await this.#read(entry).catch(() => undefined);
    await writeDeadLetter(this.#dir, failure, delivery);
    this.#failed.set(id, failure);
    this.done(id);
  }

  onArrival(listener: () => void): void {
    this.#listener = listener;
  }

  stats(): InboxStats {
    const { waiting, working } = this.#pending;
    return { waiting, working, failed: [...this.#failed.values()] };
  }

  /** Writes what is left. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#log.close();
  }

  /**
   * Files whose deliveries are all over keep the ids alone, and go when those may be forgotten. The
   * oldest first and none passed over: a younger file says of deliveries in an older one what became
   * of them.
   */
  async compact(): Promise<void> {
    this.#seen.expire(this.#now());
    for (const file of this.#log.files()) {
      if (this.#pending.files.has(file) || !this.#log.isClosed(file)) return;
      const ids = this.#seen.idsIn(file, this.#now());
      if (ids.length === 0) {
        await this.#log.remove(file);
        this.#seen.dropFile(file);
      } else if (!this.#idOnlyFiles.has(file)) {
        await this.#log.rewrite(
          file,
          ids.map(([out, at]) => ({ out, at })),
        );
        this.#idOnlyFiles.add(file);
      }
    }
  }

  async #store({ id, name, payload }: Delivery): Promise<void> {
    const at = this.#now();
    const position = await this.#log.append({ in: id, at, name, payload });
    this.#add({ id, name, at, key: queueKey(payload), position, attempts: 0 });
    this.#seen.expire(at);
    if (this.#failed.delete(id)) await removeDeadLetter(this.#dir, id);
  }

  #add(entry: PendingDelivery): void {
    this.#seen.add(entry.position.file, entry.id, entry.at);
    this.#pending.add(entry);
  }

  async #read({ id, name, position }: PendingDelivery): Promise<Delivery> {
    const { payload } = (await this.#log.readLine(position)) as LogEntry;
    return { id, name, payload };
  }

  /** Reads what is on disk; the number of broken lines. */
  #load(): number {
    let broken = 0;
    for (const file of this.#log.files()) {
      const found = this.#log.read(file);
      broken += found.broken;
      if (found.lines.every(({ value }) => (value as LogEntry).out !== undefined))
        this.#idOnlyFiles.add(file);
      for (const { value, position } of found.lines) this.#replay(value as LogEntry, position);
    }
    return broken;
  }

  #replay(line: LogEntry, position: LogPosition): void {
    const { at = 0, name = "", n = 0, payload } = line;
    const id = line.in ?? line.try ?? line.out ?? "";
    const entry = this.#pending.find(id);
    if (line.in !== undefined) {
      if (!entry) this.#add({ id, name, at, key: queueKey(payload), position, attempts: 0 });
    } else if (line.try !== undefined) {
      if (entry) entry.attempts = n;
    } else if (entry) this.#pending.remove(entry);
    else if (!this.#seen.has(id)) this.#seen.add(position.file, id, at);
  }
}
