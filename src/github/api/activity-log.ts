/**
 * Reads from GitHub's activity log who moved a branch.
 *
 * Invariants:
 * - Only GitHub's answer counts, never the text of a commit.
 * - Without an answer there are no pushes, so nothing is proven.
 * - Nothing is cached, because anyone can move a branch back to an earlier commit.
 */
import type { Octokit } from "@octokit/rest";
import { refOf, type Branch } from "../../core/protocol/ids.ts";
import type { Push } from "../../core/policy/push-identity.ts";
import type { Repo } from "./repo.ts";

const PAGE_SIZE = 100;
/** Pages of one branch's log. One piece of work never has as many moves. */
const MAX_PAGES = 10;

/** Returns a function that lists the moves of a branch, newest first. */
export function openPushLog(
  request: Octokit["request"],
  repo: Repo,
  log: (text: string) => void,
): (branch: Branch) => Promise<readonly Push[]> {
  return async (branch) => {
    try {
      return await readLog(request, repo, branch);
    } catch (error) {
      log(`GitHub's activity log cannot be read, so no push identity is proven: ${String(error)}`);
      return [];
    }
  };
}

/** Uses the endpoint "List repository activities". */
async function readLog(
  request: Octokit["request"],
  { owner, name: repo }: Repo,
  branch: Branch,
): Promise<Push[]> {
  const ref = refOf(branch);
  const pushes: Push[] = [];
  let after: string | undefined;
  for (let page = 1; page <= MAX_PAGES; page++) {
    const { data, headers } = await request("GET /repos/{owner}/{repo}/activity", {
      owner,
      repo,
      ref,
      direction: "desc",
      per_page: PAGE_SIZE,
      ...(after === undefined ? {} : { after }),
    });
    // Filtered here too, in case the server ignores the parameter `ref`.
    pushes.push(...data.filter((activity) => activity.ref === ref).map(pushOf));
    after = nextOf(headers.link);
    if (after === undefined) break;
  }
  return pushes;
}

interface Activity {
  readonly before: string;
  readonly after: string;
  readonly activity_type: string;
  readonly actor: { readonly id: number | bigint; readonly login: string } | null;
}

/** Activities whose actor supplied the commits. */
const OWN_MOVES = new Set(["push", "force_push", "branch_creation"]);

/** Without an id for deleted accounts, and for merges of pull requests, whose commits others wrote. */
function pushOf({ before, after, activity_type, actor }: Activity): Push {
  const id = actor && OWN_MOVES.has(activity_type) ? Number(actor.id) : undefined;
  return { before, after, id, login: actor?.login ?? "" };
}

/** The cursor of the next page, from the `Link` header. */
function nextOf(link: string | undefined): string | undefined {
  const [, address] = /<([^>]*)>;\s*rel="next"/.exec(link ?? "") ?? [];
  return address === undefined ? undefined : (new URL(address).searchParams.get("after") ?? undefined);
}
