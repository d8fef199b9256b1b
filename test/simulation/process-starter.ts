/**
 * One process of a runner: the real Runner on the ports of a simulation.
 *
 * What must hold: two processes share nothing but the remote and the disk of their machine; when the
 * runner's loop ends, however it ends, its process does.
 */
import type { Branch, RunId, Sha } from "../../src/core/protocol/ids.ts";
import type { RefEntry } from "../../src/git/build-listing.ts";
import type { TrustedConfig, Machine as MachinePort, Ports } from "../../src/engine/ports.ts";
import { Runner } from "../../src/engine/runner.ts";
import { Desk } from "./simulated-repository.ts";
import { DiskTrees } from "./disk-trees.ts";
import type { Machine } from "./simulated-machine.ts";
import { Proc } from "./simulated-machine.ts";
import { TTL_MS } from "./scenario.ts";
import { ScriptModel } from "./script-model.ts";
import type { World } from "./world.ts";

const BLOB = "b".repeat(40) as Sha;
const HINT_MS = 3000;

export interface Started {
  readonly proc: Proc;
  readonly runner: Runner;
}

/** Starts processes, as a person or a service manager does. */
export class Starter {
  readonly #world: World;
  readonly #entries = new Map<string, RefEntry>();
  readonly started: Started[] = [];
  #pids = 100;

  constructor(world: World) {
    this.#world = world;
  }

  get living(): readonly Started[] {
    return this.started.filter(({ proc }) => proc.alive && !proc.stopping);
  }

  start(machine: Machine): void {
    const world = this.#world;
    const { scheduler, random, trace, remote } = world;
    const proc = new Proc(machine, ++this.#pids, scheduler, random.fork());
    world.procs.push(proc);
    const runner = new Runner(this.#ports(proc), {
      once: false,
      watch: true,
      branches: [],
      concurrency: undefined,
      ttlMs: TTL_MS,
      shared: true,
      pollInterval: { shortestMs: 700, longestMs: 4000 },
      onWake: (ring) =>
        remote.watch(() => {
          // A hint that the refs moved comes late, or not at all.
          if (proc.alive && random.chance(0.25)) {
            scheduler.after(random.spread(5, HINT_MS), () => proc.deliver(ring));
          }
        }),
    });
    this.started.push({ proc, runner });
    trace.add(proc.name, () => "starts");
    const end = (why: string) => {
      trace.add(proc.name, () => `ends: ${why}`);
      proc.crash();
    };
    proc.deliver(() => {
      runner.run().then(
        () => end("done"),
        (error: unknown) => end(String(error)),
      );
    });
  }

  #ports(proc: Proc): Ports {
    const world = this.#world;
    const desk = new Desk(world, proc, this.#entries);
    return {
      repository: desk,
      trees: new DiskTrees(world, proc, desk),
      scripts: new ScriptModel(world, proc),
      clock: proc,
      machine: machineOf(world, proc),
      trustedConfig: (target) => desk.work(() => contractOf(world, proc, desk, target)),
      report(event) {
        world.trace.add(proc.name, () => `tells ${JSON.stringify(event)}`);
        for (const check of world.checks) check.told?.(proc, event);
      },
    };
  }
}

function machineOf(world: World, proc: Proc): MachinePort {
  const { random } = proc;
  return {
    runner: `somebody@${proc.machine.name}`,
    holder: proc.holder,
    newRun() {
      const run = random.uuid() as RunId;
      world.owners.set(run, proc);
      world.since.set(run, proc.looks[0] ?? 0);
      return run;
    },
    newNonce: () => random.hex(32),
    random: () => random.next(),
    // Certain only of processes of this machine.
    isDead: ({ boot, pid }) =>
      boot === proc.holder.boot && !world.procs.some(({ alive, holder }) => alive && holder.pid === pid),
  };
}

/** A contract is read after each look, and asked for a script when a request of that look is begun. */
function contractOf(world: World, proc: Proc, desk: Desk, target: Branch): TrustedConfig {
  const { plan, checks } = world;
  const lookedAt = proc.looks.at(-1) ?? 0;
  return {
    target,
    workflow: plan.workflow,
    blob: BLOB,
    script(state) {
      for (const check of checks) check.begins?.(proc, state, lookedAt);
      const path = `states/${state}`;
      const script = {
        path,
        executable: true,
        blob: BLOB,
        isAynig: false,
        isPrompt: false,
        file: `/${path}`,
      };
      return desk.work(() => (plan.scriptless.includes(state) ? undefined : script));
    },
    prompt: () => desk.work(() => undefined),
    file: () => desk.work(() => undefined),
    setup: () => desk.work(() => undefined),
  };
}
