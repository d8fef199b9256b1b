/**
 * Starts runner processes: the real Runner on simulated ports.
 *
 * Invariants:
 * - Two processes share only the remote and the disk of their machine.
 * - A process ends when the loop of its runner ends.
 */
import type { Branch, RunId, Sha } from "../../src/core/protocol/ids.ts";
import type { RefEntry } from "../../src/git/build-listing.ts";
import type { TrustedConfig, Machine as MachinePort, Ports } from "../../src/engine/ports.ts";
import { CannotSign } from "../../src/core/messages/messages.ts";
import { Runner } from "../../src/engine/runner.ts";
import { SimulatedRepository } from "./simulated-repository.ts";
import { DiskTrees } from "./disk-trees.ts";
import type { SimulatedMachine } from "./simulated-machine.ts";
import { RunnerProcess } from "./simulated-machine.ts";
import { TTL_MS } from "./scenario.ts";
import { ScriptModel } from "./script-model.ts";
import type { World } from "./world.ts";

const BLOB = "b".repeat(40) as Sha;
const HINT_MS = 3000;

export interface StartedProcess {
  readonly proc: RunnerProcess;
  readonly runner: Runner;
}

export class ProcessStarter {
  readonly #world: World;
  readonly #entries = new Map<string, RefEntry>();
  readonly started: StartedProcess[] = [];
  #pids = 100;

  constructor(world: World) {
    this.#world = world;
  }

  get living(): readonly StartedProcess[] {
    return this.started.filter(({ proc }) => proc.isAlive && !proc.isStopping);
  }

  start(machine: SimulatedMachine): void {
    const world = this.#world;
    const { scheduler, random, trace, remote } = world;
    const proc = new RunnerProcess(machine, ++this.#pids, scheduler, random.fork());
    world.processes.push(proc);
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
          // A wake arrives late or not at all.
          if (proc.isAlive && random.chance(0.25)) {
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

  #ports(proc: RunnerProcess): Ports {
    const world = this.#world;
    const repository = new SimulatedRepository(world, proc, this.#entries);
    return {
      repository,
      trees: new DiskTrees(world, proc, repository),
      scripts: new ScriptModel(world, proc),
      clock: proc,
      machine: machineOf(world, proc),
      trustedConfig: (target) =>
        repository.runLocally(() => {
          if (world.scenario.workflow.sign && proc.machine.isKeyLocked)
            throw new CannotSign("the key is locked");
          return trustedConfigOf(world, proc, repository, target);
        }),
      report(event) {
        world.trace.add(proc.name, () => `tells ${JSON.stringify(event)}`);
        for (const check of world.checks) check.onEvent?.(proc, event);
      },
    };
  }
}

function machineOf(world: World, proc: RunnerProcess): MachinePort {
  const { random } = proc;
  return {
    runner: `somebody@${proc.machine.name}`,
    holder: proc.holder,
    newRun() {
      const run = random.uuid() as RunId;
      world.runOwners.set(run, proc);
      world.runPollStarts.set(run, proc.pollStarts[0] ?? 0);
      return run;
    },
    newNonce: () => random.hex(32),
    random: () => random.next(),
    // Only certain for processes of this machine.
    isDead: ({ boot, pid }) =>
      boot === proc.holder.boot &&
      !world.processes.some(({ isAlive, holder }) => isAlive && holder.pid === pid),
  };
}

/** Read after each poll, and asked for a script when a request of that poll is started. */
function trustedConfigOf(
  world: World,
  proc: RunnerProcess,
  repository: SimulatedRepository,
  target: Branch,
): TrustedConfig {
  const { scenario, checks } = world;
  const lookedAt = proc.pollStarts.at(-1) ?? 0;
  return {
    target,
    commit: BLOB,
    workflow: scenario.workflow,
    blob: BLOB,
    script(state) {
      for (const check of checks) check.onScriptLookup?.(proc, state, lookedAt);
      const path = `states/${state}`;
      const script = {
        path,
        executable: true,
        blob: BLOB,
        isAynig: false,
        isPrompt: false,
        copyTo: () => undefined,
      };
      return repository.runLocally(() => (scenario.scriptless.includes(state) ? undefined : script));
    },
    prompt: () => repository.runLocally(() => undefined),
    file: () => repository.runLocally(() => undefined),
    setup: () => repository.runLocally(() => undefined),
  };
}
