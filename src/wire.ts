/**
 * Opens a repository for the commands: the only reader of environment and configuration.
 *
 * What must hold: everything below gets what it needs as an argument; what only some commands need
 * is loaded when it is needed, while git is at work.
 */
import { createHash } from "node:crypto";
import { tmpdir, userInfo } from "node:os";
import { basename, isAbsolute, join } from "node:path";
import type { Branch, Sha } from "./core/ids.ts";
import type { Head } from "./core/view.ts";
import { Fault, words } from "./core/words.ts";
import { WORKFLOW_FILE } from "./core/workflow.ts";
import { readContract, type ReadContract } from "./git/contract.ts";
import { Looker } from "./git/look.ts";
import { gitIn, openPlace, type Place } from "./git/open.ts";
import { LocalRepository } from "./git/repository.ts";
import type { Contract } from "./runner/ports.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Directories of what can be thrown away. */
interface Cache {
  readonly states: string;
  readonly contracts: string;
  readonly worktrees: string;
  readonly logs: string;
}

/** A repository, and where Trailhand keeps what can be thrown away. */
export interface Site {
  readonly place: Place;
  readonly repository: LocalRepository;
  readonly cache: Cache;
  /** The workflow of the trusted branch; read once for each of its commits. */
  readonly contract: (target: Branch, heads: readonly Head[]) => Promise<ReadContract>;
}

export interface Opening {
  /** Start the first look at once. It then shows the refs as they were when the site was opened. */
  readonly lookAhead?: boolean;
  /** Take the workflow of a commit from the cache, where a command runs nothing. */
  readonly remember?: boolean;
}

/** Opens the repository around a directory. Throws a Fault when there is none. */
export async function openSite(dir: string, env: Environment, how: Opening = {}): Promise<Site> {
  const git = gitIn(dir, env);
  const looker = new Looker(git);
  if (how.lookAhead) looker.start();
  const opening = openPlace(git);
  const place = await opening;
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
        last = readContract(place.git, commit, cache.states, how.remember ? memoryIn(cache) : undefined);
      }
      return last as Promise<ReadContract>;
    },
  };
}

/** What one build of this program has read; another build may read the same commit otherwise. */
function memoryIn(cache: Cache): string {
  return join(cache.contracts, `${typeof BUILD === "string" ? BUILD : "source"}-`);
}

/** Outside the repository, so that a script that climbs out of its worktree is not in it. */
function cachePlaces(place: Place, env: Environment): Cache {
  const home = env["HOME"] ? join(env["HOME"], ".cache") : join(tmpdir(), `trailhand-${userName()}`);
  // The XDG specification: a path that is empty or relative is to be passed over.
  const given = env["XDG_CACHE_HOME"] ?? "";
  const base = isAbsolute(given) ? given : home;
  const hash = createHash("sha256").update(place.commonDir).digest("hex").slice(0, 12);
  const name = basename(place.top ?? place.commonDir).replace(/[^A-Za-z0-9._-]/g, "_");
  const root = join(base, "trailhand", `${name}-${hash}`);
  return {
    contracts: join(root, "contracts"),
    states: join(root, "states"),
    worktrees: join(root, "worktrees"),
    logs: join(root, "logs"),
  };
}

/** Who is logged in, for names that people read. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "user";
  }
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
