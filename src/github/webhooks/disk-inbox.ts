/**
 * The inbox on the disk of this machine. One process at a time owns its folder.
 *
 * Invariants:
 * - An accepted delivery stays on disk until it is done or given up.
 * - A delivery id is accepted once, unless the delivery was given up.
 * - Payloads are not kept in memory.
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
  /** The number of ids to remember. */
  readonly maxIds?: number;
}

/** A log line: a delivery arrived (`in`), its nth attempt starts (`try`), or it is finished (`out`). */
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
  /** Files without payloads. */
  readonly #idOnlyFiles = new Set<number>();
  #listener: () => void = () => undefined;
  #isClosed = false;
  /** The number of incomplete lines that were skipped at the start. */
  readonly brokenLines: number;

  constructor(dir: string, { now = Date.now, maxIds = MAX_IDS, ...options }: DiskInboxOptions = {}) {
    this.#dir = dir;
    this.#now = now;
    this.#log = new WriteAheadLog(dir, options);
    this.#seen = new SeenIds(maxIds);
    this.#failed = new Map(readDeadLetters(dir).map((letter) => [letter.id, letter]));
    this.brokenLines = this.#load();
    this.#seen.expire(now());
  }

  async accept(delivery: Delivery): Promise<"new" | "known"> {
    const { id } = delivery;
    if (this.#isClosed) throw new Error("the inbox is closed");
    const arriving = this.#arriving.get(id);
    // `known` promises that the delivery is on disk, so wait for a write in progress.
    if (arriving) await arriving;
    if (arriving || this.has(id)) return "known";
    const stored = this.#store(delivery);
    this.#arriving.set(id, stored);
    try {
      await stored;
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
          `the server process died during each of ${DELIVERY.maxAttempts} attempts`,
        );
        continue;
      }
      this.#log.appendLazily({ try: entry.id, n: ++entry.attempts });
      try {
        return { delivery: await this.#read(entry), attempt: entry.attempts };
      } catch (error) {
        await this.giveUp(entry.id, `the stored delivery cannot be read: ${String(error)}`);
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
    const letter = { id, name: entry.name, reason, at: this.#now() };
    const delivery = await this.#read(entry).catch(() => undefined);
    await writeDeadLetter(this.#dir, letter, delivery);
    this.#failed.set(id, letter);
    this.done(id);
  }

  onArrival(listener: () => void): void {
    this.#listener = listener;
  }

  stats(): InboxStats {
    const { waiting, working } = this.#pending;
    return { waiting, working, failed: [...this.#failed.values()] };
  }

  /** Flushes the log. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.#log.close();
  }

  /**
   * Removes the payloads of files whose deliveries are all finished, and later the files themselves.
   * Oldest first without gaps, because a newer file records the end of deliveries in an older one.
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

  /** Reads all files. Returns the number of incomplete lines. */
  #load(): number {
    let broken = 0;
    for (const file of this.#log.files()) {
      const content = this.#log.read(file);
      broken += content.broken;
      if (content.lines.every(({ value }) => (value as LogEntry).out !== undefined))
        this.#idOnlyFiles.add(file);
      for (const { value, position } of content.lines) this.#replay(value as LogEntry, position);
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
