/** Checks for orphaned leases, worktrees and records, and for messages that git reads differently than meant. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { shellWord } from "../core/messages/messages.ts";
import { FOLLOW } from "../core/protocol/refs.ts";
import { cleanLine } from "../core/util/redact.ts";
import { OWNER } from "../git/attempt/runner-folders.ts";
import { readReason } from "../git/quarantine.ts";
import { readJson } from "../git/read-json.ts";
import { listCheckouts } from "../git/checkouts.ts";
import { isGone } from "../process/process-identity.ts";
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

/** Attempts of dead runners, whose work the next run saves, and attempts that could not be saved. */
export function checkAttempts({ cache }: Workspace): Finding[] {
  const about = "attempt";
  const left = [cache.runs, cache.worktrees].flatMap(foldersIn).flatMap((folder): Finding[] => {
    if (!isGone(readJson(join(folder, OWNER)))) return [];
    return [{ about, level: "odd", what: `a runner died and left ${folder}`, next: "trailhand run" }];
  });
  const aside = foldersIn(cache.quarantine).map((folder): Finding => {
    const what = `${folder} was moved aside: ${readReason(folder)}`;
    return { about, level: "odd", what, next: `rm -rf ${shellWord(folder)}, once you have what you need` };
  });
  return [...left, ...aside];
}

const foldersIn = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];

/** Files that attempts should get copies of, and that are not there. */
export function checkBrought(
  { cache, location, remote }: Workspace,
  { trustedConfig }: BranchListing,
): Finding[] {
  const folder = remote ? cache.brought : location.top;
  if (folder === undefined) return [];
  const missing = trustedConfig.workflow.bring.filter((path) => !existsSync(join(folder, path)));
  return missing.map((path) => {
    const what = `attempts run without ${path}, which states/workflow.yml lists under bring: it is not in ${folder}`;
    return { about: "bring", level: "odd", what, next: `put ${path} into ${folder}` };
  });
}

/** A hook of older versions found the person's clone by the git directory, which attempts no longer share. */
export async function checkSetupHook({ trustedConfig }: BranchListing): Promise<Finding[]> {
  const file = await trustedConfig.file("hooks/setup");
  if (file === undefined || !readFileSync(file, "utf8").includes("--git-common-dir")) return [];
  const what =
    "states/hooks/setup asks for --git-common-dir, which is now the attempt's own: it finds no file of your clone";
  return [{ about: "setup", level: "odd", what, next: "list the files under bring in states/workflow.yml" }];
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
  const checkouts = await listCheckouts(location);
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
