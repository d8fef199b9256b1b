/**
 * Puts the parts together: the only reader of environment and configuration.
 *
 * What must hold: everything below gets what it needs as an argument; two runners made here share
 * nothing but the repository and the machine.
 */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { hostname, tmpdir, userInfo } from "node:os";
import { basename, join } from "node:path";
import { performance } from "node:perf_hooks";
import { composeMessage } from "./core/compose.ts";
import type { Branch, Ref, RunId, Sha } from "./core/ids.ts";
import { salvageRef } from "./core/lease.ts";
import type { Head } from "./core/view.ts";
import { Fault, words } from "./core/words.ts";
import { readContract, WORKFLOW_FILE, type ReadContract } from "./git/contract.ts";
import { Looker } from "./git/look.ts";
import { gitIn, openPlace, type Place } from "./git/open.ts";
import { BOT, LocalRepository } from "./git/repository.ts";
import { WorktreePool, type RunRecord } from "./git/worktree.ts";
import { endRun } from "./process/group.ts";
import { isDead, thisHolder } from "./process/machine.ts";
import { ScriptRunner } from "./process/script.ts";
import type { Clock, Contract, Event, Machine, Ports } from "./runner/ports.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** A repository, and where Trailhand keeps what can be thrown away. */
export interface Site {
  readonly place: Place;
  readonly repository: LocalRepository;
  readonly cache: { readonly states: string; readonly worktrees: string; readonly logs: string };
  /** The workflow of the trusted branch; read once for each of its commits. */
  readonly contract: (target: Branch, heads: readonly Head[]) => Promise<ReadContract>;
}

/** Opens the repository around a directory. Throws a Fault when there is none. */
export async function openSite(dir: string, env: Environment): Promise<Site> {
  const git = gitIn(dir, env);
  const looker = new Looker(git);
  looker.start();
  const place = await openPlace(git);
  const cache = cachePlaces(place, env);
  let last: Promise<ReadContract> | undefined;
  let lastCommit: Sha | undefined;
  return {
    place,
    cache,
    repository: new LocalRepository(place, looker),
    contract(target, heads) {
      const commit = heads.find((head) => head.branch === target)?.commit;
      if (!commit) throw new Fault(words.noTarget(`there is no branch ${target}`));
      if (commit !== lastCommit) {
        lastCommit = commit;
        last = readContract(place.git, commit, cache.states);
      }
      return last as Promise<ReadContract>;
    },
  };
}

/** Outside the repository, so that a script that climbs out of its worktree is not in it. */
function cachePlaces(place: Place, env: Environment): Site["cache"] {
  const base =
    env["XDG_CACHE_HOME"] ??
    (env["HOME"] ? join(env["HOME"], ".cache") : join(tmpdir(), `trailhand-${userName()}`));
  const hash = createHash("sha256").update(place.commonDir).digest("hex").slice(0, 12);
  const name = basename(place.top ?? place.commonDir).replace(/[^A-Za-z0-9._-]/g, "_");
  const root = join(base, "trailhand", `${name}-${hash}`);
  return { states: join(root, "states"), worktrees: join(root, "worktrees"), logs: join(root, "logs") };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "user";
  }
}

/** What a run needs besides the site. */
export interface RunnerParts {
  readonly ports: Ports;
  /** Removes the worktrees of this runner. */
  readonly dispose: () => Promise<void>;
}

/** How long a script has between SIGTERM and SIGKILL. */
const GRACE_MS = 5000;

/** The ports of a runner on this machine. */
export function wireRunner(site: Site, env: Environment, tell: (event: Event) => void): RunnerParts {
  const { place, repository, cache } = site;
  const holder = thisHolder();
  const id = randomUUID();
  const trees = new WorktreePool({
    place,
    root: cache.worktrees,
    own: join(cache.worktrees, `runner-${id.slice(0, 8)}`),
    holder,
    isDead,
    endProcesses: endRun,
    keep: (record, value) => keepSalvage(repository, record, value),
    salvageMessage,
  });
  const scripts = new ScriptRunner({
    env,
    committer: place.person ?? BOT,
    logs: cache.logs,
    graceMs: GRACE_MS,
  });
  const machine: Machine = {
    runner: `${userName()}@${hostname()}`,
    holder,
    newRun: () => randomUUID() as string as RunId,
    newNonce: () => randomBytes(16).toString("hex"),
    isDead,
  };
  const contract = (target: Branch, heads: readonly Head[]) => usableContract(site, target, heads);
  const ports: Ports = { repository, trees, scripts, clock, machine, contract, tell };
  return { ports, dispose: () => trees.dispose() };
}

/** The contract of the trusted branch. Throws a Fault when it cannot be run. */
export async function usableContract(site: Site, target: Branch, heads: readonly Head[]): Promise<Contract> {
  const contract = await site.contract(target, heads);
  if (!contract.any) throw new Fault(words.noStates(target));
  if (contract.problems.length > 0) {
    throw new Fault(words.brokenWorkflow(`${target}:${WORKFLOW_FILE}`, formatProblems(contract.problems)));
  }
  return { ...contract, target };
}

/** One line for each problem of a workflow. */
export function formatProblems(problems: ReadContract["problems"]): string {
  return problems
    .map(
      ({ line, path, message }) =>
        `  ${line === undefined ? "" : `line ${line}: `}${path ? `${path}: ` : ""}${message}`,
    )
    .join("\n");
}

async function keepSalvage(repository: LocalRepository, record: RunRecord, value: Sha): Promise<Ref> {
  const ref = salvageRef(record.branch as Branch, record.run);
  const swap = await repository.swap([{ ref, expected: null, next: value }], "salvage");
  if (swap.kind !== "landed" && !(await repository.read([ref])).get(ref))
    throw new Fault(words.notSaved(ref));
  return ref;
}

function salvageMessage(record: RunRecord): string {
  return composeMessage({
    header: `salvage: ${record.state} on ${record.branch}: its runner died`,
    trailers: [
      { key: "Branch", value: record.branch },
      { key: "Request", value: record.request },
      { key: "Run", value: record.run },
    ],
  });
}

const clock: Clock = {
  mono: () => performance.now(),
  wall: () => Date.now(),
  sleep(ms, until) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(ms, 2 ** 31 - 1));
      const end = () => {
        clearTimeout(timer);
        resolve();
      };
      until?.then(end, end);
    });
  },
};
