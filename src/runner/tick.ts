/**
 * The loop: look, decide, act, until nothing is runnable or for ever.
 *
 * What must hold: a wake is only a hint, each look sees everything; every decision is made by the
 * core on one view; leases of dead runners are swept before anything is claimed over them.
 */
import { decide, type Decision, type Expire, type Idle, type Run } from "../core/decide.ts";
import type { Branch, Sha } from "../core/ids.ts";
import { admit } from "../core/lane.ts";
import type { Request } from "../core/request.ts";
import type { Head, View } from "../core/view.ts";
import { Fault, words } from "../core/words.ts";
import { attempt } from "./attempt.ts";
import { Bell } from "./bell.ts";
import { Losses } from "./losses.ts";
import { Observer } from "./observe.ts";
import { Patience } from "./patience.ts";
import { StopSwitch } from "./claim.ts";
import { land } from "./finish.ts";
import type { Contract, Look, Ports } from "./ports.ts";

export interface Options {
  /** One look, and everything that it started. */
  readonly once: boolean;
  /** Stay, and look again at each wake. */
  readonly watch: boolean;
  /** Only these branches; empty means all. */
  readonly branches: readonly Branch[];
  readonly concurrency: number | undefined;
  readonly ttlMs: number;
  /** The slow look of the safety net, in milliseconds. */
  readonly pollMs: number;
  /** Is given the bell, to ring it at each wake. */
  readonly wakes: (ring: () => void) => void;
}

/** What one `run` came to. */
export interface Summary {
  readonly started: number;
  readonly faults: number;
  readonly idle: readonly Idle[];
}

interface Going {
  readonly commit: Sha;
  readonly lane: string;
  readonly stop: StopSwitch;
  readonly ended: Promise<void>;
}

/** What one look came to. */
interface Tick {
  readonly idle: readonly Idle[];
  /** True when a ref was moved, or is going to be: another look may find more. */
  readonly progress: boolean;
}

export class Runner {
  readonly #ports: Ports;
  readonly #options: Options;
  readonly #going = new Map<Branch, Going>();
  readonly #observer: Observer;
  readonly #faulted = new Set<Sha>();
  readonly #toldBlocked = new Map<Sha, string>();
  #started = 0;
  #faults = 0;
  #over = false;
  readonly #losses = new Losses();
  readonly #patience = new Patience();
  #toldFault = "";
  readonly #bell = new Bell();

