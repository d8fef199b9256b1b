/** Reads the commits of all branches and archives. */
import type { Commit } from "../core/protocol/request.ts";
import { ARCHIVE } from "../core/protocol/refs.ts";
import { DEPTH } from "../engine/timing.ts";
import { LOG_FORMAT, parseLog } from "../git/parse-output.ts";
import type { Workspace } from "./workspace.ts";

export interface CommitList {
  /** Newest first. */
  readonly commits: readonly Commit[];
  /** True when there are older commits that were not read. */
  readonly isCut: boolean;
}

/** `options` go to `git log`, such as `--first-parent`. */
export async function readAllCommits(
  { location }: Workspace,
  options: readonly string[],
): Promise<CommitList> {
  const refs = ["--branches", `--glob=${ARCHIVE}*`];
  const args = ["log", "-n", String(DEPTH.all + 1), LOG_FORMAT, ...refs, ...options, "--"];
  const commits = parseLog(await location.git.text(args));
  return { commits: commits.slice(0, DEPTH.all), isCut: commits.length > DEPTH.all };
}
