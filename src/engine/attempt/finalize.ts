/**
 * Turns the end of an attempt into the one thing that is written.
 *
 * What must hold: the outcome is decided in the core; here it is only carried out, and told.
 */
import { addAmounts } from "../../core/util/amounts.ts";
import { formatAttemptLog } from "../../core/outcome/attempt-log.ts";
import { budgetProblem } from "../../core/policy/budget.ts";
import { formatClosed } from "../../core/scheduling/side-refs.ts";
import { closedRef, salvageRef } from "../../core/protocol/refs.ts";
import { backoffMs, type Outcome } from "../../core/outcome/outcome.ts";
import type { Output } from "../../core/outcome/output.ts";
import type { FinalState } from "../../core/outcome/response.ts";
import { MESSAGES } from "../../core/messages/messages.ts";
import { markLaneUse, release } from "./lease-holder.ts";
import { commitResponse, commitBackoff, salvage, salvageMessage, type Saved } from "./commit-result.ts";
import type { ScriptEnd, CollectedTree, AttemptTree } from "../ports.ts";
import { buildResponse, usedBy } from "./build-response.ts";
import { temper, validateResult } from "./validate-result.ts";
import { attemptsOf, runDetails, hopLimit, type AttemptContext } from "./context.ts";

const NO_SCRIPT: ScriptEnd = {
  exit: { kind: "not-started", why: "there is no script for this state on the trusted branch" },
  output: "",
  log: "",
  stdout: "",
  secrets: [],
};

/** Decides what the end means and writes it. */
export async function finalize(
  work: AttemptContext,
  end: ScriptEnd = NO_SCRIPT,
  tree?: AttemptTree,
): Promise<void> {
  const { ports, claim: held } = work;
  const left = tree && end.exit.kind === "exited" ? await ports.trees.collect(tree) : undefined;
  const sealed = typeof left === "object" ? await withTree(work, left) : left;
  const outcome = await validateResult(work, end, sealed);
  if (outcome.kind === "stopped") return concludeStopped(work, tree);
  if (outcome.kind === "answer" && typeof sealed === "object") {
    return write(work, end, temper(work, outcome, sealed), { tree, sealed });
  }
  const why = "why" in outcome ? outcome.why : "there was no tree to answer with";
  const saved = tree && (await saveTree(work, tree, why));
  const outOfTime = end.exit.kind === "timed-out" ? budgetEnd(work) : undefined;
  if (outOfTime !== undefined) {
    const trouble = { why: outOfTime, log: end.log, salvage: saved?.ref };
    return write(work, end, { state: "parked", trouble }, { tree, saved });
  }
  if (outcome.kind === "failed" && held.lease.attempt >= attemptsOf(held)) {
    const state = held.run.state?.["on-failure"] ?? "failed";
    const trouble = { why, log: end.log, salvage: saved?.ref };
    return write(work, end, { state, output: outcome.output, trouble }, { tree, saved });
  }
  await concludeResting(work, end, outcome, why, saved);
  if (tree) await ports.trees.release(tree);
}

/** A worktree that was left clean is named by its commit; evidence and loops go by the tree. */
async function withTree(
  { ports, claim, trail }: AttemptContext,
  sealed: CollectedTree,
): Promise<CollectedTree> {
  if (sealed.tree !== sealed.head) return sealed;
  const [known] =
    sealed.head === claim.run.request.commit ? trail : await ports.repository.trail(sealed.head, 1);
  return { ...sealed, tree: known?.tree ?? sealed.tree };
}

/** Why the work may go on no longer, when it was the time left to it that ended this attempt. */
function budgetEnd(work: AttemptContext): string | undefined {
  const spent = addAmounts(work.carried.spent, usedBy(work, undefined));
  return budgetProblem(work.workflow, { ...work.carried, spent }, work.claim.run.head.branch);
}

async function saveTree(work: AttemptContext, tree: AttemptTree, why: string): Promise<Saved | undefined> {
  const value = await work.ports.trees.save(tree, salvageMessage(work.claim, why));
  return value && { ref: salvageRef(work.claim.run.head.branch, work.claim.lease.run), value };
}

async function concludeResting(
  work: AttemptContext,
  end: Pick<ScriptEnd, "log" | "secrets">,
  outcome: Outcome,
  why: string,
  saved: Saved | undefined,
): Promise<void> {
  const { ports, claim: held } = work;
  const { request, state } = held.run;
  const { attempt } = held.lease;
  const later = outcome.kind === "later";
  const ms = later ? outcome.afterMs : backoffMs(state, attempt);
  const journal = formatAttemptLog(request, runDetails(work, end.secrets), {
    why,
    log: end.log,
    salvage: saved?.ref,
  });
  const used = later ? attempt - 1 : attempt;
  const told = { branch: request.branch, state: request.state };
  const spent = usedBy(work, "output" in outcome ? outcome.output : undefined);
  await markLaneUse(ports, held, spent);
  if (later) await closeLanes(work, ms, why);
  if (await commitBackoff(ports, held, { ms, why, used, journal, salvage: saved, spent })) {
    ports.report({ kind: "resting", ...told, why, ms });
  } else ports.report({ kind: "stopped", ...told, why: STOPPED.fenced, salvage: saved?.ref });
}

