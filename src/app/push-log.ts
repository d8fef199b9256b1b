/**
 * Who pushed, for a runner that is no part of an App or a job: asked of GitHub with a token.
 *
 * What must hold: the token comes from the environment, and goes to the API alone; where the remote
 * is not at a GitHub, or there is no token, nobody can be asked.
 */
import { openClient } from "../github/api/client.ts";
import { readBaseUrl, readServer } from "../github/api/credentials.ts";
import { openPushLog } from "../github/api/activity-log.ts";
import type { Repo } from "../github/api/repo.ts";
import { RequestThrottle } from "../github/api/request-throttle.ts";
import type { Environment, WorkspaceOptions, PushLog } from "./workspace.ts";

/** The log of a remote at GitHub; `say` is told why GitHub did not answer. */
export function pushesOf(env: Environment, say: (text: string) => void): WorkspaceOptions["pushes"] {
  const token = env["GITHUB_TOKEN"]?.trim() ?? "";
  return ({ fetch }) => {
    const repo = repoAt(readServer(env, readBaseUrl(env)), fetch);
    return repo === undefined || token === "" ? undefined : openLog(env, repo, token, say);
  };
}

/** Opened when it is asked something: most workflows never do. */
function openLog(env: Environment, repo: Repo, token: string, say: (text: string) => void): PushLog {
  let opened: Promise<PushLog> | undefined;
  const open = async (): Promise<PushLog> => {
    const how = { throttle: new RequestThrottle(), token: () => Promise.resolve(token), log: say };
    const { request } = await openClient({ ...how, baseUrl: readBaseUrl(env) });
    return openPushLog(request, repo, say);
  };
  return async (branch) => (await (opened ??= open()))(branch);
}

const ADDRESS =
  /^(?:(?:https?|ssh):\/\/)?(?:[^/@]*@)?([\w.-]+)(?::\d+)?[/:]([\w-]+)\/([\w.-]+?)(?:\.git)?\/?$/;

/** The repository that an address of git names at a server: `https://github.com/owner/name.git`, `git@github.com:owner/name`. */
export function repoAt(server: string, address: string): Repo | undefined {
  const [, host, owner, name] = ADDRESS.exec(address) ?? [];
  // Another server's repository of the same name would have another's word for it.
  if (owner === undefined || name === undefined || host !== new URL(server).hostname) return undefined;
  return { owner, name };
}
