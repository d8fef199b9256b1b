/** Reads what the script or agent of a branch's running or last attempt printed. */
import { existsSync, readFileSync } from "node:fs";
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import { parseAttemptLog } from "../core/outcome/attempt-log.ts";
import { parseRunId, type RunId } from "../core/protocol/ids.ts";
import { parseMessage, valueOf } from "../core/protocol/message.ts";
import { refsOf } from "../core/protocol/refs.ts";
import { parseRequest, type Commit } from "../core/protocol/request.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import type { RefListing } from "../engine/ports.ts";
import { DEPTH } from "../engine/timing.ts";
import { readTrail } from "../git/local-repository.ts";
import { logFileOf } from "../process/log-file.ts";
import { requireHead } from "./find-branch.ts";
import type { Workspace } from "./workspace.ts";

export interface AttemptOutput {
  readonly branch: string;
  readonly run: string;
  /** The runner that made the attempt, as `user@host`. */
  readonly runner: string;
  readonly isRunning: boolean;
  /** The log file on this machine. */
  readonly file: string;
  readonly text: string;
}

interface Attempt {
  readonly run: RunId;
  readonly runner: string;
  readonly isRunning: boolean;
}

/** Throws a UserError when there was no attempt, or when its log is on another machine. */
export async function readAttemptOutput(
  workspace: Workspace,
  name: string | undefined,
): Promise<AttemptOutput> {
  const refs = await workspace.repository.listRefs();
  const head = await requireHead(workspace, refs.heads, name);
  const { branch } = head;
  const attempt = runningAttempt(refs, head) ?? (await lastAttempt(workspace, head));
  if (!attempt) throw new UserError(MESSAGES.noAttempt(branch));
  const file = logFileOf(workspace.cache.logs, attempt.run);
  if (!existsSync(file)) throw new UserError(MESSAGES.outputElsewhere(branch, attempt.run, attempt.runner));
  return { branch, ...attempt, file, text: readFileSync(file, "utf8") };
}

function runningAttempt({ leases }: RefListing, { key }: Head): Attempt | undefined {
  const lease = leases.get(key)?.lease;
  return lease && !lease.backoff ? { run: lease.run, runner: lease.runner, isRunning: true } : undefined;
}

/** The newer one of the last response on the branch and the last attempt without one. */
async function lastAttempt({ location, repository }: Workspace, head: Head): Promise<Attempt | undefined> {
  const { journal } = refsOf(head.key);
  const tip = (await repository.read([journal])).get(journal);
  const [trail, [unanswered]] = await Promise.all([
    readTrail(location, head.commit, DEPTH.timeline),
    tip ? readTrail(location, tip, 1) : [],
  ]);
  const response = trail.find(
    (commit) => parseRequest(head.branch, commit).kind === "request" && hasRun(commit),
  );
  if (unanswered && unanswered.committed >= (response?.committed ?? 0)) {
    const { run, runner } = parseAttemptLog(unanswered.message);
    return endedAttempt(run, runner);
  }
  if (!response) return undefined;
  const { trailers } = parseMessage(response.message);
  const value = (key: string) => valueOf(trailers, key) ?? "";
  return endedAttempt(value(KEY.run), value(KEY.runner));
}

/** Undefined when the text that others may have written is not a run id. */
function endedAttempt(text: string, runner: string): Attempt | undefined {
  const run = parseRunId(text);
  return run && { run, runner, isRunning: false };
}

const hasRun = ({ message }: Commit): boolean =>
  valueOf(parseMessage(message).trailers, KEY.run) !== undefined;
