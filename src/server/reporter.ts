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

export interface ReporterOptions {
  readonly site: Workspace;
  readonly surface: Publisher;
  readonly repo: Repo;
  /** The address of the pages, such as `https://github.com`. */
  readonly server: string;
  readonly self: PublisherIdentity;
  /** Told what GitHub does not let us write, and why a showing failed. */
  readonly say: (text: string) => void;
  /** Until a showing that failed is made again, in milliseconds. */
  readonly againMs?: number;
}

/** How long a stop waits for a showing. */
const PATIENCE_MS = 1000;
const AGAIN_MS = 30_000;
/** A timer that is told to wait for months rings at once. */
const LONGEST_MS = 24 * 60 * 60 * 1000;

export class Reporter {
  readonly #options: ReporterOptions;
  readonly #againMs: number;
  readonly #memory: OverviewCache = new Map();
  #present: Promise<void> | undefined;
  /** Something happened since the last look. */
  #isStale = false;
  #later: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#againMs = options.againMs ?? AGAIN_MS;
  }

  /** Ends when what there is now is shown. Rejects when it could not be. */
  now(): Promise<void> {
    this.#isStale = true;
    this.#present ??= this.#show().finally(() => {
      this.#present = undefined;
      // Something may have happened after the last look, and before this was over.
      if (this.#isStale && !this.#isOver) this.soon();
    });
    return this.#present;
  }

  /** Begins a showing. */
  soon(): void {
    this.now().catch((error: unknown) => {
      this.#options.say(String(error));
      this.#in(this.#againMs);
    });
  }

  /** Its writes take a second each, and what is left of them is made at the next start. */
  async stop(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#later);
    const patience = pause(PATIENCE_MS, undefined, { ref: false });
    await Promise.race([this.#present?.catch(() => undefined), patience]);
  }

  async #show(): Promise<void> {
    const { site, surface, repo, server, self, say } = this.#options;
    while (this.#isStale && !this.#isOver) {
      this.#isStale = false;
      const branches = await overviewBranches(site, this.#memory);
      if (branches.seen.length === 0) return;
      const { refused, open, later } = await showBranches(
        surface,
        projectBranches(branches, repo, server),
        self,
      );
      for (const { write, why } of refused) say(`${write.kind}: ${why}`);
      if (later) this.#in(later.ms);
      else if (open.length > 0) this.#in(this.#againMs);
    }
  }

  #in(ms: number): void {
    clearTimeout(this.#later);
    if (this.#isOver) return;
    this.#later = setTimeout(() => this.soon(), Math.min(ms, LONGEST_MS)).unref();
  }
}
