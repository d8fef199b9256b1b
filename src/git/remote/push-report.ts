/**
 * What became of a push, from what git and the server said.
 *
 * What must hold: "refused" only when git itself compared and sent nothing; "blocked" only for a
 * server's own no, which trying again does not change; everything else is doubtful, and the refs
 * have to be read. The format is that of `git push --porcelain` (git-push(1), OUTPUT).
 */
import type { Result } from "../exec.ts";
import { saidBy } from "./line.ts";

export type PushReport =
  | { readonly kind: "landed" | "refused" | "not-atomic" }
  | { readonly kind: "blocked" | "doubtful"; readonly why: string };

/** Reasons that git gives itself, before anything is sent. */
const STALE = /^\[rejected\] \((?:stale info|fetch first|non-fast-forward|already exists|needs force)\)/;
/** Reasons of a server that will say the same tomorrow. */
const NO =
  /hook declined|protected|GH\d{3}|push declined|denied|den(?:y|ies)|not allowed|prohibited|forbidden|hidden ref|refusing|funny refname|shallow update|read.?only|secret|exceeds|checked out|permission/i;
/** A fatal end in which the server let nobody in. */
const SHUT =
  /\b403\b|permission.* denied|access denied|not allowed|read.?only|authentication failed|could not read username/i;

/** Judges one push. */
export function readPush({ code, stdout, stderr }: Result): PushReport {
  if (code === 0) return { kind: "landed" };
  if (/does not support --atomic/.test(stderr)) return { kind: "not-atomic" };
  const reasons = stdout
    .split("\n")
    .flatMap((line) => (line.startsWith("!\t") ? [line.split("\t")[2] ?? ""] : []))
    .filter((reason) => !/atomic (?:push failed|transaction failed|push failure)/.test(reason));
  if (reasons.some((reason) => STALE.test(reason))) return { kind: "refused" };
  const no = reasons.find((reason) => reason.startsWith("[remote rejected]") && NO.test(reason));
  if (no !== undefined) return { kind: "blocked", why: inWords(no, stderr) };
  const why = saidBy(stderr) || (reasons[0] ?? `git push ended with ${code}`);
  if (reasons.length === 0 && SHUT.test(stderr)) return { kind: "blocked", why };
  return { kind: "doubtful", why };
}

/** The server's reason, and what its hook printed. */
function inWords(reason: string, stderr: string): string {
  const hook = stderr
    .split(/[\r\n]+/)
    .flatMap((line) => /^remote: *(\S.*?) *$/.exec(line)?.[1] ?? [])
    .filter((line) => !/^(?:Resolving|Counting|Compressing|Total|Checking|Processing) /.test(line));
  return saidBy([reason.replace(/^\[remote rejected\] \((.*)\)$/, "$1"), ...hook].join(": "));
}
