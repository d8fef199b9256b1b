/** Opens GitHub as an installation of the App, and looks up account numbers. */
import type { Octokit } from "@octokit/rest";
import type { Probot } from "probot";
import { addThrottle } from "../github/api/client.ts";
import type { Repo } from "../github/api/repo.ts";
import { RequestThrottle } from "../github/api/request-throttle.ts";

/** Returns a function that opens the installation of a repository. Each installation has one throttle. */
export function installations(
  app: Probot,
  log: (text: string) => void,
  createThrottle: () => RequestThrottle = () => new RequestThrottle(),
): (repo: Repo) => Promise<Octokit> {
  const opened = new Map<number, Promise<Octokit>>();
  const open = async (id: number): Promise<Octokit> => {
    const octokit = (await app.auth(id)) as unknown as Octokit;
    addThrottle(octokit, { throttle: createThrottle(), log });
    return octokit;
  };
  return async (repo) => {
    const id = await installationOf(app, repo);
    const octokit = opened.get(id) ?? open(id);
    opened.set(id, octokit);
    octokit.catch(() => opened.delete(id));
    return octokit;
  };
}

/** The number of the installation that a repository belongs to. */
export async function installationOf(app: Probot, { owner, name: repo }: Repo): Promise<number> {
  const asApp = await app.auth();
  const { data } = await asApp.request("GET /repos/{owner}/{repo}/installation", { owner, repo });
  return data.id;
}

/** The number of an account. Works as an installation of an App, and not as the App itself. */
export async function accountNumber(
  { request }: Pick<Octokit, "request">,
  username: string,
): Promise<number> {
  const { data } = await request("GET /users/{username}", { username });
  return Number(data.id);
}
