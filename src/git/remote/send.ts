/**
 * Sends updates of refs to a remote, as one push.
 *
 * What must hold: all of them or none; each names the value that it expects; a line that is cut is
 * doubt, and no answer.
 */
import { Unreachable } from "../../core/text/words.ts";
import type { Update } from "../../runner/ports.ts";
import type { Line } from "./line.ts";
import type { RefNames } from "./names.ts";
import { readPush, type PushReport } from "./push-report.ts";

/** What the push came to, as far as git and the server said. */
export async function send(line: Line, names: RefNames, updates: readonly Update[]): Promise<PushReport> {
  const leases = updates.map(({ ref, expected }) => `${names.there(ref)}:${expected ?? ""}`);
  const refspecs = updates.map(({ ref, next }) => `${next ?? ""}:${names.there(ref)}`);
  try {
    return readPush(await line.push(leases, refspecs));
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    return { kind: "doubtful", why: error.message };
  }
}
