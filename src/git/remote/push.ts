/**
 * Sends updates of refs to a remote, as one push.
 *
 * What must hold: all of them or none; each names the value that it expects; a line that is cut is
 * doubt, and no answer.
 */
import { RemoteUnreachable } from "../../core/messages/messages.ts";
import type { Update } from "../../engine/ports.ts";
import { type Transport, messageLines, serverMessage, withoutNames } from "./transport.ts";
import type { RefPrefix } from "./ref-prefix.ts";
import type { GitResult } from "../git.ts";

/** What the push came to, as far as git and the server said. */
export async function pushUpdates(
  line: Transport,
  names: RefPrefix,
  updates: readonly Update[],
): Promise<PushReport> {
  const leases = updates.map(({ ref, expected }) => `${names.toRemote(ref)}:${expected ?? ""}`);
  const refspecs = updates.map(({ ref, next }) => `${next ?? ""}:${names.toRemote(ref)}`);
  try {
    return parsePushResult(await line.push(leases, refspecs));
  } catch (error) {
    if (!(error instanceof RemoteUnreachable)) throw error;
    return { kind: "doubtful", why: error.message };
  }
}

export type PushReport =
  | { readonly kind: "landed" | "refused" | "not-atomic" }
  | { readonly kind: "blocked" | "doubtful"; readonly why: string };

/** Reasons that git gives itself, before anything is sent. */
const STALE = /^\[rejected\] \((?:stale info|fetch first|non-fast-forward|already exists|needs force)\)/;
/** Reasons of a server that will say the same tomorrow. */
const NO =
  /hook declined|protected|non-fast-forward|GH\d{3}|push declined|denied|den(?:y|ies)|not allowed|prohibited|forbidden|hidden ref|refusing|funny refname|shallow update|read.?only|secret|exceeds|checked out|permission/i;
/** A fatal end in which the server let nobody in. */
const SHUT =
  /\b403\b|permission.* denied|access denied|not allowed|read.?only|authentication failed|could not read username/i;

const isNo = (reason: string): boolean =>
  reason.startsWith("[remote rejected]") && NO.test(withoutNames(reason));

/** Judges one push. */
export function parsePushResult({ code, stdout, stderr }: GitResult): PushReport {
  if (code === 0) return { kind: "landed" };
  if (/^(?:fatal|error): .*does not support --atomic/m.test(stderr)) return { kind: "not-atomic" };
  const rejected = stdout
    .split("\n")
    .flatMap((line) => (line.startsWith("!\t") ? [line.split("\t")[2] ?? ""] : []));
  const reasons = rejected.filter(
    (reason) => !/atomic (?:push failed|transaction failed|push failure)/.test(reason),
  );
  if (reasons.some((reason) => STALE.test(reason))) return { kind: "refused" };
  const no = reasons.find(isNo);
  if (no !== undefined) return { kind: "blocked", why: inWords(no, stderr) };
  const why = serverMessage(stderr) || (reasons[0] ?? `git push ended with ${code}`);
  // Whoever rejects single refs has let us in.
  if (rejected.length === 0 && SHUT.test(withoutNames(stderr))) return { kind: "blocked", why };
  return { kind: "doubtful", why };
}

/** The server's reason, and what its hook printed. */
function inWords(reason: string, stderr: string): string {
  const hook = messageLines(stderr).flatMap((line) => /^remote: *(\S.*?) *$/.exec(line)?.[1] ?? []);
  return serverMessage([reason.replace(/^\[remote rejected\] \((.*)\)$/, "$1"), ...hook].join(": "));
}
