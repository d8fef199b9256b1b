/**
 * Sends updates of refs to a remote as one push.
 *
 * Invariants:
 * - The push is atomic, and each update names the value that it expects.
 * - A lost connection leaves the result in doubt; it is never taken for an answer.
 */
import { RemoteUnreachable } from "../../core/messages/messages.ts";
import type { Update } from "../../engine/ports.ts";
import { messageLines, serverMessage, withoutNames } from "../server-message.ts";
import type { Transport } from "./transport.ts";
import type { RefPrefix } from "./ref-prefix.ts";
import type { GitResult } from "../git.ts";

export async function pushUpdates(
  transport: Transport,
  prefix: RefPrefix,
  updates: readonly Update[],
): Promise<PushReport> {
  const leases = updates.map(({ ref, expected }) => `${prefix.toRemote(ref)}:${expected ?? ""}`);
  const refspecs = updates.map(({ ref, next }) => `${next ?? ""}:${prefix.toRemote(ref)}`);
  try {
    return parsePushResult(await transport.push(leases, refspecs));
  } catch (error) {
    if (!(error instanceof RemoteUnreachable)) throw error;
    return { kind: "doubtful", why: error.message };
  }
}

export type PushReport =
  | { readonly kind: "landed" | "refused" | "not-atomic" }
  | { readonly kind: "blocked" | "doubtful"; readonly why: string };

/** Rejections by the local git, before anything is sent. */
const LOCAL_REJECTION =
  /^\[rejected\] \((?:stale info|fetch first|non-fast-forward|already exists|needs force)\)/;
/** Rejections by a server that will not change with a retry. */
const FINAL_REJECTION =
  /hook declined|protected|non-fast-forward|GH\d{3}|push declined|denied|den(?:y|ies)|not allowed|prohibited|forbidden|hidden ref|refusing|funny refname|shallow update|read.?only|secret|exceeds|checked out|permission/i;
/** Fatal errors in which the server denied access. */
const ACCESS_DENIED =
  /\b403\b|permission.* denied|access denied|not allowed|read.?only|authentication failed|could not read username/i;

const isFinalRejection = (reason: string): boolean =>
  reason.startsWith("[remote rejected]") && FINAL_REJECTION.test(withoutNames(reason));

export function parsePushResult({ code, stdout, stderr }: GitResult): PushReport {
  if (code === 0) return { kind: "landed" };
  if (/^(?:fatal|error): .*does not support --atomic/m.test(stderr)) return { kind: "not-atomic" };
  const rejected = stdout
    .split("\n")
    .flatMap((line) => (line.startsWith("!\t") ? [line.split("\t")[2] ?? ""] : []));
  const reasons = rejected.filter(
    (reason) => !/atomic (?:push failed|transaction failed|push failure)/.test(reason),
  );
  if (reasons.some((reason) => LOCAL_REJECTION.test(reason))) return { kind: "refused" };
  const finalReason = reasons.find(isFinalRejection);
  if (finalReason !== undefined) return { kind: "blocked", why: rejectionText(finalReason, stderr) };
  const why = serverMessage(stderr) || (reasons[0] ?? `git push ended with ${code}`);
  // A server that rejects single refs has granted access.
  if (rejected.length === 0 && ACCESS_DENIED.test(withoutNames(stderr))) return { kind: "blocked", why };
  return { kind: "doubtful", why };
}

/** The reason of the server with the output of its hook. */
function rejectionText(reason: string, stderr: string): string {
  const hook = messageLines(stderr).flatMap((line) => /^remote: *(\S.*?) *$/.exec(line)?.[1] ?? []);
  return serverMessage([reason.replace(/^\[remote rejected\] \((.*)\)$/, "$1"), ...hook].join(": "));
}