  constructor(ports: Ports, options: Options) {
    this.#ports = ports;
    this.#options = options;
    this.#observer = new Observer(ports);
    options.wakes(() => this.#bell.ring());
  }

  /** Stops: nothing new is claimed, scripts are ended, their trees saved, their leases given back. */
  shutdown(): void {
    this.#over = true;
    for (const { stop } of this.#going.values()) stop.stop("shutdown");
    this.#bell.ring();
  }

  /**
   * Runs until nothing is runnable, or until `shutdown` when watching. When looking fails, a watch
   * tells it and goes on; otherwise what runs is finished, and the failure is thrown.
   */
  async run(): Promise<Summary> {
    const { clock, trees } = this.#ports;
    await trees.sweep();
    let idle: readonly Idle[] = [];
    for (;;) {
      this.#bell.clear();
      const tick = await this.#tickOrTell();
      idle = tick.idle;
      if (this.#over || (this.#options.once && !this.#options.watch)) break;
      const busy = this.#going.size > 0;
      if (!busy && tick.progress) continue;
      const pause = this.#pauseMs(idle);
      // An attempt that ended during the look rang the bell, and the look may not have seen its end.
      if (!this.#options.watch && !busy && pause === undefined && !this.#bell.rung) break;
      const shortest = Math.min(pause ?? Number.POSITIVE_INFINITY, this.#options.pollMs);
      await clock.sleep(shortest, this.#bell.next());
    }
    await this.#finishAll();
    return { started: this.#started, faults: this.#faults, idle };
  }

  async #finishAll(): Promise<void> {
    await Promise.all([...this.#going.values()].map((going) => going.ended));
  }

  async #tickOrTell(): Promise<Tick> {
    try {
      const tick = await this.#tick();
      this.#toldFault = "";
      return tick;
    } catch (error) {
      if (!this.#options.watch) {
        await this.#finishAll();
        throw error;
      }
      const { message: what, next } =
        error instanceof Fault ? error : { message: String(error), next: undefined };
      if (what !== this.#toldFault) this.#ports.tell({ kind: "fault", branch: undefined, what, next });
      this.#toldFault = what;
      return { idle: [], progress: false };
    }
  }

  async #tick(): Promise<Tick> {
    const { contract: readContract, clock, repository } = this.#ports;
    const look = await this.#lookSwept();
    const contract = await readContract(look.target, look.heads);
    const continues = contract.workflow["on-plain-commit"] === "continue";
    const takenOver = continues
      ? await repository.takenOver(look.target, look.heads)
      : new Map<string, Request>();
    const going = new Map([...this.#going].map(([branch, { lane }]) => [branch, lane]));
    const view = this.#observer.observe(look, takenOver, going);
    this.#stopMoved(view);
    const now = { mono: clock.mono(), wall: clock.wall() };
    const decisions = decide(view, contract.workflow, now).filter((one) => this.#concerns(one));
    const settled = await this.#settle(decisions);
    const { runnable, lost } = this.#sort(decisions, now.mono);
    const { admitted, held } = this.#over
      ? { admitted: [], held: [] }
      : admit(view, contract.workflow, runnable, this.#options.concurrency);
    const blocked: Idle[] = [];
    let started = 0;
    for (const run of admitted) {
      const other = await this.#ports.repository.answeredElsewhere(run.request, view.target);
      const why = other === undefined ? await this.#blocker(run) : undefined;
      if (other !== undefined) {
        blocked.push({ kind: "ignore", head: run.head, why: { code: "bound-elsewhere", detail: other } });
      } else if (why !== undefined) blocked.push(blockedIdle(run.head, why));
      // A shutdown may have come while we asked, and it stops only what was started before it.
      else if (!this.#over) {
        this.#start(contract, run);
        started++;
      }
    }
    const idle = decisions.filter((one): one is Idle => "why" in one);
    const waiting = [...settled.blocked, ...blocked];
    return { idle: [...idle, ...held, ...lost, ...waiting], progress: started > 0 || settled.progress };
  }

  /** What may be claimed now, and what is left alone because claims on it were lost. */
  #sort(decisions: readonly Decision[], now: number): { runnable: Run[]; lost: Idle[] } {
    const runs = decisions.filter((one): one is Run => one.kind === "run");
    const fresh = runs.filter(
      ({ head, request }) => !this.#going.has(head.branch) && !this.#faulted.has(request.commit),
    );
    const lost = fresh.flatMap(({ head, request }): Idle[] => {
      const leftMs = this.#losses.restMs(request.commit, now);
      if (leftMs === 0) return [];
      if (!this.#options.watch && this.#losses.isHopeless(request.commit))
        return [blockedIdle(head, words.locked())];
      return [{ kind: "wait", head, why: { code: "resting", detail: words.claimLost(), leftMs } }];
    });
    const resting = new Set(lost.map(({ head }) => head.branch));
    return { runnable: fresh.filter(({ head }) => !resting.has(head.branch)), lost };
  }

  /** Looks; when a runner of this machine died, ends what it left before anything is decided. */
  async #lookSwept(): Promise<Look> {
    const { repository, trees, machine } = this.#ports;
    const look = await repository.look();
    const dead = [...look.leases.values()].some(
      ({ lease }) => lease?.holder && !lease.rest && machine.isDead(lease.holder),
    );
    if (dead) await trees.sweep();
    return look;
  }

  /** A person's commit on a branch that we work on ends our run at once. */
  #stopMoved(view: View): void {
    const present = new Map(view.heads.map((head) => [head.branch, head.commit]));
    for (const [branch, { commit, stop }] of this.#going) {
      if (present.get(branch) !== commit) stop.stop("moved");
    }
  }

  #concerns(decision: Decision): boolean {
    const { branches } = this.#options;
    return branches.length === 0 || branches.includes(decision.head.branch);
  }

  /** Lands finished answers and removes leases that nobody holds. */
  async #settle(decisions: readonly Decision[]): Promise<{ progress: boolean; blocked: Idle[] }> {
    const blocked: Idle[] = [];
    let progress = false;
    for (const decision of decisions) {
      if (decision.kind === "expire") await this.#expire(decision);
      if (decision.kind !== "land") continue;
      const { head, parked } = decision;
      const swap = await land(this.#ports, head, parked.value);
      if (swap.kind === "landed") {
        progress = true;
        this.#ports.tell({ kind: "landed", branch: head.branch, commit: parked.value });
      }
      if (swap.kind !== "blocked") continue;
      this.#tellBlocked(head.branch, head.commit, swap.why);
      blocked.push(blockedIdle(head, swap.why));
    }
    return { progress, blocked };
  }

  async #expire({ over }: Expire): Promise<void> {
    await this.#ports.repository.swap([{ ref: over.ref, expected: over.value, next: null }], "expired");
  }

  async #blocker(run: Run): Promise<string | undefined> {
    const why = await this.#ports.repository.blocker(run.head.branch);
    if (why !== undefined) this.#tellBlocked(run.head.branch, run.head.commit, why);
    return why;
  }

  #tellBlocked(branch: Branch, commit: Sha, why: string): void {
    if (this.#toldBlocked.get(commit) === why) return;
    this.#toldBlocked.set(commit, why);
    this.#ports.tell({ kind: "blocked", branch, why });
  }

  #start(contract: Contract, run: Run): void {
    const stop = new StopSwitch();
    const { branch } = run.head;
    const ended = attempt(this.#ports, contract, run, stop, this.#options.ttlMs).then((end) => {
      this.#going.delete(branch);
      this.#bell.ring();
      if (end === "lost") this.#losses.add(run.request.commit, this.#ports.clock.mono());
      if (end !== "fault") return;
      this.#faults++;
      if (!this.#options.watch) this.#faulted.add(run.request.commit);
    });
    this.#started++;
    this.#patience.began(run.request.commit, run.attempt);
    const lane = run.state?.lane ?? "default";
    this.#going.set(branch, { commit: run.head.commit, lane, stop, ended });
  }

  /** How long until a resting request may run; undefined when none is worth waiting for. */
  #pauseMs(idle: readonly Idle[]): number | undefined {
    const now = this.#ports.clock.mono();
    const rests = idle.flatMap(({ head, why }) => {
      if (why.code !== "resting" || this.#faulted.has(head.commit)) return [];
      const worth = this.#options.watch || this.#patience.lasts(head.commit, why.leftMs, now);
      return worth ? [why.leftMs + 1] : [];
    });
    return rests.length > 0 ? Math.min(...rests) : undefined;
  }
}

const blockedIdle = (head: Head, why: string): Idle => ({
  kind: "park",
  head,
  why: { code: "blocked", detail: why },
});
