/**
 * Reads the commits of past work: those of all branches, and of what is archived beside them.
 *
 * What must hold: one git process; a bound that was reached is told, so that nobody takes a part
 * for the whole.
 */
import { ARCHIVE } from "../../core/decide/lease.ts";
import type { Commit } from "../../core/history/request.ts";
import { LOG_FORMAT, parseLog } from "../../git/parse.ts";
import type { Site } from "../../site.ts";

/** More commits than this are not read. */
const DEPTH = 50_000;

export interface Pile {
  readonly commits: readonly Commit[];
  /** True when there are older commits that were not read. */
  readonly cut: boolean;
}

/** Newest first. `options` go to `git log`, such as `--first-parent`. */
export async function readPile({ place }: Site, options: readonly string[]): Promise<Pile> {
  const refs = ["--branches", `--glob=${ARCHIVE}*`];
  const args = ["log", "-n", String(DEPTH + 1), LOG_FORMAT, ...refs, ...options, "--"];
  const commits = parseLog(await place.git.text(args));
  return { commits: commits.slice(0, DEPTH), cut: commits.length > DEPTH };
}
