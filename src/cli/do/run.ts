/** `trailhand run`: works until nothing is runnable, or watches. */
import { parseBranch, type Branch } from "../../core/ids.ts";
import { admit } from "../../core/lane.ts";
import { reasonOf } from "../../core/reasons.ts";
import { EXIT, Fault, words } from "../../core/words.ts";
import { RefWatch } from "../../queue/watch.ts";
import { requireVersion } from "../../git/open.ts";
import type { Event } from "../../runner/ports.ts";
import { Runner, type Summary } from "../../runner/tick.ts";
import { openSite, usableContract, type Site } from "../../wire.ts";
import { wireRunner } from "../../wire-runner.ts";
import type { Call, Run } from "../call.ts";
import { numberOption, type Input } from "../input.ts";
import { startNarration } from "../narrate.ts";
import { renderColumns } from "../render-table.ts";
import { checkedOutBranch, present, reasonIn, requireHead, stateOf, survey } from "../survey.ts";
import { printJson, shown, type Terminal } from "../terminal.ts";

const TTL_MS = 60_000;
/** The safety net under the file-system events. */
const POLL_MS = 15_000;

export const run: Run = async (call) => {
  const { input, env } = call;
  if (input.has("once") && input.has("watch")) throw new Fault(words.conflict("run", "once", "watch"));
  const found = await openSite(input.directory, env);
  const site = input.has("trust-head")
    ? { ...found, contract: trusting(found, checkedOutBranch(found)) }
    : found;
  await requireVersion(site.place.git);
  const concurrency = numberOption(input, "concurrency", 1, 256);
  const branches = await requireBranches(site, input);
  if (input.has("dry-run")) return dryRun(call, site, branches, concurrency);
  return work(call, site, branches, concurrency);
};

/** The contract of another branch than the trusted one. */
function trusting(site: Site, branch: Branch): Site["contract"] {
  return (_target, heads) => site.contract(branch, heads);
}

async function requireBranches(site: Site, input: Input): Promise<Branch[]> {
  const names = input.values("branch");
  if (names.length === 0) return [];
  const { heads } = await site.repository.look();
  return names.map((name) => {
    if (!parseBranch(name)) throw new Fault(words.badBranch(name));
    return requireHead(site, heads, name).branch;
  });
}

async function dryRun(
  { input, terminal }: Call,
  site: Site,
  branches: readonly Branch[],
  concurrency: number | undefined,
): Promise<number> {
  const found = await survey(site, present());
  const { view, contract, decisions } = found;
  await usableContract(site, view.target, view.heads);
  const wanted = decisions.filter(({ head }) => branches.length === 0 || branches.includes(head.branch));
  const runs = wanted.flatMap((one) => (one.kind === "run" ? [one] : []));
  const held = admit(view, contract.workflow, runs, concurrency).held;
  const rows = wanted.map((one) => held.find(({ head }) => head.branch === one.head.branch) ?? one);
  if (input.has("json")) {
    printJson(
      terminal,
      rows.map((one) => ({
        branch: one.head.branch,
        commit: one.head.commit,
        state: stateOf(view, one.head) ?? null,
        decision: one.kind,
        ...("why" in one ? { why: one.why } : {}),
        ...("attempt" in one ? { attempt: one.attempt, limit: one.limit ?? null } : {}),
        reason: reasonIn(found, one).sentence,
      })),
    );
    return EXIT.done;
  }
  const lines = rows.map((one) => [
    one.kind,
    shown(one.head.branch, 40),
    stateOf(view, one.head) ?? "-",
    shown(reasonIn(found, one).sentence, 80),
  ]);
  if (lines.length > 0) terminal.print(renderColumns(lines));
  terminal.say(`${runs.length - held.length} would run now. Nothing was done.`);
  return EXIT.done;
}

async function work(
  { input, terminal, env }: Call,
  site: Site,
  branches: readonly Branch[],
  concurrency: number | undefined,
): Promise<number> {
  const events: Event[] = [];
  const watching = input.has("watch");
  const narration = await startNarration(terminal, watching);
  const { ports, dispose } = wireRunner(site, env, (event) => {
    if (!watching) events.push(event);
    narration.tell(event);
  });
  const watch = new RefWatch(site.place.commonDir);
  const runner = new Runner(ports, {
    once: input.has("once"),
    watch: watching,
    branches,
    concurrency,
    ttlMs: TTL_MS,
    pollMs: POLL_MS,
    wakes: (ring) => watch.start(ring),
  });
  const ended = stopOnSignals(runner, terminal);
  try {
    const summary = await runner.run();
    narration.end();
    return ended() ?? report(terminal, input.has("json"), summary, events);
  } finally {
    narration.end();
    watch.close();
    await dispose();
  }
}

/** The first signal stops gently; the second leaves at once, and the next runner tidies up. */
function stopOnSignals(runner: Runner, terminal: Terminal): () => number | undefined {
  let code: number | undefined;
  const onSignal = (signal: "SIGINT" | "SIGTERM", number: number) => {
    process.on(signal, () => {
      if (code !== undefined) process.exit(128 + number);
      code = 128 + number;
      terminal.say("stopping: scripts are ended and their work is saved; once more leaves at once");
      runner.shutdown();
    });
  };
  onSignal("SIGINT", 2);
  onSignal("SIGTERM", 15);
  return () => code;
}

function report(terminal: Terminal, json: boolean, summary: Summary, events: readonly Event[]): number {
  const answered = events.flatMap((event) => (event.kind === "answered" ? [event] : []));
  const last = new Map(events.map((event) => [event.branch, event.kind]));
  const rests = [...last.values()].filter((kind) => kind === "resting").length;
  const held = summary.idle.filter(
    ({ head, why }) =>
      ["resting", "running", "lane-full", "no-room"].includes(why.code) && !last.has(head.branch),
  );
  const later = rests + held.length;
  const stopped = [...last.values()].filter((kind) => kind === "stopped").length;
  const landed = [...last.values()].filter((kind) => kind === "landed").length;
  const blocked = summary.idle.filter(({ why }) => why.code === "blocked");
  const people = summary.idle.filter((idle) => reasonOf(idle, Date.now()).turn === "person");
  if (json) printJson(terminal, { attempts: summary.started, faults: summary.faults, events });
  else {
    const parts = [
      `${answered.length} answered`,
      ...(landed > 0 ? [`${landed} put in place`] : []),
      ...(stopped > 0 ? [`${stopped} stopped (trailhand status shows where they stand)`] : []),
      ...(people.length > 0 ? [`${people.length} for a person (trailhand status --needs-me)`] : []),
      ...(later > 0 ? [`${later} for later`] : []),
    ];
    terminal.say(
      summary.started === 0 && answered.length === 0 && landed === 0
        ? `nothing to run; ${parts.slice(1).join(", ") || "trailhand status shows why"}`
        : parts.join(", "),
    );
  }
  if (summary.faults > 0 || answered.some(({ next }) => next === "failed")) return EXIT.failed;
  return later > 0 || stopped > 0 || blocked.length > 0 ? EXIT.later : EXIT.done;
}
