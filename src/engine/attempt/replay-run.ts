/**
 * Runs a past request again, for nobody but the one who asks.
 *
 * What must hold: the worktree, the script, the judgement and the response are those of an attempt;
 * no claim, no lane, no ref; the worktree is given back whatever happens.
 */
import { NOTHING } from "../../core/util/amounts.ts";
import type { Run } from "../../core/scheduling/decide.ts";
import type { Sha } from "../../core/protocol/ids.ts";
import type { Outcome } from "../../core/outcome/outcome.ts";
import type { Request } from "../../core/protocol/request.ts";
import type { Verdict } from "../../core/outcome/response.ts";
import { NO_FACTS, type Head, type View } from "../../core/scheduling/snapshot.ts";
import type { Claim, StopSwitch } from "./lease-holder.ts";
import { callOf, runReady } from "./execute.ts";
import type { Contract, Look, Ports, Script, ScriptEnd, Sealed, Tree } from "../ports.ts";
import { makeReply } from "./build-response.ts";
import { temper, weigh } from "./validate-result.ts";
import { readWork, type Work } from "./context.ts";

export interface Rehearsal {
  readonly ports: Ports;
  /** Branches are taken as they are today: nothing tells what they were like when it was run. */
  readonly look: Look;
  readonly contract: Contract;
  readonly request: Request;
  readonly script: Script;
  readonly stop: StopSwitch;
  /** Is told of the worktree, so that nobody takes it for one of a run that has to be saved. */
  readonly opened: (tree: Tree) => void;
}

export interface Rehearsed {
  readonly outcome: Outcome;
  /** Undefined when there would be no answer yet. */
  readonly answer: { readonly state: string; readonly message: string; readonly tree: Sha } | undefined;
  readonly log: string;
}

/** Runs the script once. */
export async function rehearse(rehearsal: Rehearsal): Promise<Rehearsed> {
  const { ports, contract, look, request, script, stop, opened } = rehearsal;
  const none = { leases: new Map(), slots: new Map(), takenOver: new Map() };
  const view: View = { ...look, ...none, sightings: new Map(), going: new Map(), facts: NO_FACTS };
  const claim = standIn(rehearsal);
  const work = await readWork({ ports, contract, claim, stop, beside: () => undefined, script, view });
  const tree = await ports.trees.open(claim.lease.run, request);
  try {
    opened(tree);
    const end = await runReady(work, await callOf(work, script, tree));
    const sealed = end.exit.kind === "exited" ? await ports.trees.seal(tree) : undefined;
    const outcome = await weigh(work, end, sealed);
    return { outcome, answer: await answerOf(work, outcome, end, sealed), log: end.log };
  } finally {
    await ports.trees.close(tree);
  }
}

/** What stands in the place of a claim: nothing was claimed, and nothing that writes is given it. */
function standIn({ ports: { machine }, contract, request }: Rehearsal): Claim {
  const { branch, commit, committed, message, state } = request;
  const head: Head = {
    branch,
    commit,
    committed,
    key: "",
    parents: [],
    message: message.header,
    asked: request,
  };
  const entry = contract.workflow.states[state];
  const run: Run = { kind: "run", head, request, state: entry, attempt: 1, over: undefined };
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
    spent: NOTHING,
  };
  return { run, lease } as unknown as Claim;
}

async function answerOf(
  work: Work,
  outcome: Outcome,
  end: ScriptEnd,
  sealed: Sealed | string | undefined,
): Promise<Rehearsed["answer"]> {
  if (outcome.kind === "later" || outcome.kind === "stopped") return undefined;
  const { request, state } = work.claim.run;
  const left = typeof sealed === "object" && outcome.kind === "answer" ? sealed : undefined;
  const verdict: Verdict =
    outcome.kind === "answer" && left
      ? temper(work, outcome, left)
      : {
          state: state?.["on-failure"] ?? "failed",
          output: outcome.output,
          trouble: troubleOf(outcome, end),
        };
  const { secrets } = end;
  const { message } = await makeReply(work, verdict, { sealed: left, salvage: undefined, secrets });
  // A failure leaves the files as they were.
  return { state: verdict.state, message, tree: left?.tree ?? request.commit };
}

const troubleOf = (outcome: Outcome, { log }: ScriptEnd): { why: string; log: string } => ({
  why: "why" in outcome ? outcome.why : "there was no tree to answer with",
  log,
});
