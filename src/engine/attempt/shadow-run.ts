/**
 * Runs the prompt of a state that also has a script, and keeps the response that it would have given.
 *
 * Invariants:
 * - It starts after the real response is written. Nothing that it does counts against the work.
 * - A ref holds its changes before its worktree is released.
 */
import { attemptNeeds } from "./attempt-needs.ts";
import { cleanLine, redact } from "../../core/util/redact.ts";
import { composeMessage } from "../../core/protocol/compose.ts";
import type { RunId } from "../../core/protocol/ids.ts";
import { HOLD, shadowRef } from "../../core/protocol/refs.ts";
import { KEY } from "../../core/protocol/trailer-keys.ts";
import type { Request } from "../../core/protocol/request.ts";
import { decideOutcome, describeEnd, type LegalAnswers, type Outcome } from "../../core/outcome/outcome.ts";
import { readOutput } from "../../core/outcome/output.ts";
import type { AttemptTree } from "../attempt-trees.ts";
import type { Script, ScriptEnd } from "../ports.ts";
import type { ClaimedAttempt } from "./context.ts";

/** Runs a script for the request once more; `legal` holds the states that may follow. */
type RunScript = (
  script: Script,
  tree: AttemptTree,
  run: RunId,
) => Promise<{ legal: LegalAnswers; end: ScriptEnd }>;

/** Never rejects. */
export async function runShadow(attempt: ClaimedAttempt, runScript: RunScript): Promise<void> {
  const { ports, trustedConfig } = attempt.services;
  const { state, branch } = attempt.run.request;
  try {
    const prompt = await trustedConfig.prompt(state);
    if (prompt && !(await isUnwanted(attempt))) await recordShadow(attempt, prompt, runScript);
  } catch (error) {
    const what = `the shadow of ${state}: ${error instanceof Error ? error.message : String(error)}`;
    ports.report({ kind: "fault", branch, what, next: undefined });
  }
}

/** True during a hold, and when the script gave no response to compare with. */
async function isUnwanted({ claim, run, services }: ClaimedAttempt): Promise<boolean> {
  const { repository } = services.ports;
  const hold = (await repository.read([HOLD])).get(HOLD);
  const current = await repository.readLease(claim.ref);
  return Boolean(hold) || current?.lease?.request === run.request.commit;
}

async function recordShadow(
  { lease, run, services }: ClaimedAttempt,
  prompt: Script,
  runScript: RunScript,
): Promise<void> {
  const { machine, repository, trees } = services.ports;
  const { request } = run;
  const shadowRun = machine.newRun();
  const tree = await trees.open(shadowRun, request, attemptNeeds(services.trustedConfig, request.state));
  try {
    const { legal, end } = await runScript(prompt, tree, shadowRun);
    const outcome = decideOutcome(legal, end.exit, readOutput(end.outputFile));
    const message = shadowMessage(request, shadowRun, end, outcome);
    const next = (await trees.save(tree, message)) ?? (await repository.note(message));
    const ref = shadowRef(request.branch, lease.run);
    const swap = await repository.swap([{ ref, expected: null, next }], "shadow");
    if (swap.kind !== "landed") await repository.keepLocally(ref, next);
  } finally {
    await trees.release(tree);
  }
}

function shadowMessage(
  { branch, commit, state }: Request,
  run: RunId,
  { exit, secrets }: ScriptEnd,
  outcome: Outcome,
): string {
  const { cost, tokens, model, summary } = ("output" in outcome ? outcome.output : undefined) ?? {};
  const trailer = (key: string, value: string | undefined) =>
    value === undefined ? [] : [{ key, value: cleanLine(redact(value, secrets), 500) || "-" }];
  const why = outcome.kind === "answer" ? "" : `It would not have answered: ${outcome.why}.`;
  return composeMessage({
    header: `shadow: ${state} on ${branch}, as its prompt would answer`,
    body: redact([why, summary ?? ""].join("\n\n"), secrets),
    trailers: [
      { key: KEY.branch, value: branch },
      { key: KEY.request, value: commit },
      { key: KEY.run, value: run },
      ...trailer(KEY.wouldAnswer, outcome.kind === "answer" ? outcome.state : "-"),
      ...trailer(KEY.ended, describeEnd(exit)),
      ...trailer(KEY.cost, cost === undefined ? undefined : `${cost} USD`),
      ...trailer(KEY.tokens, tokens === undefined ? undefined : String(tokens)),
      ...trailer(KEY.model, model),
    ],
  });
}
