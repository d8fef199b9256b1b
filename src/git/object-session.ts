/**
 * Reads objects through one `git cat-file --batch-command`.
 *
 * Invariants:
 * - A name that a running git does not know is asked of a new one: stores may be borrowed meanwhile.
 * - Only reads go through here, so a request whose git died is sent once more.
 */
import type { Git } from "./git.ts";
import { GitExit } from "./git.ts";
import { GitSession, type TakeReply } from "./git-session.ts";

export interface GitObject {
  readonly id: string;
  readonly type: string;
  readonly size: number;
  /** Empty when only `info` was asked for. */
  readonly bytes: Buffer;
}

const NEWLINE = 0x0a;
const HEADER = /^([0-9a-f]+) ([a-z]+) ([0-9]+)$/;

export class ObjectSession {
  readonly #session: GitSession;

  constructor(git: Git) {
    this.#session = new GitSession(git, ["cat-file", "--batch-command", "--buffer"]);
  }

  start(): void {
    this.#session.start();
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  /** The type and size of each name, in order; undefined: there is no such object. */
  info(names: readonly string[]): Promise<(GitObject | undefined)[]> {
    return this.#read("info", names);
  }

  /** The content of each name, in order; undefined: there is no such object. */
  contents(names: readonly string[]): Promise<(GitObject | undefined)[]> {
    return this.#read("contents", names);
  }

  async #read(
    command: "contents" | "info",
    names: readonly string[],
    isRetry = false,
  ): Promise<(GitObject | undefined)[]> {
    if (names.length === 0) return [];
    const unsafe = names.find((name) => /[\0\n]/.test(name));
    if (unsafe !== undefined) throw new TypeError(`${JSON.stringify(unsafe)} is not the name of an object`);
    const input = [...names.map((name) => `${command} ${name}`), "flush", ""].join("\n");
    let objects: (GitObject | undefined)[];
    try {
      objects = await this.#session.ask(input, objectReader(names.length, command === "contents"));
    } catch (error) {
      if (isRetry || !(error instanceof GitExit)) throw error;
      return this.#read(command, names, true);
    }
    const missing = names.filter((_, at) => objects[at] === undefined);
    if (isRetry || missing.length === 0) return objects;
    await this.#session.close();
    const found = (await this.#read(command, missing, true)).values();
    return objects.map((object) => object ?? found.next().value);
  }
}

/** Reads the replies to so many commands. */
function objectReader(count: number, hasBytes: boolean): TakeReply<(GitObject | undefined)[]> {
  const objects: (GitObject | undefined)[] = [];
  let chunks: Buffer[] = [];
  let size = 0;
  /** How many bytes the next step needs, so that a large object is put together once. */
  let needed = 1;
  return (chunk) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size < needed) return undefined;
    const all = chunks.length === 1 ? chunk : Buffer.concat(chunks);
    let at = 0;
    for (;;) {
      const end = all.indexOf(NEWLINE, at);
      needed = size - at + 1;
      if (end < 0) break;
      const [, id = "", type = "", length] = HEADER.exec(all.toString("latin1", at, end)) ?? [];
      const begin = end + 1;
      // A newline ends the content of each object.
      const next = length === undefined || !hasBytes ? begin : begin + Number(length) + 1;
      needed = next - at;
      if (next > size) break;
      const bytes = hasBytes ? all.subarray(begin, next - 1) : Buffer.alloc(0);
      objects.push(length === undefined ? undefined : { id, type, size: Number(length), bytes });
      at = next;
    }
    chunks = [all.subarray(at)];
    size -= at;
    return objects.length === count ? objects : undefined;
  };
}
