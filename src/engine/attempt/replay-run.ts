/**
 * Runs a past request again, for nobody but the one who asks.
 *
 * What must hold: the worktree, the script, the judgement and the response are those of an attempt;
 * no claim, no lane, no ref; the worktree is given back whatever happens.
 */
import { NO_AMOUNTS } from "../../core/util/amounts.ts";
import type { Run } from "../../core/scheduling/decide.ts";
import type { Sha } from "../../core/protocol/ids.ts";
import type { Outcome } from "../../core/outcome/outcome.ts";
import type { Request } from "../../core/protocol/request.ts";
import type { FinalState } from "../../core/outcome/response.ts";
import { NO_HISTORY_FACTS, type Head, type Snapshot } from "../../core/scheduling/snapshot.ts";
import type { Claim, StopSwitch } from "./lease-holder.ts";
import { scriptCallOf, runSetupAndScript } from "./execute.ts";
import type {
  TrustedConfig,
  RefListing,
  Ports,
  Script,
  ScriptEnd,
  CollectedTree,
  AttemptTree,
} from "../ports.ts";
import { buildResponse } from "./build-response.ts";
import { temper, validateResult } from "./validate-result.ts";
import { readContext, type AttemptContext } from "./context.ts";

export interface ReplayRequest {
  readonly ports: Ports;
  /** Branches are taken as they are today: nothing tells what they were like when it was run. */
  readonly listing: RefListing;
  readonly trustedConfig: TrustedConfig;
  readonly request: Request;
  readonly script: Script;
  readonly stop: StopSwitch;
  /** Is told of the worktree, so that nobody takes it for one of a run that has to be saved. */
  readonly onTreeOpened: (tree: AttemptTree) => void;
}

export interface ReplayResult {
  readonly outcome: Outcome;
  /** Undefined when there would be no answer yet. */
  readonly answer: { readonly state: string; readonly message: string; readonly tree: Sha } | undefined;
  readonly log: string;
}

/** Runs the script once. */
export async function replayRun(rehearsal: ReplayRequest): Promise<ReplayResult> {
  const {
    ports,
    trustedConfig: contract,
    listing: look,
    request,
    script,
    stop,
    onTreeOpened: opened,
  } = rehearsal;
  const none = { leases: new Map(), slots: new Map(), takeovers: new Map() };
  const view: Snapshot = {
    ...look,
    ...none,
    firstSightings: new Map(),
    runningAttempts: new Map(),
    facts: NO_HISTORY_FACTS,
  };
  const claim = standIn(rehearsal);
  const work = await readContext({
    ports,
    trustedConfig: contract,
    claim,
    stop,
    beside: () => undefined,
    script,
    view,
  });
  const tree = await ports.trees.open(claim.lease.run, request);
  try {
    opened(tree);
    const end = await runSetupAndScript(work, await scriptCallOf(work, script, tree));
    const sealed = end.exit.kind === "exited" ? await ports.trees.collect(tree) : undefined;
    const outcome = await validateResult(work, end, sealed);
    return { outcome, answer: await answerOf(work, outcome, end, sealed), log: end.log };
  } finally {
    await ports.trees.release(tree);
  }
}

/** What stands in the place of a claim: nothing was claimed, and nothing that writes is given it. */
function standIn({ ports: { machine }, trustedConfig: contract, request }: ReplayRequest): Claim {
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
  const entry = contract.workflow.states[state];
  const run: Run = { kind: "run", head, request, state: entry, attempt: 1, previousLease: undefined };
  const lease: Claim["lease"] = {
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
  };
  return { run, lease } as unknown as Claim;
}

async function answerOf(
  work: AttemptContext,
  outcome: Outcome,
  end: ScriptEnd,
  sealed: CollectedTree | string | undefined,
): Promise<ReplayResult["answer"]> {
  if (outcome.kind === "later" || outcome.kind === "stopped") return undefined;
  const { request, state } = work.claim.run;
  const left = typeof sealed === "object" && outcome.kind === "answer" ? sealed : undefined;
  const verdict: FinalState =
    outcome.kind === "answer" && left
      ? temper(work, outcome, left)
      : {
          state: state?.["on-failure"] ?? "failed",
          output: outcome.output,
          trouble: troubleOf(outcome, end),
        };
  const { secrets } = end;
  const { message } = await buildResponse(work, verdict, { sealed: left, salvage: undefined, secrets });
  // A failure leaves the files as they were.
  return { state: verdict.state, message, tree: left?.tree ?? request.commit };
}

const troubleOf = (outcome: Outcome, { log }: ScriptEnd): { why: string; log: string } => ({
  why: "why" in outcome ? outcome.why : "there was no tree to answer with",
  log,
});
