/**
 * Runs a past request again and shows the response that it would get now.
 *
 * Invariants:
 * - Worktree, script, validation and response are those of a real attempt.
 * - It takes no claim and no lane slot, and moves no ref. The worktree is always released.
 */
import { attemptNeeds } from "./attempt-needs.ts";
import { MESSAGES } from "../../core/messages/messages.ts";
import { NO_AMOUNTS } from "../../core/util/amounts.ts";
import type { Run } from "../../core/scheduling/decide.ts";
import type { Sha } from "../../core/protocol/ids.ts";
import type { Lease } from "../../core/protocol/lease.ts";
import type { Outcome } from "../../core/outcome/outcome.ts";
import type { Request } from "../../core/protocol/request.ts";
import type { ResponseContent } from "../../core/outcome/response.ts";
import { NO_HISTORY_FACTS, type Head } from "../../core/scheduling/snapshot.ts";
import { Observer } from "../observer.ts";
import { scriptCallOf, runSetupAndScript } from "./execute.ts";
import type { AttemptTree, CollectedTree } from "../attempt-trees.ts";
import type { Machine, Ports, RefListing, Script, ScriptEnd, TrustedConfig } from "../ports.ts";
import { buildResponse } from "./build-response.ts";
import { applyLimits, validateResult } from "./validate-result.ts";
import type { AttemptContext, AttemptIdentity } from "./context.ts";
import { readContext } from "./read-context.ts";
import type { StopSwitch } from "./stop-switch.ts";

export interface ReplayRequest {
  readonly ports: Ports;
  /** The refs as they are now; nothing records how they were during the past run. */
  readonly listing: RefListing;
  readonly trustedConfig: TrustedConfig;
  readonly request: Request;
  readonly script: Script;
  readonly stop: StopSwitch;
  /** Called with the worktree, so that a sweep does not save it as that of a lost run. */
  readonly onTreeOpened: (tree: AttemptTree) => void;
}

export interface ReplayResult {
  readonly outcome: Outcome;
  /** Undefined when the request would not be answered yet. */
  readonly answer: { readonly state: string; readonly message: string; readonly tree: Sha } | undefined;
  readonly log: string;
}

export async function replayRun(replay: ReplayRequest): Promise<ReplayResult> {
  const { ports, listing, trustedConfig, request, script, stop } = replay;
  const services = { ports, trustedConfig, stop, background: { add: () => undefined } };
  const unleased = { ...listing, leases: new Map(), slots: new Map() };
  const snapshot = new Observer(ports).observe(unleased, new Map(), new Map(), NO_HISTORY_FACTS);
  const attempt = await readContext(services, identityOf(replay), snapshot);
  const tree = await ports.trees.open(attempt.lease.run, request, attemptNeeds(trustedConfig, request.state));
  try {
    replay.onTreeOpened(tree);
    const end = await runSetupAndScript(services, await scriptCallOf(attempt, script, tree));
    const collected = end.exit.kind === "exited" ? await ports.trees.collect(tree) : undefined;
    const outcome = await validateResult(attempt, end, collected, (commit) => ports.trees.take(tree, commit));
    return { outcome, answer: await answerOf(attempt, outcome, end, collected), log: end.log };
  } finally {
    await ports.trees.release(tree);
  }
}

/** A first attempt at the request with a lease that no ref holds. */
function identityOf({ ports, trustedConfig, request, script }: ReplayRequest): AttemptIdentity {
  const { branch, commit, committed, message, state } = request;
  const head: Head = {
    branch,
    commit,
    committed,
    key: "",
    parents: [],
    message: message.header,
    reading: request,
  };
  const run: Run = {
    kind: "run",
    head,
    request,
    state: trustedConfig.workflow.states[state],
    attempt: 1,
    previousLease: undefined,
  };
  return { run, lease: unwrittenLease(ports.machine, request), script };
}

const unwrittenLease = (
  machine: Pick<Machine, "newNonce" | "newRun" | "runner">,
  { branch, commit }: Request,
): Lease => ({
  branch,
  request: commit,
  run: machine.newRun(),
  runner: machine.runner,
  attempt: 1,
  ttlMs: 0,
  nonce: machine.newNonce(),
  lanes: [],
  slots: [],
  spent: NO_AMOUNTS,
});

async function answerOf(
  attempt: AttemptContext,
  outcome: Outcome,
  end: ScriptEnd,
  collected: CollectedTree | string | undefined,
): Promise<ReplayResult["answer"]> {
  if (outcome.kind === "later" || outcome.kind === "stopped") return undefined;
  const { request, state } = attempt.run;
  const result = typeof collected === "object" && outcome.kind === "answer" ? collected : undefined;
  const content: ResponseContent =
    outcome.kind === "answer" && result
      ? applyLimits(attempt, outcome, result)
      : {
          state: state?.["on-failure"] ?? "failed",
          output: outcome.output,
          trouble: troubleOf(outcome, end),
        };
  const { secrets } = end;
  const { message } = await buildResponse(attempt, content, { collected: result, saved: undefined, secrets });
  // A failure keeps the files of the request.
  return { state: content.state, message, tree: result?.tree ?? request.commit };
}

const troubleOf = (outcome: Outcome, { log }: ScriptEnd): { why: string; log: string } => ({
  why: "why" in outcome ? outcome.why : MESSAGES.noFilesLeft(),
  log,
});
