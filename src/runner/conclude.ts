/**
 * Turns the end of a script into the one thing that is written.
 *
 * What must hold: the outcome is decided in the core; here it is only carried out, and told.
 */
import { childProblem, draftChildren } from "../core/children.ts";
import { composeMessage } from "../core/compose.ts";
import { salvageRef } from "../core/lease.ts";
import { formatJournal } from "../core/journal.ts";
import { parseMessage, valueOf } from "../core/message.ts";
import { backoffMs, decideOutcome, type Outcome } from "../core/outcome.ts";
import { readOutput, readSetState, type OutputReading } from "../core/output.ts";
import { draftResponse, type RunFacts, type Verdict } from "../core/response.ts";
import { words } from "../core/words.ts";
import { DEFAULT_HOPS, successors, type Workflow } from "../core/workflow.ts";
import type { Branch, Sha } from "../core/ids.ts";
import { release, type Claim, type StopSwitch } from "./claim.ts";
import { answer, rest, salvage, salvageMessage, type Saved } from "./finish.ts";
import type { Ports, Script, ScriptEnd, Sealed, Tree } from "./ports.ts";

/** Everything that one attempt works with. */
export interface Work {
  readonly ports: Ports;
  readonly target: Branch;
  readonly workflow: Workflow;
  readonly workflowBlob: Sha | undefined;
  readonly claim: Claim;
  readonly stop: StopSwitch;
  readonly script: Script | undefined;
  readonly startedAt: number;
}

const NO_SCRIPT: ScriptEnd = {
  exit: { kind: "not-started", why: "there is no script for this state on the trusted branch" },
  output: "",
  log: "",
  stdout: "",
  secrets: [],
};

/** Attempts that a state has, the first one included. */
export const attemptsOf = (held: Claim): number => (held.run.state?.retries ?? 0) + 1;

/** Decides what the end means and writes it. */
export async function conclude(work: Work, end: ScriptEnd = NO_SCRIPT, tree?: Tree): Promise<void> {
  const { ports, script, workflow } = work;
  const { request } = work.claim.run;
  const sealed = tree && end.exit.kind === "exited" ? await ports.trees.seal(tree) : undefined;
  const reading = script?.aynig ? await readAynig(work, end, sealed) : readOutput(end.output);
  const legal = script?.aynig && workflow.open ? "any" : successors(workflow, request.state);
  const children = "output" in reading ? (reading.output.children ?? []) : [];
  const fault = typeof sealed === "string" ? sealed : childProblem(children, workflow, request.branch);
  const outcome = decideOutcome(legal, end.exit, reading, fault);
  if (outcome.kind === "stopped") return concludeStopped(work, tree);
  if (outcome.kind === "answer" && typeof sealed === "object") {
    return write(work, end, { state: outcome.state, output: outcome.output }, { tree, sealed });
  }
  const why = "why" in outcome ? outcome.why : "there was no tree to answer with";
  const saved = tree && (await saveTree(work, tree, why));
  if (outcome.kind === "failed" && work.claim.lease.attempt >= attemptsOf(work.claim)) {
    const state = work.claim.run.state?.["on-failure"] ?? "failed";
    const trouble = { why, log: end.log, salvage: saved?.ref };
    return write(work, end, { state, output: outcome.output, trouble }, { tree, saved });
  }
  await concludeResting(work, end, outcome, why, saved);
  if (tree) await ports.trees.close(tree);
}

async function saveTree(work: Work, tree: Tree, why: string): Promise<Saved | undefined> {
  const value = await work.ports.trees.save(tree, salvageMessage(work.claim, why));
  return value && { ref: salvageRef(work.claim.run.head.branch, work.claim.lease.run), value };
}

async function concludeResting(
  work: Work,
  end: ScriptEnd,
  outcome: Outcome,
  why: string,
  saved: Saved | undefined,
): Promise<void> {
  const { ports, claim: held } = work;
  const { request, state } = held.run;
  const { attempt } = held.lease;
  const later = outcome.kind === "later";
  const ms = later ? outcome.afterMs : backoffMs(state, attempt);
  const journal = formatJournal(request, facts(work, end.secrets), {
    why,
    log: end.log,
    salvage: saved?.ref,
  });
  const used = later ? attempt - 1 : attempt;
  const told = { branch: request.branch, state: request.state };
  if (await rest(ports, held, { ms, why, used, journal, salvage: saved })) {
    ports.tell({ kind: "resting", ...told, why, ms });
  } else ports.tell({ kind: "stopped", ...told, why: STOPPED.fenced, salvage: saved?.ref });
}

