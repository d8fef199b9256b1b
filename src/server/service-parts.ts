/**
 * Routes the intents of all repositories to one service each, which is opened on first use.
 *
 * Invariants:
 * - A repository has one service.
 * - A repository that cannot be opened does not affect others, and is opened again at its next intent.
 */
import type { Probot } from "probot";
import { readEvent, type EventReading, type OwnIdentity } from "../github/commands/parse-event.ts";
import type { Intent } from "../github/commands/intent.ts";
import type { Repo } from "../github/api/repo.ts";
import { RateLimit } from "../github/commands/rate-limit.ts";
import type { RequestThrottle } from "../github/api/request-throttle.ts";
import { installations } from "./installation.ts";
import { RepositoryService, type RepositoryServiceOptions } from "./repository-service.ts";

/** The parts of the server that tests can replace. */
export interface ServiceParts {
  readonly readEvent: (name: string, payload: unknown, self: OwnIdentity) => EventReading;
  readonly handle: (intent: Intent) => Promise<void>;
  /** Stops all services. */
  readonly stop: () => Promise<void>;
}

export interface PartsOptions extends Omit<RepositoryServiceOptions, "self" | "limits"> {
  /** Creates the throttle of an installation. The default obeys GitHub's rules. */
  readonly createThrottle?: (() => RequestThrottle) | undefined;
}

export function createServiceParts({
  createThrottle,
  ...options
}: PartsOptions): (app: Probot, self: () => Promise<OwnIdentity>) => ServiceParts {
  const { log } = options;
  return (app, self) => {
    const services = new Map<string, Promise<RepositoryService>>();
    const limits = new RateLimit();
    const installed = installations(app, log, createThrottle);
    const open = async (repo: Repo): Promise<RepositoryService> => {
      const octokit = await installed(repo);
      return RepositoryService.open(repo, octokit, { ...options, limits, self: await self() });
    };
    const serviceOf = (repo: Repo): Promise<RepositoryService> => {
      const key = `${repo.owner}/${repo.name}`.toLowerCase();
      const service = services.get(key) ?? open(repo);
      services.set(key, service);
      service.catch(() => services.delete(key));
      return service;
    };
    return {
      readEvent,
      async handle(intent) {
        if (intent.kind !== "sweep") return (await serviceOf(intent.repo)).handle(intent);
        for (const repo of intent.repos) {
          await serviceOf(repo).then(
            (service) => service.publish(),
            // A repository that cannot be opened must not stop the sweep.
            (error: unknown) => log(`${repo.owner}/${repo.name}: ${String(error)}`),
          );
        }
      },
      async stop() {
        const results = await Promise.allSettled(services.values());
        const opened = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
        await Promise.all(opened.map((service) => service.stop()));
      },
    };
  };
}
