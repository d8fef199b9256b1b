/** Runs pending requests until none is left, or until it is stopped. */
import type { Branch } from "../core/protocol/ids.ts";
import { reasonOf } from "../core/scheduling/reasons.ts";
import { reportOutage, retryUnreachable } from "../engine/retry-remote.ts";
import type { RunnerEvent } from "../engine/ports.ts";
import { Runner, type RunSummary } from "../engine/runner.ts";
import { LEASE, POLL } from "../engine/timing.ts";
import { removeOldLocks } from "../git/old-locks.ts";
import { requireVersion } from "../git/open-repository.ts";
import { recoverLocks } from "../git/recover-locks.ts";
import { killGroups } from "../process/process-group.ts";
import { RefWatch } from "../queue/ref-watch.ts";
import { WakeListener } from "../queue/wake-listener.ts";
import { requireUsableRemote } from "./check-remote.ts";
import { createRunner } from "./create-runner.ts";
import { noteUse, repairAfterPowerCut } from "./power-cut.ts";
import { requireHead, requireBranchName } from "./find-branch.ts";
import type { Environment, Workspace } from "./workspace.ts";

export type { RunnerEvent };

export interface RunOptions {
  /** Only these branches; empty: all. */
  readonly branches: readonly Branch[];
  /** Simultaneous attempts; default: the limit of the workflow. */
  readonly concurrency: number | undefined;
  /** One pass only. */
  readonly once: boolean;
  /** Stay, and react to new commits. */
  readonly watch: boolean;
  /** Lease time in milliseconds. */
  readonly ttlMs: number | undefined;
  /** A named pipe, or a port of 127.0.0.1, that wakes the runner. */
  readonly wake: string | undefined;
  readonly report: (event: RunnerEvent) => void;
}

/** What a run came to. */
export interface RunResult {
  readonly attempts: number;
  readonly faults: number;
  /** What happened; empty when watching. */
  readonly events: readonly RunnerEvent[];
  readonly answered: number;
  readonly landed: number;
  readonly stopped: number;
  /** Branches that wait for a person. */
  readonly people: number;
  /** Branches that a later run goes on with. */
  readonly later: number;
  readonly outcome: "done" | "failed" | "later";
}

/** Hosts that limit pushes. */
const LIMITED = /(?:^|[@/.])github\.com[:/]/;

/** A runner on this machine, for one call of `run`. */
export class LocalRun {
  readonly #workspace: Workspace;
  readonly #options: RunOptions;
  readonly #events: RunnerEvent[] = [];
  readonly #parts: ReturnType<typeof createRunner>;
  readonly #runner: Runner;
  readonly #refs: RefWatch | undefined;
  readonly #wakes: WakeListener | undefined;
  #wake: () => void = () => undefined;
  #isStopped = false;

  constructor(workspace: Workspace, env: Environment, options: RunOptions) {
    this.#workspace = workspace;
    this.#options = options;
    const { remote, location } = workspace;
    this.#parts = createRunner(workspace, env, (event) => {
      if (!options.watch) this.#events.push(event);
      options.report(event);
    });
    this.#refs = remote ? undefined : new RefWatch(location.commonDir);
    this.#wakes = options.wake === undefined ? undefined : new WakeListener(options.wake);
    const { branches, concurrency, once, watch, ttlMs } = options;
    this.#runner = new Runner(this.#parts.ports, {
      branches,
      concurrency,
      once,
      watch,
      ttlMs: ttlMs ?? (limitsPushes(workspace) ? LEASE.limitedTtlMs : LEASE.ttlMs),
      shared: remote !== undefined,
      pollInterval: remote === undefined ? POLL.local : this.#wakes ? POLL.woken : POLL.remote,
      onWake: (wake) => {
        this.#wake = wake;
        this.#refs?.start(wake);
      },
    });
  }

  /** Scripts get `graceMs` to finish; then they are ended, and their work is saved. */
  stop(graceMs: number): void {
    this.#isStopped = true;
    this.#runner.shutdown(graceMs);
  }

  /** Repairs what killed processes and a power cut left. */
  async #repair(): Promise<void> {
    const { location, remote } = this.#workspace;
    await repairAfterPowerCut(this.#workspace);
    await recoverLocks(location);
    if (remote) removeOldLocks(location.commonDir, Date.now());
  }

  async run(): Promise<RunResult> {
    const { watch } = this.#options;
    const { ports, dispose } = this.#parts;
    const endUse = noteUse(this.#workspace);
    const checkRemote = async () => {
      await this.#repair();
      if (!this.#isStopped) await requireUsableRemote(this.#workspace, Date.now());
    };
    try {
      await (watch
        ? retryUnreachable(ports, Number.POSITIVE_INFINITY, reportOutage(ports, checkRemote))
        : checkRemote());
      await this.#wakes?.start(() => this.#wake());
      return summarize(await this.#runner.run(), this.#events);
    } finally {
      this.#refs?.close();
      this.#wakes?.close();
      await dispose();
      endUse();
    }
  }
}

/** Ends all scripts of this process at once; the next runner saves their work. */
export const endAllScripts = killGroups;

/** Throws a UserError when git is missing or too old. */
export async function requireGit({ location }: Workspace): Promise<void> {
  await requireVersion(location.git);
}

/** Throws a UserError for a name without a branch. */
export async function requireBranches(workspace: Workspace, names: readonly string[]): Promise<Branch[]> {
  if (names.length === 0) return [];
  const { heads } = await workspace.repository.listRefs();
  const named = names.map((name) => requireHead(workspace, heads, requireBranchName(name)));
  return (await Promise.all(named)).map(({ branch }) => branch);
}

const limitsPushes = ({ remote }: Workspace): boolean =>
  remote !== undefined && LIMITED.test(remote.transport.address.push);

/** Waits that end without a person. */
const TEMPORARY = new Set(["resting", "running", "lane-full", "lane-closed", "held", "no-room"]);

function summarize(
  { startedCount, faultCount, idle }: RunSummary,
  events: readonly RunnerEvent[],
): RunResult {
  const answers = events.flatMap((event) => (event.kind === "answered" ? [event] : []));
  const last = new Map(events.map(({ branch, kind }) => [branch, kind]));
  const count = (kind: RunnerEvent["kind"]) => [...last.values()].filter((last) => last === kind).length;
  const waiting = idle.filter(({ head, why }) => TEMPORARY.has(why.code) && !last.has(head.branch));
  const later = count("resting") + waiting.length;
  const stopped = count("stopped");
  const isBlocked = idle.some(({ why }) => why.code === "blocked");
  const hasFailed = faultCount > 0 || answers.some(({ next }) => next === "failed");
  return {
    attempts: startedCount,
    faults: faultCount,
    events,
    answered: answers.length,
    landed: count("landed"),
    stopped,
    people: idle.filter((item) => reasonOf(item, Date.now()).turn === "person").length,
    later,
    outcome: hasFailed ? "failed" : later > 0 || stopped > 0 || isBlocked ? "later" : "done",
  };
}
