/**
 * The history of a remote: every transaction of refs, and every commit that a ref ever pointed to.
 *
 * Invariants:
 * - Read with plain git and from the files of the remote, without any code of Trailhand, so that a
 *   bug there cannot hide itself.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Move {
  readonly ref: string;
  readonly old: string | null;
  readonly new: string | null;
}

/** Moves that became visible at once. */
export interface Transaction {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly moves: readonly Move[];
}

export interface Commit {
  readonly id: string;
  readonly parents: readonly string[];
  readonly trailers: readonly (readonly [key: string, value: string])[];
}

/** A violation. */
export interface Finding {
  readonly kind: string;
  readonly what: string;
}

export interface History {
  readonly remote: string;
  readonly transactions: readonly Transaction[];
  readonly commits: ReadonlyMap<string, Commit>;
  /** The refs at the end. */
  readonly refs: ReadonlyMap<string, string>;
}

export const HEADS = "refs/heads/";
export const LEASES = "refs/trailhand/leases/";
export const LANES = "refs/trailhand/lanes/";
export const SALVAGE = "refs/trailhand/salvage/";
export const PARKED = "refs/trailhand/parked/";

const GIT_MS = 120_000;

/** Plain git without any configuration of a user. */
export function gitSync(dir: string, args: readonly string[], input = ""): string {
  return execFileSync("git", args, {
    cwd: dir,
    env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent", GIT_CONFIG_NOSYSTEM: "1", LC_ALL: "C" },
    encoding: "utf8",
    maxBuffer: 1 << 30,
    timeout: GIT_MS,
    input,
  });
}

export function readHistory(remote: string): History {
  const transactions = readTransactions(join(remote, "moves"));
  const refs = readRefs(remote);
  const named = transactions.flatMap(({ moves }) => moves.flatMap((move) => [move.old, move.new]));
  const ids = new Set([...named, ...refs.values()].filter((id) => id !== null));
  return { remote, transactions, refs, commits: readCommits(remote, ids) };
}

export function readRefs(remote: string): Map<string, string> {
  const lines = gitSync(remote, ["for-each-ref", "--format=%(refname) %(objectname)"]).trimEnd().split("\n");
  return new Map(
    lines.filter(Boolean).map((line) => {
      const [ref = "", id = ""] = line.split(" ");
      return [ref, id];
    }),
  );
}

/** The committed transactions, in the order in which they held their locks. */
function readTransactions(file: string): Transaction[] {
  const blocks = existsSync(file) ? readFileSync(file, "utf8").split("\n\n").filter(Boolean) : [];
  const prepared = new Map<string, { at: number; text: string; landed: boolean }>();
  const order: { at: number; text: string; landed: boolean }[] = [];
  for (const block of blocks) {
    const [head = "", ...lines] = block.split("\n");
    const [step = "", process = "", at = ""] = head.split(" ");
    const text = lines.join("\n");
    // A process has one transaction at a time, but may run it for packed and for loose refs.
    const key = `${process} ${text}`;
    const transaction = prepared.get(key);
    if (step === "prepared") {
      const item = { at: Number(at), text, landed: false };
      prepared.set(key, item);
      order.push(item);
    } else if (transaction) {
      transaction.landed = step === "committed";
      prepared.delete(key);
    }
  }
  return order
    .filter(({ landed }) => landed)
    .map(({ at, text }) => ({ at, moves: text.split("\n").flatMap((line) => readMove(line) ?? []) }));
}

function readMove(line: string): Move | undefined {
  const [old = "", next = "", ref = ""] = line.split(" ");
  if (!ref.startsWith("refs/") || old === next) return undefined;
  const orNull = (id: string) => (/^0+$/.test(id) ? null : id);
  return { ref, old: orNull(old), new: orNull(next) };
}

function readCommits(remote: string, ids: ReadonlySet<string>): Map<string, Commit> {
  const format = "--format=%x01%H%x00%P%x00%(trailers:only=true,unfold=true)";
  const args = ["log", "--stdin", "--ignore-missing", "--no-show-signature", format];
  const output = gitSync(remote, args, `${[...ids].join("\n")}\n`);
  const commits = output.split("\u0001").slice(1).map(readCommit);
  return new Map(commits.map((commit) => [commit.id, commit]));
}

function readCommit(record: string): Commit {
  const [id = "", parents = "", trailers = ""] = record.split("\0");
  return {
    id,
    parents: parents.split(" ").filter(Boolean),
    trailers: trailers.split("\n").flatMap((line) => {
      const at = line.indexOf(": ");
      return at > 0 ? [[line.slice(0, at).toLowerCase(), line.slice(at + 2).trim()] as const] : [];
    }),
  };
}

/** Groups by key; each group keeps the order of the list. */
export function groupBy<T>(list: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of list) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}

/** The last value of a trailer. */
export function trailer(commit: Commit | undefined, key: string): string | undefined {
  return commit?.trailers.findLast(([name]) => name === key.toLowerCase())?.[1];
}

/** The commit and all its first-parent ancestors. */
export function firstParents({ commits }: History, from: string): Commit[] {
  const chain: Commit[] = [];
  for (let commit = commits.get(from); commit; commit = commits.get(commit.parents[0] ?? "")) {
    chain.push(commit);
  }
  return chain;
}

/** True when `older` is `newer` or an ancestor of it. */
export function isReachable({ commits }: History, older: string, newer: string): boolean {
  const seen = new Set<string>();
  const open = [newer];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (id === older) return true;
    if (seen.has(id)) continue;
    seen.add(id);
    open.push(...(commits.get(id)?.parents ?? []));
  }
  return false;
}

/** The lease ref of a branch; see docs/protocol.md. */
export function leaseOf(branch: string): string {
  const key = createHash("sha256").update(branch).digest("hex").slice(0, 40);
  return `${LEASES}${key}`;
}