const LIMITS = {
  hops: (work: Work) =>
    `${work.claim.run.request.hops} hand-offs without a person, and the limit is ${hopLimit(work)}`,
  attempts: (work: Work) =>
    `${work.claim.lease.attempt - 1} attempts ended without an answer, and the limit is ${attemptsOf(work.claim)}`,
  stalled: () => "its worker did not answer in time",
} as const;

/** A limit is reached: nothing is run, and the answer says so. */
export async function concludeLimit(work: Work, limit: keyof typeof LIMITS): Promise<void> {
  const trouble = { why: LIMITS[limit](work), log: "" };
  await write(work, { secrets: [] }, { state: limit === "stalled" ? "stalled" : "parked", trouble }, {});
}

const STOPPED = {
  fenced: "another runner took over",
  moved: "the branch moved or is gone, and what a person did counts",
  "lease-lost": "the lease could not be renewed in time",
  shutdown: "the runner was stopped",
} as const;

/** A stopped run: its tree is saved; the lease is given back where that cannot hide an attempt. */
async function concludeStopped(work: Work, tree: Tree | undefined): Promise<void> {
  const { ports, claim: held, stop } = work;
  const reason = stop.reason ?? "shutdown";
  const why = STOPPED[reason];
  const saved = tree && (await salvage(ports, held, tree, why));
  if (reason === "moved") await release(ports, held);
  if (reason === "shutdown") {
    const used = held.lease.attempt - 1;
    await rest(ports, held, { ms: 0, why, used, journal: undefined, salvage: undefined });
  }
  if (tree) await ports.trees.close(tree);
  const { branch, state } = held.run.request;
  ports.tell({ kind: "stopped", branch, state, why, salvage: saved });
}

interface Left {
  readonly tree?: Tree | undefined;
  readonly sealed?: Sealed;
  readonly saved?: Saved | undefined;
}

async function write(
  work: Work,
  end: Pick<ScriptEnd, "secrets">,
  verdict: Verdict,
  left: Left,
): Promise<void> {
  const { ports, claim: held } = work;
  const { request } = held.run;
  const known = facts(work, end.secrets);
  const message = composeMessage(draftResponse(request, verdict, known));
  const children = verdict.trouble ? [] : (verdict.output?.children ?? []);
  const births = draftChildren(request, children, known.hopLimit, end.secrets);
  const done = await answer(ports, held, { message, births, sealed: left.sealed, salvage: left.saved });
  if ((done.kind === "refused" && verdict.state !== "parked") || done.kind === "clash") {
    const why = done.kind === "clash" ? done.why : words.refusedAnswer(done.why);
    const trouble = { why, log: "", salvage: done.salvage };
    return write(work, end, { state: "parked", trouble }, { tree: left.tree });
  }
  if (left.tree) await ports.trees.close(left.tree);
  const { branch, state } = request;
  if (done.kind === "blocked" || done.kind === "refused")
    return ports.tell({ kind: "blocked", branch, why: done.why });
  if (done.kind === "overtaken") {
    return ports.tell({ kind: "stopped", branch, state, why: done.why, salvage: done.salvage });
  }
  const why = verdict.trouble?.why;
  const told = { branch, state, next: verdict.state, commit: done.commit, tookMs: known.tookMs };
  ports.tell({ kind: "answered", ...told, ...(why === undefined ? {} : { why }) });
}

const hopLimit = (work: Work): number => work.workflow.limits.hops ?? DEFAULT_HOPS;

function facts(work: Work, secrets: readonly string[]): RunFacts {
  const { claim: held, ports } = work;
  return {
    run: held.lease.run,
    runner: held.lease.runner,
    attempt: held.lease.attempt,
    attempts: attemptsOf(held),
    tookMs: ports.clock.mono() - work.startedAt,
    hopLimit: hopLimit(work),
    workflow: work.workflowBlob,
    script: work.script?.blob,
    secrets,
  };
}

/** An AYNIG command may commit the next state itself, print SET_STATE, or use our output file. */
async function readAynig(
  work: Work,
  end: ScriptEnd,
  sealed: Sealed | string | undefined,
): Promise<OutputReading> {
  const { commit: requested, key } = work.claim.run.request;
  const printed = readSetState(end.stdout) ?? readOutput(end.output);
  const silent = "output" in printed && printed.output.state === undefined;
  if (!silent || typeof sealed !== "object" || sealed.head === requested) return printed;
  const [last] = await work.ports.repository.trail(sealed.head, 1);
  const message = parseMessage(last?.message ?? "");
  const state = valueOf(message.trailers, key);
  if (state === undefined) return printed;
  return { output: { ...printed.output, state, subject: message.header, summary: message.body } };
}
