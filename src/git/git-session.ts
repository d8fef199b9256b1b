/**
 * A git process that answers many requests, one after the other.
 *
 * Invariants:
 * - It never keeps this program alive, and it ends with it: git ends when its input is closed.
 * - It ends when it has no requests for a while, and at a limit of time or output.
 * - A request whose process ended is not repeated here. Only the caller knows whether that is safe.
 */
import { performance } from "node:perf_hooks";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import { GitLimit, killGroup, startGit } from "./bounded-git.ts";
import { type Git, GitExit, SETTINGS, splitSetting } from "./git.ts";
import { GIT_LIMITS, SESSION } from "./timing.ts";

/** Takes the output of one request, and returns the reply once it is complete. */
export type TakeReply<T> = (chunk: Buffer) => T | undefined;

interface Exchange {
  readonly take: (chunk: Buffer) => void;
  readonly fail: (error: unknown) => void;
}

/** How much of the messages of a session is kept. */
const MAX_MESSAGES = 65_536;

/** One process of a session. */
class SessionProcess {
  readonly startedAt = performance.now();
  /** Resolves when git and its pipes are gone. */
  readonly ended: Promise<void>;
  readonly #args: readonly string[];
  readonly #child: ReturnType<typeof startGit>;
  #exchange: Exchange | undefined;
  #messages = "";
  #failure: unknown;
  #isOver = false;

  constructor(git: Git, args: readonly string[]) {
    const { dir, env, globalOptions = [], settings = [] } = git.target;
    this.#args = args;
    this.#child = startGit({ dir, env, settings: [...SETTINGS, ...settings].map(splitSetting) }, [
      ...globalOptions,
      ...args,
    ]);
    const { stdin, stdout, stderr } = this.#child;
    // git may end before it has read its input.
    stdin?.on("error", () => undefined);
    stdout?.on("data", (chunk: Buffer) => {
      // Output that belongs to no request would be taken for the next reply.
      if (this.#exchange) this.#exchange.take(chunk);
      else this.kill();
    });
    stderr?.on("data", (chunk: Buffer) => {
      this.#messages = (this.#messages + chunk.toString("utf8")).slice(-MAX_MESSAGES);
    });
    this.ended = new Promise((resolve) => {
      this.#child.on("error", (error: NodeJS.ErrnoException) => {
        this.#end(error.code === "ENOENT" ? new UserError(MESSAGES.noGit(), { cause: error }) : error);
        resolve();
      });
      this.#child.once("close", (code: number | null) => {
        this.#end(this.#failure ?? new GitExit(this.#args, code ?? 128, this.#messages));
        resolve();
      });
    });
    this.#hold(false);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  exchange<T>(input: string, take: TakeReply<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let size = 0;
      const limit = (what: string) => this.kill(new GitLimit(this.#args, what));
      const seconds = GIT_LIMITS.ms / 1000;
      const timer = setTimeout(() => limit(`it took more than ${seconds} s`), GIT_LIMITS.ms);
      const finish = () => {
        clearTimeout(timer);
        this.#exchange = undefined;
        this.#hold(false);
      };
      this.#exchange = {
        take: (chunk) => {
          size += chunk.length;
          if (size > GIT_LIMITS.bytes) return limit(`it printed more than ${GIT_LIMITS.bytes} bytes`);
          const reply = this.#try(() => take(chunk));
          if (reply === undefined) return;
          finish();
          resolve(reply);
        },
        fail: (error) => {
          finish();
          reject(error);
        },
      };
      this.#messages = "";
      this.#hold(true);
      this.#child.stdin?.write(input);
    });
  }

  /** Lets git end by itself. */
  close(): void {
    this.#isOver = true;
    this.#child.stdin?.end();
  }

  /** Waits until git has ended. */
  async settle(): Promise<void> {
    this.close();
    this.#hold(true);
    const timer = setTimeout(() => this.kill(), SESSION.closeMs);
    await this.ended;
    clearTimeout(timer);
  }

  /** `failure` is thrown by the request that waits. */
  kill(failure?: unknown): void {
    this.#isOver = true;
    this.#failure ??= failure;
    killGroup(this.#child);
  }

  #try<T>(take: () => T): T | undefined {
    try {
      return take();
    } catch (error) {
      this.kill(error);
      return undefined;
    }
  }

  #end(error: unknown): void {
    this.#isOver = true;
    this.#exchange?.fail(error);
  }

  /** While a request waits, this program must not end. */
  #hold(isHeld: boolean): void {
    const { stdin, stdout, stderr } = this.#child;
    for (const part of [this.#child, stdin, stdout, stderr] as (Partial<NodeJS.RefCounted> | null)[]) {
      if (isHeld) part?.ref?.();
      else part?.unref?.();
    }
  }
}

export class GitSession {
  readonly #git: Git;
  readonly #args: readonly string[];
  readonly #maxAgeMs: number;
  #process: SessionProcess | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(git: Git, args: readonly string[], maxAgeMs: number = SESSION.maxAgeMs) {
    this.#git = git;
    this.#args = args;
    this.#maxAgeMs = maxAgeMs;
  }

  /** Starts the process before the first request, in parallel to other work. */
  start(): void {
    this.#running();
    this.#waitIdle();
  }

  /** Throws GitExit with what git said when its process ends, and GitLimit at a limit. */
  ask<T>(input: string, take: TakeReply<T>): Promise<T> {
    const reply = this.#turn.then(async () => {
      clearTimeout(this.#idleTimer);
      try {
        return await this.#running().exchange(input, take);
      } finally {
        this.#waitIdle();
      }
    });
    this.#turn = reply.catch(() => undefined);
    return reply;
  }

  /** Ends the process after the requests so far. The next request starts a new one. */
  close(): Promise<void> {
    const end = this.#turn.then(async () => {
      const current = this.#process;
      this.#end();
      await current?.settle();
    });
    this.#turn = end;
    return end;
  }

  #running(): SessionProcess {
    const current = this.#process;
    if (current && performance.now() - current.startedAt > this.#maxAgeMs) this.#end();
    if (this.#process && !this.#process.isOver) return this.#process;
    return (this.#process = new SessionProcess(this.#git, this.#args));
  }

  #waitIdle(): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.#end(), SESSION.idleMs).unref();
  }

  #end(): void {
    clearTimeout(this.#idleTimer);
    this.#process?.close();
    this.#process = undefined;
  }
}
