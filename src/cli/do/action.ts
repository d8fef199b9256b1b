/**
 * `trailhand action`: in a job of GitHub Actions, carries out what its event asks for, then works off
 * everything, because events that are made with the job's own token start no other job.
 *
 * What must hold: the event of a fork's pull request is read and nothing else is done for it; what
 * is printed cannot be taken for a command by the runner of the job; the summary and the outputs are
 * written however it ends.
 */
import { randomUUID } from "node:crypto";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanLine } from "../../core/util/redact.ts";
import { parseBranch, type Branch } from "../../core/protocol/ids.ts";
import { EXIT_CODE, UserError, MESSAGES } from "../../core/messages/messages.ts";
import {
  isForkEvent,
  readJobContext,
  remoteOf,
  scriptEnvironment,
  type JobContext,
} from "../../github/api/actions-context.ts";
import type { Intent } from "../../github/commands/intent.ts";
import type { RequestThrottle } from "../../github/api/request-throttle.ts";
import {
  EMPTY_SUMMARY,
  renderNothing,
  renderSummary,
  type JobSummary,
} from "../../github/display/actions-summary.ts";
import { requireVersion } from "../../git/open-repository.ts";
import type { Workspace } from "../../app/workspace.ts";
import { openActionsJob, type ActionParts, type ActionsJob } from "../../server/actions-job.ts";
import type { CommandCall, CommandRun } from "../call.ts";
import { readJobSummary } from "../../server/job-summary.ts";
import { numberOption, type Input } from "../input.ts";
import { runRunner } from "../work.ts";
import type { RunnerEvent } from "../../engine/ports.ts";

const FORK =
  "this pull request comes from a fork, whose content is data: it is not fetched, and nothing is run or written for it";

export const run: CommandRun = (call) => runJob(call);

/** `pacer` says how fast GitHub is asked; as GitHub wants it when left out. */
export async function runJob(call: CommandCall, pacer?: RequestThrottle): Promise<number> {
  const seat = readJobContext(call.env);
  const payload = readPayload(seat.eventPath);
  if (isForkEvent(seat.event, payload)) return neutral(call, seat, FORK);
  // A directory of our own: settings of a checkout, such as a header with its token, have no say here.
  const directory = mkdtempSync(join(tmpdir(), "trailhand-action-"));
  const token = randomUUID();
  // Names and reasons are chosen by strangers; a line of theirs may look like a command of the job.
  call.terminal.say(`::stop-commands::${token}`);
  try {
    const say = (text: string) => call.terminal.say(cleanLine(text, 500));
    return await serve(call, seat, openActionsJob(seat, call.env, payload, say, pacer), directory);
  } finally {
    call.terminal.say(`::${token}::`);
    rmSync(directory, { recursive: true, force: true });
  }
}

async function serve(
  call: CommandCall,
  seat: JobContext,
  { reading, open }: ActionsJob,
  directory: string,
): Promise<number> {
  const { input } = call;
  if (reading.intents.length === 0) return neutral(call, seat, reading.reason ?? "");
  const account: Account = { said: [], applied: false, failed: false };
  let events: readonly RunnerEvent[] = [];
  let site: Workspace | undefined;
  try {
    const unsigned = input.has("signed") ? (why: string) => void account.said.push(why) : undefined;
    const opened = await open(directory, input.value("remote") ?? remoteOf(seat), unsigned);
    site = opened.workspace;
    await requireVersion(site.location.git);
    await actOn(reading.intents, opened.parts, account);
    // Whoever asked sees that it was heard before the work is done.
    if (account.applied) await show(opened.parts, account);
    const { code, ...worked } = await workOff(call, site);
    events = worked.events;
    await show(opened.parts, account);
    if (!account.applied && events.length === 0) call.terminal.print(`${EMPTY_SUMMARY}.`);
    // What is left for later is found by the next run.
    return code === EXIT_CODE.later || code === EXIT_CODE.done
      ? account.failed
        ? EXIT_CODE.failed
        : EXIT_CODE.done
      : code;
  } catch (error) {
    account.said.push(sentenceOf(error));
    throw error;
  } finally {
    report(seat, await readJobSummary(site, seat, account.said, events), account, events);
  }
}

/** What became of the event. */
interface Account {
  readonly said: string[];
  applied: boolean;
  failed: boolean;
}

/** Every intent, whatever became of the one before. */
async function actOn(
  intents: readonly Intent[],
  { handle: act }: ActionParts,
  account: Account,
): Promise<void> {
  for (const intent of intents) {
    try {
      for (const { text, applied } of await act(intent)) {
        account.said.push(text);
        account.applied ||= applied;
      }
    } catch (error) {
      account.said.push(sentenceOf(error));
      account.failed = true;
    }
  }
}

/** Runs until nothing is runnable. */
async function workOff(
  call: CommandCall,
  site: Workspace,
): Promise<{ code: number; events: readonly RunnerEvent[] }> {
  const { input, terminal } = call;
  const which = { branches: readBranches(input), concurrency: numberOption(input, "concurrency", 1, 256) };
  let document = "{}";
  const code = await runRunner(
    {
      // Its account comes as a document, for the summary.
      input: { ...input, has: (option) => option === "json" || input.has(option) },
      terminal: { ...terminal, print: (text) => void (document = text) },
      // Scripts get theirs out of an environment that never had the token.
      env: scriptEnvironment(call.env),
    },
    site,
    which,
  );
  const { events = [] } = JSON.parse(document) as { readonly events?: readonly RunnerEvent[] };
  return { code, events };
}

async function show({ publish }: ActionParts, account: Account): Promise<void> {
  try {
    const missing = await publish();
    account.said.push(...missing.map((why) => `GitHub does not show all of it: ${why}`));
  } catch (error) {
    account.said.push(`GitHub does not show all of it: ${sentenceOf(error)}`);
    account.failed = true;
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
    throw new UserError(MESSAGES.badEventFile(path, cause instanceof Error ? cause.message : String(cause)), {
      cause,
    });
  }
}

function readBranches(input: Input): Branch[] {
  return input.values("branch").map((name) => {
    const branch = parseBranch(name);
    if (!branch) throw new UserError(MESSAGES.badBranch(name));
    return branch;
  });
}

function neutral({ terminal }: CommandCall, seat: JobContext, why: string): number {
  terminal.print(why === "" ? `${EMPTY_SUMMARY}.` : `${EMPTY_SUMMARY}: ${cleanLine(why, 500)}`);
  write(seat, renderNothing(why), { applied: false, answered: 0, failed: 0, waiting: 0 });
  return EXIT_CODE.done;
}

function report(
  seat: JobContext,
  came: JobSummary,
  { applied }: Account,
  events: readonly RunnerEvent[],
): void {
  const answered = events.filter(({ kind }) => kind === "answered" || kind === "landed");
  const failed = came.handOffs.filter(({ to }) => to === "failed");
  write(seat, renderSummary(came), {
    applied: applied || answered.length > 0,
    answered: answered.length,
    failed: failed.length,
    waiting: came.waiting.length,
  });
}

function write(seat: JobContext, page: string, outputs: Readonly<Record<string, number | boolean>>): void {
  if (seat.summaryPath !== undefined) appendFileSync(seat.summaryPath, page);
  const lines = Object.entries(outputs).map(([name, value]) => `${name}=${value}\n`);
  if (seat.outputPath !== undefined) appendFileSync(seat.outputPath, lines.join(""));
}
