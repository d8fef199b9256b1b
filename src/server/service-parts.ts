/**
 * What a server does with its deliveries: a station for each repository, opened when something is
 * asked of it.
 *
 * What must hold: a repository has one station; one that cannot be opened keeps no other from being
 * served, and is opened again when it is asked for again.
 */
import type { Probot } from "probot";
import { readEvent, type EventReading, type OwnIdentity } from "../github/commands/parse-event.ts";
import type { Intent } from "../github/commands/intent.ts";
import type { Repo } from "../github/api/repo.ts";
import { RateLimit } from "../github/commands/rate-limit.ts";
import type { RequestThrottle } from "../github/api/request-throttle.ts";
import { installations } from "./installation.ts";
import { RepositoryService, type RepositoryServiceOptions } from "./repository-service.ts";

/** What understands events, acts on them, and shows what came of it. */
export interface ServiceParts {
  readonly readEvent: (name: string, payload: unknown, self: OwnIdentity) => EventReading;
  readonly handle: (intent: Intent) => Promise<void>;
  /** Ends what runs. */
  readonly stop: () => Promise<void>;
}

/** What they need besides the App. */
export interface PartsOptions extends Omit<RepositoryServiceOptions, "self" | "limits"> {
  /** How fast each account is asked; as GitHub wants it when left out. */
  readonly createThrottle?: (() => RequestThrottle) | undefined;
}

/** The parts of this program: a station for each repository, opened when something is asked of it. */
export function createServiceParts({
  createThrottle: pace,
  ...given
}: PartsOptions): (app: Probot, self: () => Promise<OwnIdentity>) => ServiceParts {
  const { log } = given;
  return (app, self) => {
    const stations = new Map<string, Promise<RepositoryService>>();
    const limits = new RateLimit();
    const installed = installations(app, log, pace);
    const open = async (repo: Repo): Promise<RepositoryService> => {
      const octokit = await installed(repo);
      return RepositoryService.open(repo, octokit, { ...given, limits, self: await self() });
    };
    const stationOf = (repo: Repo): Promise<RepositoryService> => {
      const key = `${repo.owner}/${repo.name}`.toLowerCase();
      const known = stations.get(key) ?? open(repo);
      stations.set(key, known);
      known.catch(() => stations.delete(key));
      return known;
    };
    return {
      readEvent,
      async handle(intent) {
        if (intent.kind !== "sweep") return (await stationOf(intent.repo)).handle(intent);
        for (const repo of intent.repos) {
          await stationOf(repo).then(
            (station) => station.publish(),
            // One repository that cannot be opened keeps no other from being looked at.
            (error: unknown) => log(`${repo.owner}/${repo.name}: ${String(error)}`),
          );
        }
      },
      async stop() {
        const open = await Promise.allSettled(stations.values());
        const there = open.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
        await Promise.all(there.map((station) => station.stop()));
      },
    };
  };
}
