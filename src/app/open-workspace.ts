/**
 * Opens a repository for the commands: the only reader of environment and configuration.
 *
 * What must hold: everything below gets what it needs as an argument; what only some commands need
 * is loaded when it is needed, while git is at work.
 */
import type { Branch } from "../core/protocol/ids.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { Fault, words } from "../core/messages/messages.ts";
import { WORKFLOW_FILE } from "../core/workflow/workflow.ts";
import type { ReadContract } from "../git/contract.ts";
import { Looker } from "../git/read-refs.ts";
import { gitIn, openPlace } from "../git/open-repository.ts";
import { LocalRepository } from "../git/repository.ts";
import type { Contract } from "../engine/ports.ts";
import { cachePlaces, cacheRoot, contracts, type Environment, type Opening, type Site } from "./workspace.ts";

/** Opens the repository around a directory. Throws a Fault when there is none. */
export async function openSite(dir: string, env: Environment, how: Opening = {}): Promise<Site> {
  if (how.remote !== undefined) {
    const { openRemoteSite } = await import("./open-remote.ts");
    return openRemoteSite(dir, env, { ...how, remote: how.remote });
  }
  const git = gitIn(dir, env);
  const looker = new Looker(git);
  if (how.lookAhead) looker.start();
  const place = await openPlace(git);
  const cache = cachePlaces(cacheRoot(place, env));
  const repository = new LocalRepository(place, looker);
  return { place, cache, repository, here: place, remote: undefined, contract: contracts(place, cache, how) };
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