/** A rate limit is everybody's who uses the lane: nothing else of it begins before its time. */
async function closeLanes(
  { ports, workflow, claim }: AttemptContext,
  ms: number,
  why: string,
): Promise<void> {
  const lanes = (claim.run.state?.lane ?? []).filter((lane) => workflow.lanes[lane]?.closes);
  for (const lane of lanes) {
    const ref = closedRef(lane);
    const expected = (await ports.repository.read([ref])).get(ref) ?? null;
    const next = await ports.repository.note(formatClosed(lane, ports.clock.wall() + ms, why));
    // Who is faster has closed it, too.
    await ports.repository.swap([{ ref, expected, next }], "close a lane");
  }
}

const LIMITS = {
  hops: (work: AttemptContext) =>
    `${work.claim.run.request.hops} hand-offs without a person, and the limit is ${hopLimit(work)}`,
  attempts: (work: AttemptContext) =>
    `${work.claim.lease.attempt - 1} attempts ended without an answer, and the limit is ${attemptsOf(work.claim)}`,
  stalled: () => "its worker did not answer in time",
} as const;

/** A limit is reached: nothing is run, and the answer says so. */
export function finalizeLimit(work: AttemptContext, limit: keyof typeof LIMITS): Promise<void> {
  return finalizeUnrun(work, limit === "stalled" ? "stalled" : "parked", LIMITS[limit](work));
}

/** The answer is known without a script. `why` is undefined when nothing is wrong. */
export function finalizeUnrun(work: AttemptContext, state: string, why: string | undefined): Promise<void> {
  const trouble = why === undefined ? {} : { trouble: { why, log: "" } };
  return write(work, { secrets: [] }, { state, ...trouble }, {});
}

const STOPPED = {
  fenced: "another runner took over",
  moved: "the branch moved or is gone, and what a person did counts",
  "lease-lost": "the lease could not be renewed in time",
  shutdown: "the runner was stopped",
  held: "everything is held",
  "called-off": "the branch that handed it out called it off",
} as const;

/** Reasons that are nobody's fault: the lease is given back, and no attempt is used up. */
const GIVEN_BACK = new Set<string>(["shutdown", "held", "called-off"]);

/** A stopped run: its tree is saved; the lease is given back where that cannot hide an attempt. */
async function concludeStopped(work: AttemptContext, tree: AttemptTree | undefined): Promise<void> {
  const { ports, claim: held, stop } = work;
  const reason = stop.reason ?? "shutdown";
  const why = STOPPED[reason];
  const saved = tree && (await salvage(ports, held, tree, why));
  if (reason === "moved") await release(ports, held);
  if (GIVEN_BACK.has(reason)) await giveUp(work, why);
  if (tree) await ports.trees.release(tree);
  const { branch, state } = held.run.request;
  ports.report({ kind: "stopped", branch, state, why, salvage: saved });
}

/** The request may be run again at once, and no attempt is used up. */
function giveUp(work: AttemptContext, why: string): Promise<boolean> {
  const { ports, claim: held } = work;
  const used = held.lease.attempt - 1;
  const spent = usedBy(work, undefined);
  return commitBackoff(ports, held, { ms: 0, why, used, journal: undefined, salvage: undefined, spent });
}

interface Left {
  readonly tree?: AttemptTree | undefined;
  readonly sealed?: CollectedTree;
  readonly saved?: Saved | undefined;
}

async function write(
  work: AttemptContext,
  end: Pick<ScriptEnd, "secrets">,
  verdict: FinalState,
  left: Left,
): Promise<void> {
  const { ports, claim: held } = work;
  const { request } = held.run;
  const { tookMs } = runDetails(work, end.secrets);
  await markLaneUse(ports, held, usedBy(work, verdict.output));
  const { sealed, saved: salvage } = left;
  const reply = await buildResponse(work, verdict, { sealed, salvage, secrets: end.secrets });
  const done = await commitResponse(ports, held, reply);
  if (done.kind === "outdated") return writeOutdated(work, verdict.output, left.tree);
  if ((done.kind === "refused" && verdict.state !== "parked") || done.kind === "clash") {
    const why = done.kind === "clash" ? done.why : MESSAGES.refusedAnswer(done.why);
    const trouble = { why, log: "", salvage: done.salvage };
    return write(work, end, { state: "parked", trouble }, { tree: left.tree });
  }
  if (left.tree) await ports.trees.release(left.tree);
  const { branch, state } = request;
  if (done.kind === "blocked" || done.kind === "refused")
    return ports.report({ kind: "blocked", branch, why: done.why });
  if (done.kind === "overtaken") {
    return ports.report({ kind: "stopped", branch, state, why: done.why, salvage: done.salvage });
  }
  const why = verdict.trouble?.why;
  const told = { branch, state, next: verdict.state, commit: done.commit, tookMs };
  ports.report({ kind: "answered", ...told, ...(why === undefined ? {} : { why }) });
}

/** What was tested is not what would land: the same is tried again, on what is there now. */
async function writeOutdated(
  work: AttemptContext,
  output: Output | undefined,
  tree: AttemptTree | undefined,
): Promise<void> {
  const { ports, claim: held } = work;
  const { branch, state } = held.run.request;
  const why = MESSAGES.outdated();
  const spent = usedBy(work, output);
  const used = held.lease.attempt - 1;
  await commitBackoff(ports, held, { ms: 0, why, used, journal: undefined, salvage: undefined, spent });
  if (tree) await ports.trees.release(tree);
  ports.report({ kind: "resting", branch, state, why, ms: 0 });
}
