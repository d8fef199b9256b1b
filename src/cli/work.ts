/**
 * Runs a runner for `trailhand run`: what wakes it, what stops it, and what it came to.
 *
 * What must hold: the first signal loses nothing; the second leaves at once, and takes the scripts
 * with it; what is then left is tidied up by the next runner.
 */
import { parseDuration } from "../core/util/duration.ts";
import { reasonOf } from "../core/scheduling/reasons.ts";
import { EXIT_CODE, UserError, MESSAGES } from "../core/messages/messages.ts";
import { endGroups } from "../process/process-group.ts";
import { RefWatch } from "../queue/ref-watch.ts";
import { WakeListener } from "../queue/wake-listener.ts";
import { retryUnreachable, reportOutage } from "../engine/loop/retry-remote.ts";
import { LEASE, POLL } from "../engine/timing.ts";
import type { RunnerEvent } from "../engine/ports.ts";
import { Runner, type RunnerOptions, type RunSummary } from "../engine/runner.ts";
import type { Workspace } from "../app/workspace.ts";
import { createRunner } from "../app/create-runner.ts";
import type { CommandCall } from "./call.ts";
import type { Input } from "./input.ts";
import { startLiveView } from "./render/live-view.ts";
import { requireUsableRemote } from "../app/check-remote.ts";
import { printJson, type Terminal } from "./render/terminal.ts";
import { APP } from "../app/timing.ts";
import { CLI } from "./timing.ts";

/** Hosts that limit pushes. */
const LIMITED = /(?:^|[@/.])github\.com[:/]/;

/** Works until nothing is runnable, or for ever. Returns the exit code. */
export async function runRunner(
  { input, terminal, env }: CommandCall,
  site: Workspace,
  which: Pick<RunnerOptions, "branches" | "concurrency">,
): Promise<number> {
  const events: RunnerEvent[] = [];
  const watching = input.has("watch");
  const ttlMs = durationOption(input, "ttl") ?? (limitsPushes(site) ? LEASE.limitedTtlMs : LEASE.ttlMs);
  const graceMs = durationOption(input, "grace") ?? APP.shutdownGraceMs;
  const narration = await startLiveView(terminal, watching);
  const { ports, dispose } = createRunner(site, env, (event) => {
    if (!watching) events.push(event);
    narration.tell(event);
  });
  const refs = site.remote ? undefined : new RefWatch(site.location.commonDir);
  const where = input.value("wake");
  const line = where === undefined ? undefined : new WakeListener(where);
  let ring = (): void => undefined;
  const runner = new Runner(ports, {
    ...which,
    ttlMs,
    once: input.has("once"),
    watch: watching,
    shared: site.remote !== undefined,
    pollInterval: site.remote === undefined ? POLL.local : line ? POLL.woken : POLL.remote,
    onWake(bell) {
      ring = bell;
      refs?.start(bell);
    },
  });
  const ended = stopOnSignals(runner, terminal, graceMs);
  try {
    const sound = async () => {
      if (ended() === undefined) await requireUsableRemote(site, Date.now());
    };
    await (watching
      ? retryUnreachable(ports, Number.POSITIVE_INFINITY, reportOutage(ports, sound))
      : sound());
    await line?.start(() => ring());
    const summary = await runner.run();
    narration.end();
    return ended() ?? report(terminal, input.has("json"), summary, events);
  } finally {
    narration.end();
    refs?.close();
    line?.close();
    await dispose();
  }
}

const limitsPushes = ({ remote }: Workspace): boolean =>
  remote !== undefined && LIMITED.test(remote.transport.address.push);

/** Milliseconds. Throws a Fault when it is no duration. */
function durationOption(input: Input, option: string): number | undefined {
  const text = input.value(option);
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined) throw new UserError(MESSAGES.badDuration(option, text));
  return ms;
}

/** A person's Ctrl-C hands back at once; a supervisor's SIGTERM lets scripts finish for a while. */
function stopOnSignals(runner: Runner, terminal: Terminal, graceMs: number): () => number | undefined {
  let code: number | undefined;
  let since = 0;
  const onSignal = (signal: "SIGINT" | "SIGTERM", number: number, ms: number) => {
    process.on(signal, () => {
      // A terminal and a program that wraps us may both pass on what somebody pressed once.
      if (code !== undefined && performance.now() - since < CLI.signalEchoMs) return;
      if (code !== undefined) {
        endGroups();
        process.exit(128 + number);
      }
      code = 128 + number;
      since = performance.now();
      terminal.say("stopping: what does not finish in time is ended and saved; once more leaves at once");
      runner.shutdown(ms);
    });
  };
  onSignal("SIGINT", 2, 0);
  onSignal("SIGTERM", 15, graceMs);
  return () => code;
}

function report(
  terminal: Terminal,
  json: boolean,
  summary: RunSummary,
  events: readonly RunnerEvent[],
): number {
  const answered = events.flatMap((event) => (event.kind === "answered" ? [event] : []));
  const last = new Map(events.map((event) => [event.branch, event.kind]));
  const rests = [...last.values()].filter((kind) => kind === "resting").length;
  const held = summary.idle.filter(
    ({ head, why }) =>
      ["resting", "running", "lane-full", "lane-closed", "held", "no-room"].includes(why.code) &&
      !last.has(head.branch),
  );
  const later = rests + held.length;
  const stopped = [...last.values()].filter((kind) => kind === "stopped").length;
  const landed = [...last.values()].filter((kind) => kind === "landed").length;
  const blocked = summary.idle.filter(({ why }) => why.code === "blocked");
  const people = summary.idle.filter((idle) => reasonOf(idle, Date.now()).turn === "person");
  if (json) printJson(terminal, { attempts: summary.startedCount, faults: summary.faultCount, events });
  else {
    const parts = [
      `${answered.length} answered`,
      ...(landed > 0 ? [`${landed} put in place`] : []),
      ...(stopped > 0 ? [`${stopped} stopped (trailhand status shows where they stand)`] : []),
      ...(people.length > 0 ? [`${people.length} for a person (trailhand status --needs-me)`] : []),
      ...(later > 0 ? [`${later} for later`] : []),
    ];
    terminal.say(
      summary.startedCount === 0 && answered.length === 0 && landed === 0
        ? `nothing to run; ${parts.slice(1).join(", ") || "trailhand status shows why"}`
        : parts.join(", "),
    );
  }
  if (summary.faultCount > 0 || answered.some(({ next }) => next === "failed")) return EXIT_CODE.failed;
  return later > 0 || stopped > 0 || blocked.length > 0 ? EXIT_CODE.later : EXIT_CODE.done;
}
