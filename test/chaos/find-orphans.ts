/**
 * Finds processes and worktrees that exist after a graceful end. Incomplete caches may exist for a
 * while, because no runner can tell that their creator died.
 *
 * Invariants:
 * - Runs after every runner ended and before any clean-up. Nothing is changed here.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gitSync, type Finding } from "./check/ref-history.ts";
import { processesIn } from "./processes.ts";

export function findOrphanedResources(root: string, caches: readonly string[]): Finding[] {
  const processes = processesIn(root).map(({ pid, args }) => ({
    kind: "process",
    what: `${pid}: ${args.join(" ").slice(0, 300)}`,
  }));
  return [...processes, ...caches.flatMap(findInCache)];
}

function findInCache(cache: string): Finding[] {
  return foldersIn(join(cache, "trailhand")).flatMap((remote): Finding[] => {
    const folders = ["runs", "worktrees"].flatMap((name) => foldersIn(join(remote, name)));
    const repo = join(remote, "repo.git");
    return [
      ...folders.map((path) => ({ kind: "worktree", what: `the folder ${path}` })),
      ...(existsSync(repo) ? worktreesOf(repo) : []),
    ];
  });
}

/** Clones whose runner was killed before they were complete. */
export function countPartialClones(caches: readonly string[]): number {
  const sites = caches.flatMap((cache) => foldersIn(join(cache, "trailhand")));
  return sites.flatMap(foldersIn).filter((path) => /repo\.git\.[^/]+$/.test(path)).length;
}

function worktreesOf(repo: string): Finding[] {
  return gitSync(repo, ["worktree", "list", "--porcelain"])
    .split("\n")
    .filter((line) => line.startsWith("worktree ") && line !== `worktree ${repo}`)
    .map((line) => ({ kind: "worktree", what: `${repo} lists ${line}` }));
}

const foldersIn = (path: string): string[] =>
  existsSync(path) ? readdirSync(path).map((name) => join(path, name)) : [];
