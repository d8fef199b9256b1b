/**
 * Asks GitHub who pushed, for a runner outside of an App and of a job.
 *
 * Invariants:
 * - The token comes from the environment, and goes to the API only.
 */
import { openClient } from "../github/api/client.ts";
import { readBaseUrl, readServer } from "../github/api/credentials.ts";
import { openPushLog } from "../github/api/activity-log.ts";
import type { Repo } from "../github/api/repo.ts";
import { RequestThrottle } from "../github/api/request-throttle.ts";
import type { Environment, WorkspaceOptions, PushLog } from "./workspace.ts";

/** Undefined without a token, or where the remote is not on GitHub. `say` gets the reason when GitHub does not answer. */
export function pushesOf(env: Environment, say: (text: string) => void): WorkspaceOptions["pushes"] {
  const token = env["GITHUB_TOKEN"]?.trim() ?? "";
  return ({ fetch }) => {
    const repo = repoAt(readServer(env, readBaseUrl(env)), fetch);
    return repo === undefined || token === "" ? undefined : openLog(env, repo, token, say);
  };
}

/** Opens the client at the first question: most workflows never ask. */
function openLog(env: Environment, repo: Repo, token: string, say: (text: string) => void): PushLog {
  let opened: Promise<PushLog> | undefined;
  const open = async (): Promise<PushLog> => {
    const options = { throttle: new RequestThrottle(), token: () => Promise.resolve(token), log: say };
    const { request } = await openClient({ ...options, baseUrl: readBaseUrl(env) });
    return openPushLog(request, repo, say);
  };
  return async (branch) => (await (opened ??= open()))(branch);
}

const ADDRESS =
  /^(?:(?:https?|ssh):\/\/)?(?:[^/@]*@)?([\w.-]+)(?::\d+)?[/:]([\w-]+)\/([\w.-]+?)(?:\.git)?\/?$/;

/** The repository at a git address such as `https://github.com/owner/name.git` or `git@github.com:owner/name`. */
export function repoAt(server: string, address: string): Repo | undefined {
  const [, host, owner, name] = ADDRESS.exec(address) ?? [];
  // The same name on another server is another repository.
  if (owner === undefined || name === undefined || host !== new URL(server).hostname) return undefined;
  return { owner, name };
}
