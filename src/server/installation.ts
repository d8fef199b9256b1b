/**
 * Who the App is in a repository: its installation, and the accounts that GitHub numbers.
 *
 * What must hold: one account is asked at one pace; a number comes from GitHub, never from a text.
 */
import type { Octokit } from "@octokit/rest";
import type { Probot } from "probot";
import { addThrottle } from "../github/api/client.ts";
import type { Repo } from "../github/api/repo.ts";
import { RequestThrottle } from "../github/api/request-throttle.ts";

/** Opens GitHub as the App is installed for a repository. One account is asked at one pace. */
export function installations(
  app: Probot,
  log: (text: string) => void,
  pace: () => RequestThrottle = () => new RequestThrottle(),
): (repo: Repo) => Promise<Octokit> {
  const known = new Map<number, Promise<Octokit>>();
  const open = async (id: number): Promise<Octokit> => {
    const octokit = (await app.auth(id)) as unknown as Octokit;
    addThrottle(octokit, { throttle: pace(), log });
    return octokit;
  };
  return async (repo) => {
    const id = await installationOf(app, repo);
    const octokit = known.get(id) ?? open(id);
    known.set(id, octokit);
    octokit.catch(() => known.delete(id));
    return octokit;
  };
}

/** The number of the installation that a repository belongs to. */
export async function installationOf(app: Probot, { owner, name: repo }: Repo): Promise<number> {
  const asItself = await app.auth();
  const { data } = await asItself.request("GET /repos/{owner}/{repo}/installation", { owner, repo });
  return data.id;
}

/** The number of an account; an App itself may not ask, an installation of it may. */
export async function accountNumber(
  { request }: Pick<Octokit, "request">,
  username: string,
): Promise<number> {
  const { data } = await request("GET /users/{username}", { username });
  return Number(data.id);
}
