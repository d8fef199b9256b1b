/**
 * Runs a job of GitHub Actions: acts on its event, then runs all pending requests, because events
 * that a job's own token causes start no other job.
 *
 * Invariants:
 * - The event of a fork's pull request is read, and nothing is fetched, run or written for it.
 * - The summary and the outputs are written however the job ends.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireBranchName } from "../app/find-branch.ts";
import { requireGit, type RunnerEvent, type RunResult } from "../app/run.ts";
import type { Environment, Workspace } from "../app/workspace.ts";
import { EXIT_CODE, MESSAGES, UserError } from "../core/messages/messages.ts";
import type { Branch } from "../core/protocol/ids.ts";
import { cleanLine } from "../core/util/redact.ts";
import {
  isForkEvent,
  readJobContext,
  remoteOf,
  scriptEnvironment,
  type JobContext,
} from "../github/api/actions-context.ts";
import type { RequestThrottle } from "../github/api/request-throttle.ts";
import type { Intent } from "../github/commands/intent.ts";
import { EMPTY_SUMMARY, renderNothing, renderSummary } from "../github/display/actions-summary.ts";
import { openActionsJob, type ActionParts, type ActionsJob } from "./actions-job.ts";
import { readJobSummary } from "./job-summary.ts";
import { writeJobResult } from "./write-job-result.ts";

const FORK = "the pull request comes from a fork, so nothing is fetched, run or written for it";

export interface JobOptions {
  readonly env: Environment;
  /** Default: GITHUB_SERVER_URL/GITHUB_REPOSITORY. */
  readonly remote: string | undefined;
  /** Only these branches; empty: all. */
  readonly branches: readonly string[];
  /** Let GitHub create and sign the commits of responses. */
  readonly signed: boolean;
  readonly print: (text: string) => void;
  readonly say: (text: string) => void;
  /** Runs all pending requests. `signalCode` is the exit code of a signal that stopped the run. */
  readonly runPending: (
    workspace: Workspace,
    env: Environment,
    branches: readonly Branch[],
  ) => Promise<{ readonly result: RunResult; readonly signalCode: number | undefined }>;
  /** How fast GitHub is asked; default: as GitHub recommends. */
  readonly throttle?: RequestThrottle | undefined;
}

/** Returns the exit code. */
export async function runJob(options: JobOptions): Promise<number> {
  const { env, say, throttle } = options;
  const context = readJobContext(env);
  const payload = readPayload(context.eventPath);
  if (isForkEvent(context.event, payload)) return finishIdle(options, context, FORK);
  // A directory of its own: settings of a checkout, such as a header with its token, must not apply.
  const directory = mkdtempSync(join(tmpdir(), "trailhand-action-"));
  try {
    const job = openActionsJob(context, env, payload, say, throttle);
    const { intents, reason = "" } = job.reading;
    if (intents.length === 0) return finishIdle(options, context, reason);
    return await runIntents(options, context, job, directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What became of the event. */
interface Progress {
  /** Sentences for the summary. */
  readonly notes: string[];
  wasApplied: boolean;
  hasFailed: boolean;
}

async function runIntents(
  options: JobOptions,
  context: JobContext,
  { reading, open }: ActionsJob,
  directory: string,
): Promise<number> {
  const progress: Progress = { notes: [], wasApplied: false, hasFailed: false };
  let events: readonly RunnerEvent[] = [];
  let workspace: Workspace | undefined;
  try {
    const onUnsigned = options.signed ? (why: string) => void progress.notes.push(why) : undefined;
    const { workspace: opened, parts } = await open(
      directory,
      options.remote ?? remoteOf(context),
      onUnsigned,
    );
    workspace = opened;
    await requireGit(workspace);
    await act(reading.intents, parts, progress);
    // People see that their command was accepted before its work begins.
    if (progress.wasApplied) await publish(parts, progress);
    const branches = options.branches.map(requireBranchName);
    // The environment of scripts never has the token.
    const { result, signalCode } = await options.runPending(
      workspace,
      scriptEnvironment(options.env),
      branches,
    );
    ({ events } = result);
    await publish(parts, progress);
    if (!progress.wasApplied && events.length === 0) options.print(`${EMPTY_SUMMARY}.`);
    if (signalCode !== undefined) return signalCode;
    // The next job finds what is left for later.
    return result.outcome === "failed" || progress.hasFailed ? EXIT_CODE.failed : EXIT_CODE.done;
  } catch (error) {
    progress.notes.push(sentenceOf(error));
    throw error;
  } finally {
    const summary = await readJobSummary(workspace, context, progress.notes, events);
    const answered = events.filter(({ kind }) => kind === "answered" || kind === "landed").length;
    writeJobResult(context, renderSummary(summary), {
      applied: progress.wasApplied || answered > 0,
      answered,
      failed: summary.handOffs.filter(({ to }) => to === "failed").length,
      waiting: summary.waiting.length,
    });
  }
}

/** Acts on every intent, also after one that failed. */
async function act(intents: readonly Intent[], parts: ActionParts, progress: Progress): Promise<void> {
  for (const intent of intents) {
    try {
      for (const { text, applied } of await parts.handle(intent)) {
        progress.notes.push(text);
        progress.wasApplied ||= applied;
      }
    } catch (error) {
      progress.notes.push(sentenceOf(error));
      progress.hasFailed = true;
    }
  }
}

async function publish(parts: ActionParts, progress: Progress): Promise<void> {
  const note = (why: string) => void progress.notes.push(`GitHub could not be updated completely: ${why}`);
  try {
    for (const why of await parts.publish()) note(why);
  } catch (error) {
    note(sentenceOf(error));
    progress.hasFailed = true;
  }
}

function sentenceOf(error: unknown): string {
  const what = cleanLine(error instanceof Error ? error.message : String(error), 1000);
  return error instanceof UserError && error.next !== undefined ? `${what} next: ${error.next}` : what;
}

function readPayload(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(MESSAGES.badEventFile(path, why), { cause });
  }
}

function finishIdle({ print }: JobOptions, context: JobContext, why: string): number {
  print(why === "" ? `${EMPTY_SUMMARY}.` : `${EMPTY_SUMMARY}: ${cleanLine(why, 500)}`);
  writeJobResult(context, renderNothing(why), { applied: false, answered: 0, failed: 0, waiting: 0 });
  return EXIT_CODE.done;
}
