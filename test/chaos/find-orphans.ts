/**
 * What is left on the machines after a graceful end: processes and worktrees must not be; half-made
 * caches may be for a while, because nobody can tell that their maker died.
 *
 * What must hold: looked at after every runner ended and before anything is cleaned up; nothing is
 * changed here.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gitSync, type Finding } from "./check/ref-history.ts";
import { processesIn } from "./processes.ts";

export function findLeftovers(root: string, caches: readonly string[]): Finding[] {
  const processes = processesIn(root).map(({ pid, args }) => ({
    kind: "process",
    what: `${pid}: ${args.join(" ").slice(0, 300)}`,
  }));
  return [...processes, ...caches.flatMap(findInCache)];
}

function findInCache(cache: string): Finding[] {
  return foldersIn(join(cache, "trailhand")).flatMap((site): Finding[] => {
    const folders = foldersIn(join(site, "worktrees"));
    const repo = join(site, "repo.git");
    return [
      ...folders.map((path) => ({ kind: "worktree", what: `the folder ${path}` })),
      ...(existsSync(repo) ? worktreesOf(repo) : []),
    ];
  });
}

/** Clones whose runner was killed before they were whole. */
export function countHalfMade(caches: readonly string[]): number {
  const sites = caches.flatMap((cache) => foldersIn(join(cache, "trailhand")));
  return sites.flatMap(foldersIn).filter((path) => /repo\.git\.[^/]+$/.test(path)).length;
}

function worktreesOf(repo: string): Finding[] {
  return gitSync(repo, ["worktree", "list", "--porcelain"])
    .split("\n")
    .filter((line) => line.startsWith("worktree ") && line !== `worktree ${repo}`)
    .map((line) => ({ kind: "worktree", what: `${repo} knows ${line}` }));
}

const foldersIn = (path: string): string[] =>
  existsSync(path) ? readdirSync(path).map((name) => join(path, name)) : [];
