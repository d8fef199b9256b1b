/**
 * An append-only log of lines on disk, split into files.
 *
 * Invariants:
 * - `append` resolves after the disk confirmed the line; concurrent appends share one sync.
 * - A line that was cut by a crash fails its checksum and is skipped.
 * - Nothing is written after a line that may be incomplete.
 */
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import { open, rename, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";

/** The position of a line. */
export interface LogPosition {
  readonly file: number;
  readonly offset: number;
  readonly length: number;
}

export interface LogLine {
  readonly value: unknown;
  readonly position: LogPosition;
}

interface PendingAppend {
  readonly line: Buffer;
  readonly resolve: (position: LogPosition) => void;
  readonly reject: (cause: unknown) => void;
}

export interface WriteAheadLogOptions {
  /** A file that exceeds this size is closed, and the next one is opened. */
  readonly fileBytes?: number;
  /** Makes the disk confirm the written data. */
  readonly sync?: (file: FileHandle) => Promise<void>;
}

const FILE_BYTES = 16 * 2 ** 20;
const NAME = /^journal-(\d{8})\.log$/;
/** The length of eight checksum digits and a space. */
const PREFIX_LENGTH = 9;

export class WriteAheadLog {
  readonly #dir: string;
  readonly #options: Required<WriteAheadLogOptions>;
  #number: number;
  #file: FileHandle | undefined;
  #size = 0;
  #waiting: PendingAppend[] = [];
  #lazyLines: Buffer[] = [];
  #flushing: Promise<void> | undefined;

  constructor(
    dir: string,
    { fileBytes = FILE_BYTES, sync = (file) => file.datasync() }: WriteAheadLogOptions = {},
  ) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.#dir = dir;
    this.#options = { fileBytes, sync };
    this.#number = Math.max(0, ...this.files());
  }

  /** The numbers of all files, oldest first. */
  files(): number[] {
    return readdirSync(this.#dir)
      .flatMap((name) => NAME.exec(name)?.[1] ?? [])
      .map(Number)
      .toSorted((a, b) => a - b);
  }

  /** True when nothing more is written to the file. */
  isClosed(file: number): boolean {
    return file < this.#number || !this.#file;
  }

  /** The complete lines of a file, and the number of incomplete ones. */
  read(file: number): { lines: LogLine[]; broken: number } {
    const bytes = readFileSync(this.#path(file));
    const lines: LogLine[] = [];
    let broken = 0;
    for (let offset = 0; offset < bytes.length;) {
      const at = bytes.indexOf(10, offset);
      const end = at < 0 ? bytes.length : at;
      const value = at < 0 ? undefined : parse(bytes.subarray(offset, end));
      if (value === undefined) broken++;
      else lines.push({ value, position: { file, offset, length: end - offset } });
      offset = end + 1;
    }
    return { lines, broken };
  }

  /** Throws when the line is damaged. */
  async readLine({ file, offset, length }: LogPosition): Promise<unknown> {
    const handle = await open(this.#path(file), "r");
    try {
      const { buffer } = await handle.read({ buffer: Buffer.alloc(length), position: offset });
      const value = parse(buffer);
      if (value === undefined) throw new Error(`the line at ${offset} of file ${file} is damaged`);
      return value;
    } finally {
      await handle.close();
    }
  }

  /** Resolves after the disk confirmed the line. */
  append(value: unknown): Promise<LogPosition> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line: format(value), resolve, reject });
      this.#flush();
    });
  }

  /** Writes soon, without confirmation: a crash of the machine can lose the line. */
  appendLazily(value: unknown): void {
    this.#lazyLines.push(format(value));
    this.#flush();
  }

  /** Replaces the content of a closed file atomically. */
  async rewrite(file: number, values: readonly unknown[]): Promise<void> {
    const path = this.#path(file);
    const handle = await open(`${path}.new`, "w", 0o600);
    try {
      await handle.writeFile(Buffer.concat(values.map(format)));
      await this.#options.sync(handle);
    } finally {
      await handle.close();
    }
    await rename(`${path}.new`, path);
    await this.#syncFolder();
  }

  async remove(file: number): Promise<void> {
    await unlink(this.#path(file));
  }

  /** Flushes, and closes the file. */
  async close(): Promise<void> {
    while (this.#flushing) await this.#flushing;
    await this.#endFile();
  }

  #flush(): void {
    this.#flushing ??= this.#write().finally(() => {
      this.#flushing = undefined;
      if (this.#waiting.length + this.#lazyLines.length > 0) this.#flush();
    });
  }

  async #write(): Promise<void> {
    // Appends of the same turn of the event loop are written together.
    await Promise.resolve();
    const waiting = this.#waiting.splice(0);
    const lazyLines = this.#lazyLines.splice(0);
    try {
      const file = (this.#file ??= await this.#openNext());
      let offset = this.#size;
      const bytes = Buffer.concat([...waiting.map(({ line }) => line), ...lazyLines]);
      await file.appendFile(bytes);
      this.#size += bytes.length;
      if (waiting.length > 0) await this.#options.sync(file);
      const number = this.#number;
      for (const { line, resolve } of waiting) {
        resolve({ file: number, offset, length: line.length - 1 });
        offset += line.length;
      }
      if (this.#size > this.#options.fileBytes) await this.#endFile();
    } catch (cause) {
      // The disk may hold a part of the lines, so the next ones go into a new file.
      for (const { reject } of waiting) reject(cause);
      await this.#endFile().catch(() => undefined);
    }
  }

  async #openNext(): Promise<FileHandle> {
    // The number is not reused when the file cannot be opened.
    const file = await open(this.#path(++this.#number), "ax", 0o600);
    this.#size = 0;
    await this.#syncFolder();
    return file;
  }

  async #endFile(): Promise<void> {
    const file = this.#file;
    if (!file) return;
    this.#file = undefined;
    await file.close();
  }

  /** A new file name is durable only after its folder is synced. */
  async #syncFolder(): Promise<void> {
    const folder = await open(this.#dir, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  #path(file: number): string {
    return join(this.#dir, `journal-${String(file).padStart(8, "0")}.log`);
  }
}

const checksum = (json: Buffer): string =>
  crc32(json)
    .toString(16)
    .padStart(PREFIX_LENGTH - 1, "0");

function format(value: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(value));
  return Buffer.concat([Buffer.from(`${checksum(json)} `), json, Buffer.from("\n")]);
}

function parse(line: Buffer): unknown {
  const json = line.subarray(PREFIX_LENGTH);
  if (line.subarray(0, PREFIX_LENGTH).toString("latin1") !== `${checksum(json)} `) return undefined;
  try {
    return JSON.parse(json.toString());
  } catch {
    return undefined;
  }
}
