/**
 * Keeps what GitHub shows of a repository up to date with its refs.
 *
 * Invariants:
 * - One update runs at a time; changes during an update cause another one.
 * - A failed update is logged and retried.
 * - No update starts after a stop.
 */
import { setTimeout as pause } from "node:timers/promises";
import { overviewBranches, type OverviewCache } from "./branch-overview.ts";
import type { Repo } from "../github/api/repo.ts";
import { projectBranches } from "../github/display/project.ts";
import { showBranches } from "../github/display/apply.ts";
import type { PublisherIdentity, Publisher } from "../github/display/publisher-port.ts";
import type { Workspace } from "../app/workspace.ts";
import { SERVER } from "./timing.ts";

export interface ReporterOptions {
  readonly workspace: Workspace;
  readonly publisher: Publisher;
  readonly repo: Repo;
  /** The address of the web pages, such as `https://github.com`. */
  readonly server: string;
  readonly self: PublisherIdentity;
  /** Called with writes that GitHub refused, and with the reasons of failed updates. */
  readonly log: (text: string) => void;
  /** The time until a failed update is retried, in milliseconds. */
  readonly retryMs?: number;
}

export class Reporter {
  readonly #options: ReporterOptions;
  readonly #retryMs: number;
  readonly #cache: OverviewCache = new Map();
  #running: Promise<void> | undefined;
  /** True when the repository may have changed since it was last read. */
  #isStale = false;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#retryMs = options.retryMs ?? SERVER.publishRetryMs;
  }

  /** Resolves when GitHub shows the current state. */
  publishNow(): Promise<void> {
    this.#isStale = true;
    this.#running ??= this.#publish().finally(() => {
      this.#running = undefined;
      // The repository may have changed while the last writes were in progress.
      if (this.#isStale && !this.#isStopped) this.publishSoon();
    });
    return this.#running;
  }

  /** Starts an update in the background. */
  publishSoon(): void {
    this.publishNow().catch((error: unknown) => {
      this.#options.log(String(error));
      this.#publishAfter(this.#retryMs);
    });
  }

  /** Waits only briefly: each write takes a second, and the next start writes the rest. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    const timeout = pause(SERVER.stopMs, undefined, { ref: false });
    await Promise.race([this.#running?.catch(() => undefined), timeout]);
  }

  async #publish(): Promise<void> {
    const { workspace, publisher, repo, server, self, log } = this.#options;
    while (this.#isStale && !this.#isStopped) {
      this.#isStale = false;
      const branches = await overviewBranches(workspace, this.#cache);
      if (branches.views.length === 0) return;
      const desiredWith = projectBranches(branches, repo, server);
      const { refused, uncertain, postponed } = await showBranches(publisher, desiredWith, self);
      for (const { write, why } of refused) log(`${write.kind}: ${why}`);
      if (postponed) this.#publishAfter(postponed.ms);
      else if (uncertain.length > 0) this.#publishAfter(this.#retryMs);
    }
  }

  #publishAfter(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => this.publishSoon(), Math.min(ms, SERVER.longestPublishMs)).unref();
  }
}
