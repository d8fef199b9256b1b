/** Parses the conditions that a state (`wait`) or a request (`Depends-On`) waits for. */
import { parseDuration } from "../util/duration.ts";
import { parseBranch, parseStateName, type Branch } from "../protocol/ids.ts";
import { parseTime } from "../util/time.ts";

/** How many children must be done. `settled` also counts those that failed or were cancelled. */
export type Join =
  { readonly rule: "all" | "any" | "settled" } | { readonly rule: "quorum"; readonly n: number };

export type Predicate =
  | { readonly kind: "children"; readonly join: Join }
  | {
      readonly kind: "approvals";
      readonly n: number;
      /** Roles or addresses. Empty means anyone. */
      readonly by: readonly string[];
      /** False means that authors of the branch's commits cannot approve it. */
      readonly own: boolean;
      readonly withinMs: number | undefined;
    }
  | { readonly kind: "requests"; readonly state: string; readonly n: number }
  | { readonly kind: "check"; readonly name: string }
  | { readonly kind: "commit"; readonly id: string }
  | { readonly kind: "branch"; readonly branch: Branch }
  | { readonly kind: "after"; readonly ms: number }
  | { readonly kind: "until"; readonly at: number }
  | { readonly kind: "outside"; readonly what: string }
  | { readonly kind: "either"; readonly of: readonly Predicate[] };

/** A predicate's alternatives; the predicate itself if it has none. */
export const singles = (one: Predicate): readonly Predicate[] =>
  one.kind === "either" ? one.of.flatMap(singles) : [one];

/** The forms of a predicate, for messages. */
export const FORMS =
  "children all|any|settled|quorum <n>, approvals <n> [by <role>,…] [not own] [within <time>], " +
  "requests <state> [<n>], check <name>, commit <id>, branch <name>, after <time>, until <date>";

/** Reads one predicate; ` or ` separates alternatives. Returns undefined for any other text. */
export function parsePredicate(text: string): Predicate | undefined {
  const parts = text.trim().split(/\s+or\s+/);
  const of = parts.flatMap((part) => parseOne(part) ?? []);
  if (of.length !== parts.length) return undefined;
  return of.length === 1 ? of[0] : { kind: "either", of };
}

/** Reads a `Depends-On`: a predicate, a commit, `#12`, a URL, or otherwise a branch name. */
export function parseDependency(text: string): Predicate | undefined {
  const bare = text.trim();
  const predicate = parsePredicate(bare);
  if (predicate) return predicate;
  if (/^[0-9a-f]{7,64}$/.test(bare)) return { kind: "commit", id: bare };
  if (/^(?:[\w.-]+\/[\w.-]+)?#\d+$/.test(bare) || /^https?:\/\/\S+$/.test(bare))
    return { kind: "outside", what: bare };
  const branch = parseBranch(bare);
  return branch && { kind: "branch", branch };
}

function parseOne(text: string): Predicate | undefined {
  const [kind = "", first = "", ...rest] = text.split(/\s+/);
  const second = rest.join(" ");
  const alone = second === "" ? first : "";
  switch (kind) {
    case "children":
      return parseChildren(first, second);
    case "approvals":
      return parseApprovals(text);
    case "requests": {
      const n = second === "" ? 1 : count(second);
      return parseStateName(first) && n ? { kind: "requests", state: first, n } : undefined;
    }
    case "check":
      return /^[\w./-]{1,100}$/.test(alone) ? { kind: "check", name: alone } : undefined;
    case "commit":
      return /^[0-9a-f]{7,64}$/.test(alone) ? { kind: "commit", id: alone } : undefined;
    case "branch": {
      const branch = parseBranch(alone);
      return branch && { kind: "branch", branch };
    }
    case "after": {
      const ms = parseDuration(alone);
      return ms === undefined ? undefined : { kind: "after", ms };
    }
    case "until": {
      const at = parseTime(alone);
      return at === undefined ? undefined : { kind: "until", at };
    }
    default:
      return undefined;
  }
}

function parseChildren(rule: string, more: string): Predicate | undefined {
  if (rule === "quorum") {
    const n = count(/^(\d+)(?: of \d+)?$/.exec(more)?.[1] ?? "");
    return n ? { kind: "children", join: { rule, n } } : undefined;
  }
  const known = rule === "all" || rule === "any" || rule === "settled";
  return known && more === "" ? { kind: "children", join: { rule } } : undefined;
}

const APPROVALS = /^approvals (\d+)(?: by ([^\s,]+(?:,[^\s,]+)*))?( not own)?(?: within (\S+))?$/;

function parseApprovals(text: string): Predicate | undefined {
  const [found, number = "", by, own, within] = APPROVALS.exec(text.replace(/\s+/g, " ")) ?? [];
  const n = count(number);
  const withinMs = within === undefined ? undefined : parseDuration(within);
  if (found === undefined || !n || (within !== undefined && withinMs === undefined)) return undefined;
  return { kind: "approvals", n, by: by?.split(",") ?? [], own: own === undefined, withinMs };
}

const count = (text: string): number | undefined => (/^[1-9]\d{0,2}$/.test(text) ? Number(text) : undefined);
