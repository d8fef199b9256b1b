/** Checks for orphaned leases, worktrees and records, and for messages that git reads differently than meant. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { shellWord } from "../core/messages/messages.ts";
import { FOLLOW } from "../core/protocol/refs.ts";
import { cleanLine } from "../core/util/redact.ts";
import { readJson } from "../git/bay.ts";
import { listCheckouts } from "../git/checkouts.ts";
import { isGone, type Owner } from "../process/process-identity.ts";
import type { BranchListing } from "./branch-listing.ts";
import type { Finding } from "./finding.ts";
import type { Workspace } from "./workspace.ts";

const TEXT_LENGTH = 80;

/** State lines that their authors mean as trailers, and that git does not read. */
export function checkMessages({ snapshot }: BranchListing): Finding[] {
  return snapshot.heads.flatMap(({ branch, reading }): Finding[] => {
    if (reading.kind !== "none" || reading.reason !== "doubt") return [];
    const { doubt } = reading;
    const text = cleanLine(doubt.text, TEXT_LENGTH);
    const why =
      doubt.kind === "voided"
        ? `line ${doubt.line} is not a trailer, so git reads none of its paragraph: "${text}"`
        : `"${text}" on line ${doubt.line} is not in the last paragraph, so git does not read it`;
    return [
      {
        about: "message",
        level: "odd",
        what: `${branch}: ${why}`,
        next: "git commit --amend, with the trailers alone in the last paragraph",
      },
    ];
  });
}

export function checkLeases({ snapshot }: BranchListing): Finding[] {
  const keys = new Set(snapshot.heads.map(({ key }) => key));
  const about = "lease";
  return [...snapshot.leases].flatMap(([key, { lease, isHolderDead }]): Finding[] => {
    const branch = cleanLine(lease?.branch ?? key, TEXT_LENGTH);
    if (!keys.has(key))
      return [
        { about, level: "odd", what: `a lease on ${branch}, which is gone`, next: "trailhand gc --prune" },
      ];
    if (isHolderDead && !lease?.backoff)
      return [{ about, level: "odd", what: `the runner that had ${branch} died`, next: "trailhand run" }];
    return [];
  });
}

/** Worktrees of dead runners; the next run saves the work in them. */
export function checkWorktrees({ cache }: Workspace): Finding[] {
  if (!existsSync(cache.worktrees)) return [];
  return readdirSync(cache.worktrees).flatMap((name): Finding[] => {
    const folder = join(cache.worktrees, name);
    const owner = readJson(join(folder, "owner.json")) as Owner | undefined;
    if (!owner || !isGone(owner)) return [];
    return [
      { about: "worktree", level: "odd", what: `a runner died and left ${folder}`, next: "trailhand run" },
    ];
  });
}

/** Worktree records without a folder, and checkouts that could not follow their branch. */
export async function checkRecords({ location }: Workspace, { snapshot }: BranchListing): Promise<Finding[]> {
  const [worktrees, follows] = await Promise.all([
    location.git.text(["worktree", "list", "--porcelain", "-z"]),
    location.git.text(["for-each-ref", "--format=%(refname)", FOLLOW]),
  ]);
  const prunable = worktrees.split("\0").filter((line) => line.startsWith("prunable")).length;
  const records: Finding = {
    about: "worktree",
    level: "odd",
    what: `${prunable} worktree records without a folder`,
    next: "git worktree prune",
  };
  const checkouts = listCheckouts(location);
  const keys = follows
    .split("\n")
    .flatMap((ref) => (ref === "" ? [] : [ref.slice(ref.lastIndexOf("/") + 1)]));
  const behind = keys.flatMap((key): Finding[] => {
    const branch = snapshot.heads.find((head) => head.key === key)?.branch;
    const dir = checkouts.find((checkout) => checkout.branch === branch)?.dir;
    if (branch === undefined || dir === undefined) return [];
    const what = `${dir} did not follow ${cleanLine(branch, TEXT_LENGTH)}: changed files are in the way`;
    return [
      { about: "checkout", level: "odd", what, next: `git -C ${shellWord(dir)} stash && trailhand run` },
    ];
  });
  return [...(prunable > 0 ? [records] : []), ...behind];
}
