/**
 * Keeps what GitHub shows of a repository in line with its refs.
 *
 * What must hold: one showing at a time, and what happens meanwhile is shown after it; one that fails
 * is told and made again; after a stop none begins.
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
  /** The address of the pages, such as `https://github.com`. */
  readonly server: string;
  readonly self: PublisherIdentity;
  /** Told what GitHub does not let us write, and why a showing failed. */
  readonly log: (text: string) => void;
  /** Until a showing that failed is made again, in milliseconds. */
  readonly retryMs?: number;
}

export class Reporter {
  readonly #options: ReporterOptions;
  readonly #retryMs: number;
  readonly #cache: OverviewCache = new Map();
  #running: Promise<void> | undefined;
  /** Something happened since the last look. */
  #isStale = false;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#retryMs = options.retryMs ?? SERVER.publishRetryMs;
  }

  /** Ends when what there is now is shown. Rejects when it could not be. */
  publishNow(): Promise<void> {
    this.#isStale = true;
    this.#running ??= this.#publish().finally(() => {
      this.#running = undefined;
      // Something may have happened after the last look, and before this was over.
      if (this.#isStale && !this.#isStopped) this.publishSoon();
    });
    return this.#running;
  }

  /** Begins a showing. */
  publishSoon(): void {
    this.publishNow().catch((error: unknown) => {
      this.#options.log(String(error));
      this.#publishAfter(this.#retryMs);
    });
  }

  /** Its writes take a second each, and what is left of them is made at the next start. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    const patience = pause(SERVER.stopMs, undefined, { ref: false });
    await Promise.race([this.#running?.catch(() => undefined), patience]);
  }

  async #publish(): Promise<void> {
    const { workspace, publisher, repo, server, self, log } = this.#options;
    while (this.#isStale && !this.#isStopped) {
      this.#isStale = false;
      const branches = await overviewBranches(workspace, this.#cache);
      if (branches.views.length === 0) return;
      const {
        refused,
        uncertain: open,
        postponed: later,
      } = await showBranches(publisher, projectBranches(branches, repo, server), self);
      for (const { write, why } of refused) log(`${write.kind}: ${why}`);
      if (later) this.#publishAfter(later.ms);
      else if (open.length > 0) this.#publishAfter(this.#retryMs);
    }
  }

  #publishAfter(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => this.publishSoon(), Math.min(ms, SERVER.longestPublishMs)).unref();
  }
}
