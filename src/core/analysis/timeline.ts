/**
 * Builds the timeline of a branch from its history and its attempt log.
 *
 * Invariants:
 * - A commit without a state is work between two hand-offs. It is counted, not listed.
 */
import type { Branch, Sha } from "../protocol/ids.ts";
import { parseAttemptLog } from "../outcome/attempt-log.ts";
import { parseMessage, valueOf } from "../protocol/message.ts";
import { parseRequest, type Commit } from "../protocol/request.ts";
import { KEY } from "../protocol/trailer-keys.ts";

export interface TimelineStep {
  readonly kind: "request" | "answer" | "attempt";
  readonly commit: Sha;
  /** Seconds since 1970. */
  readonly at: number;
  readonly subject: string;
  /** The requested state. For an answer, the next state. */
  readonly state: string;
  /** The state that ran. */
  readonly from: string | undefined;
  readonly took: string | undefined;
  readonly attempt: string | undefined;
  readonly cost: string | undefined;
  readonly by: string | undefined;
  readonly why: string | undefined;
  /** Commits without a state since the previous step. */
  readonly commits: number;
}

/** The steps, oldest first. `trail` and `attemptLog` are newest first. */
export function readTimeline(
  branch: Branch,
  trail: readonly Commit[],
  attemptLog: readonly Commit[],
): TimelineStep[] {
  const attempts = new Map<string, TimelineStep[]>();
  for (const commit of attemptLog.toReversed()) {
    const entry = parseAttemptLog(commit.message);
    const step = attemptStep(commit, entry);
    attempts.set(entry.request, [...(attempts.get(entry.request) ?? []), step]);
  }
  const steps: TimelineStep[] = [];
  const states = new Map<string, string>();
  let between = 0;
  for (const commit of trail.toReversed()) {
    const reading = parseRequest(branch, commit);
    if (reading.kind === "none") {
      if (steps.length > 0) between++;
      continue;
    }
    const { state, answers } = reading;
    states.set(commit.commit, state);
    steps.push(stateStep(commit, state, answers && states.get(answers), between));
    steps.push(...(attempts.get(commit.commit) ?? []));
    between = 0;
  }
  return steps;
}

function stateStep(commit: Commit, state: string, from: string | undefined, commits: number): TimelineStep {
  const { header, trailers } = parseMessage(commit.message);
  const value = (key: string) => valueOf(trailers, key);
  return {
    kind: value(KEY.answers) === undefined ? "request" : "answer",
    commit: commit.commit,
    at: commit.committed,
    subject: header,
    state,
    from,
    took: value(KEY.took),
    attempt: value(KEY.attempt),
    cost: value(KEY.cost),
    by: value(KEY.runner),
    why: undefined,
    commits,
  };
}

function attemptStep(commit: Commit, entry: ReturnType<typeof parseAttemptLog>): TimelineStep {
  return {
    kind: "attempt",
    commit: commit.commit,
    at: commit.committed,
    subject: entry.why,
    state: entry.state,
    from: entry.state,
    took: entry.took || undefined,
    attempt: entry.attempt || undefined,
    cost: undefined,
    by: entry.runner || undefined,
    why: entry.why,
    commits: 0,
  };
}
