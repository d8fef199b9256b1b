/**
 * Who moved the branches of a repository, by GitHub's log of activities.
 *
 * What must hold: only GitHub's own words count, never a commit's; what GitHub cannot tell now is
 * none, so that nothing is proven by it; nothing is remembered, because anybody can put a branch back
 * to where it stood.
 */
import type { Octokit } from "@octokit/rest";
import { refOf, type Branch } from "../../core/protocol/ids.ts";
import type { Push } from "../../core/policy/push-identity.ts";
import type { Repo } from "./repo.ts";

const PAGE = 100;
/** More moves than one line of work ever has. */
const PAGES = 10;

/** Tells the moves of a branch, newest first. `say` is told why GitHub did not answer. */
export function openPushLog(
  request: Octokit["request"],
  repo: Repo,
  log: (text: string) => void,
): (branch: Branch) => Promise<readonly Push[]> {
  return async (branch) => {
    try {
      return await readLog(request, repo, branch);
    } catch (error) {
      log(`GitHub does not tell who pushed: ${String(error)}`);
      return [];
    }
  };
}

/** GitHub documents this as "List repository activities"; newest first. */
async function readLog(
  request: Octokit["request"],
  { owner, name: repo }: Repo,
  branch: Branch,
): Promise<Push[]> {
  const ref = refOf(branch);
  const found: Push[] = [];
  let after: string | undefined;
  for (let page = 1; page <= PAGES; page++) {
    const { data, headers } = await request("GET /repos/{owner}/{repo}/activity", {
      owner,
      repo,
      ref,
      direction: "desc",
      per_page: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    // A filter that GitHub passes over filters nothing.
    found.push(...data.filter((one) => one.ref === ref).map(pushOf));
    after = nextOf(headers.link);
    if (after === undefined) break;
  }
  return found;
}

interface Activity {
  readonly before: string;
  readonly after: string;
  readonly activity_type: string;
  readonly actor: { readonly id: number | bigint; readonly login: string } | null;
}

/** Moves that bring what whoever made them has had before them. */
const OWN_MOVES = new Set(["push", "force_push", "branch_creation"]);

/** Nobody is left of an account that was deleted; and who merges a pull request did not write its messages. */
function pushOf({ before, after, activity_type, actor }: Activity): Push {
  const id = actor && OWN_MOVES.has(activity_type) ? Number(actor.id) : undefined;
  return { before, after, id, login: actor?.login ?? "" };
}

/** Where the next page begins, by GitHub's `Link`. */
function nextOf(link: string | undefined): string | undefined {
  const [, address] = /<([^>]*)>;\s*rel="next"/.exec(link ?? "") ?? [];
  return address === undefined ? undefined : (new URL(address).searchParams.get("after") ?? undefined);
}
