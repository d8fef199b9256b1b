/** `trailhand run`: runs pending requests until none is left, or stays and watches. */
import type { PlannedDecision } from "../../app/plan-run.ts";
import type { RunResult } from "../../app/run.ts";
import { EXIT_CODE, MESSAGES, UserError } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { durationOption, numberOption } from "../input.ts";
import { openRunner, pushLogOf } from "../open-for-call.ts";
import { concurrencyOption, jsonOption, onlyBranchOption, remoteOption } from "../options.ts";
import { renderColumns } from "../render/render-table.ts";
import { printable, printJson } from "../render/terminal.ts";

export const command: Command = {
  name: "run",
  writes: true,
  group: "work",
  what: "Run all pending requests, then exit.",
  more: "Exit code 0: everything was answered; 1: a response was `failed`, or something could not be run; 75: something is left for later. With `proof: pusher` in the workflow it needs --remote, and GITHUB_TOKEN to ask GitHub who pushed.",
  options: [
    { name: "once", what: "Make one pass, and finish what it started." },
    { name: "watch", short: "w", what: "Stay, and react to new commits." },
    { name: "dry-run", what: "Print the decisions and do nothing." },
    onlyBranchOption,
    concurrencyOption,
    {
      name: "ttl",
      value: "time",
      what: "Time after which an unrenewed lease expires; default: 1m, or 5m at github.com.",
    },
    {
      name: "grace",
      value: "time",
      what: "Time that SIGTERM lets running scripts finish before they are handed back; default: 10s.",
    },
    {
      name: "wake",
      value: "pipe|port",
      what: "Poll at once when this named pipe is written to, or this port of 127.0.0.1 is called.",
    },
    {
      name: "trust-head",
      what: "Read the states from HEAD, to try out a workflow before it is merged.",
    },
    remoteOption,
    jsonOption,
  ],
  examples: [
    { line: "trailhand run", what: "run everything that is pending" },
    { line: "trailhand run --watch", what: "stay and react within a moment" },
    { line: "trailhand run --dry-run", what: "what would happen, and why not" },
    { line: "trailhand run --watch --remote origin", what: "one of many runners that share a remote" },
  ],
  run,
};

async function run(call: CommandCall): Promise<number> {
  const { input, env, terminal } = call;
  const [once, watch] = [input.has("once"), input.has("watch")];
  if (once && watch) throw new UserError(MESSAGES.conflict("run", "once", "watch"));
  const opening = openRunner(call, await pushLogOf(call));
  // The runner is loaded while git is at work.
  const [opened, { requireBranches }, { runInTerminal }] = await Promise.all([
    opening,
    afterStart(() => import("../../app/run.ts")),
    afterStart(() => import("../run-in-terminal.ts")),
  ]);
  const workspace = input.has("trust-head")
    ? await (await import("../../app/plan-run.ts")).trustCheckedOutBranch(opened)
    : opened;
  const concurrency = numberOption(input, "concurrency", 1, 256);
  const branches = await requireBranches(workspace, input.values("branch"));
  if (input.has("dry-run")) {
    const { planRun } = await import("../../app/plan-run.ts");
    const { decisions, running } = await planRun(workspace, branches, concurrency);
    printPlan(call, decisions, running);
    return EXIT_CODE.done;
  }
  const { result, signalCode } = await runInTerminal(terminal, workspace, env, {
    branches,
    concurrency,
    once,
    watch,
    ttlMs: durationOption(input, "ttl"),
    graceMs: durationOption(input, "grace"),
    wake: input.value("wake"),
  });
  if (signalCode !== undefined) return signalCode;
  const { attempts, faults, events, outcome } = result;
  if (input.has("json")) printJson(terminal, { attempts, faults, events });
  else terminal.say(summaryOf(result));
  return EXIT_CODE[outcome];
}

/** Loads a module once the processes that were asked for have started. */
const afterStart = async <T>(load: () => Promise<T>): Promise<T> => {
  await new Promise(setImmediate);
  return load();
};

function summaryOf({ attempts, answered, landed, stopped, people, later }: RunResult): string {
  const others = [
    ...(landed > 0 ? [`${landed} applied`] : []),
    ...(stopped > 0 ? [`${stopped} stopped (see trailhand status)`] : []),
    ...(people > 0 ? [`${people} for a person (trailhand status --needs-me)`] : []),
    ...(later > 0 ? [`${later} for later`] : []),
  ].join(", ");
  if (attempts === 0 && answered === 0 && landed === 0)
    return `nothing to run; ${others || "trailhand status shows why"}`;
  return `${answered} answered${others === "" ? "" : `, ${others}`}`;
}

function printPlan(
  { input, terminal }: CommandCall,
  decisions: readonly PlannedDecision[],
  running: number,
): void {
  if (input.has("json")) return printJson(terminal, decisions.map(describeDecision));
  const rows = decisions.map(({ kind, branch, state, sentence }) => [
    kind,
    printable(branch, 40),
    state ?? "-",
    printable(sentence, 80),
  ]);
  if (rows.length > 0) terminal.print(renderColumns(rows));
  terminal.say(`${running} would run now. Nothing was done.`);
}

function describeDecision({ branch, state, kind, sentence, decision }: PlannedDecision): object {
  return {
    branch,
    commit: decision.head.commit,
    state: state ?? null,
    decision: kind,
    ...("why" in decision ? { why: decision.why } : {}),
    ...("attempt" in decision ? { attempt: decision.attempt, limit: decision.limit ?? null } : {}),
    ...("knownAnswer" in decision ? { known: decision.knownAnswer } : {}),
    reason: sentence,
  };
}
