/** Finds the branch that a command names. */
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import { parseBranch, type Branch } from "../core/protocol/ids.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { suggest } from "../core/util/suggest.ts";
import { listCheckouts } from "../git/checkouts.ts";
import { currentTime, listBranches, type BranchListing } from "./branch-listing.ts";
import type { Workspace } from "./workspace.ts";

/** Lists all branches and finds one of them. */
export async function listBranch(
  workspace: Workspace,
  name: string | undefined,
): Promise<{ listing: BranchListing; head: Head }> {
  const listing = await listBranches(workspace, currentTime());
  return { listing, head: await requireHead(workspace, listing.snapshot.heads, name) };
}

/** The head of the named branch, or of the checked-out one. Throws a UserError where there is none. */
export async function requireHead(
  workspace: Workspace,
  heads: readonly Head[],
  name: string | undefined,
): Promise<Head> {
  const branch = name === undefined ? await checkedOutBranch(workspace) : requireBranchName(name);
  const head = heads.find((candidate) => candidate.branch === branch);
  if (head) return head;
  const nearest = suggest(
    branch,
    heads.map((candidate) => candidate.branch),
  );
  throw new UserError(MESSAGES.noSuchBranch(branch, nearest));
}

/** Throws a UserError for a name that git does not allow. */
export function requireBranchName(name: string): Branch {
  const branch = parseBranch(name);
  if (!branch) throw new UserError(MESSAGES.badBranch(name));
  return branch;
}

/** The branch that is checked out in the current directory. Throws a UserError when HEAD is detached. */
export async function checkedOutBranch({ here }: Workspace): Promise<Branch> {
  if (!here) throw new UserError(MESSAGES.detachedHead());
  const { dir: current } = here.git.target;
  const checkouts = (await listCheckouts(here)).filter(
    ({ dir }) => current === dir || current.startsWith(`${dir}/`),
  );
  const [nearest] = checkouts.toSorted((a, b) => b.dir.length - a.dir.length);
  if (nearest) return nearest.branch;
  throw new UserError(MESSAGES.detachedHead());
}
