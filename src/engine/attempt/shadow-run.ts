/**
 * Runs the prompt of a state that has a script too, and keeps what it would have answered.
 *
 * What must hold: the answer is written by then, the branch is free to go on, and nothing that a
 * shadow does, a fault of ours included, can change the answer or count against the work; what it
 * left is on a ref of its own before its worktree is given back.
 */
import { cleanLine, redact } from "../../core/util/redact.ts";
import { composeMessage } from "../../core/protocol/compose.ts";
import type { RunId } from "../../core/protocol/ids.ts";
import { HOLD, shadowRef } from "../../core/protocol/refs.ts";
import { decideOutcome, describeEnd, type LegalAnswers, type Outcome } from "../../core/outcome/outcome.ts";
import { readOutput } from "../../core/outcome/output.ts";
import type { Script, ScriptEnd, AttemptTree } from "../ports.ts";
import type { AttemptContext } from "./context.ts";
import { KEY } from "../../core/protocol/trailer-keys.ts";

/** Runs a script for the request once more; `legal` are the states that may follow. */
type Play = (
  script: Script,
  tree: AttemptTree,
  run: RunId,
) => Promise<{ legal: LegalAnswers; end: ScriptEnd }>;

/** Never rejects. */
export async function runShadow(work: AttemptContext, play: Play): Promise<void> {
  const { ports, claim, trustedConfig } = work;
  const { request } = claim.run;
  try {
    const prompt = await trustedConfig.prompt(request.state);
    if (prompt && !(await isUnwanted(work))) await cast(work, prompt, play);
  } catch (error) {
    const what = `the shadow of ${request.state}: ${error instanceof Error ? error.message : String(error)}`;
    ports.report({ kind: "fault", branch: request.branch, what, next: undefined });
  }
}

/** Where the script gave no answer yet, there is nothing to compare with; a hold stops shadows, too. */
async function isUnwanted({ ports, claim }: AttemptContext): Promise<boolean> {
  const held = (await ports.repository.read([HOLD])).get(HOLD);
  const lease = await ports.repository.readLease(claim.ref);
  return Boolean(held) || lease?.lease?.request === claim.run.request.commit;
}

async function cast(work: AttemptContext, prompt: Script, play: Play): Promise<void> {
  const { ports, claim } = work;
  const { request } = claim.run;
  const run = ports.machine.newRun();
  const tree = await ports.trees.open(run, request);
  try {
    const { legal, end } = await play(prompt, tree, run);
    const outcome = decideOutcome(legal, end.exit, readOutput(end.output));
    const message = describe(work, run, end, outcome);
    const next = (await ports.trees.save(tree, message)) ?? (await ports.repository.note(message));
    const ref = shadowRef(request.branch, claim.lease.run);
    const swap = await ports.repository.swap([{ ref, expected: null, next }], "shadow");
    if (swap.kind !== "landed") await ports.repository.keepLocally(ref, next);
  } finally {
    await ports.trees.release(tree);
  }
}

function describe(
  { claim }: AttemptContext,
  run: RunId,
  { exit, secrets }: ScriptEnd,
  outcome: Outcome,
): string {
  const { branch, commit, state } = claim.run.request;
  const { cost, tokens, model, summary } = ("output" in outcome ? outcome.output : undefined) ?? {};
  const line = (key: string, value: string | undefined) =>
    value === undefined ? [] : [{ key, value: cleanLine(redact(value, secrets), 500) || "-" }];
  const why = outcome.kind === "answer" ? "" : `It would not have answered: ${outcome.why}.`;
  return composeMessage({
    header: `shadow: ${state} on ${branch}, as its prompt would answer`,
    body: redact([why, summary ?? ""].join("\n\n"), secrets),
    trailers: [
      { key: KEY.branch, value: branch },
      { key: KEY.request, value: commit },
      { key: KEY.run, value: run },
      ...line(KEY.wouldAnswer, outcome.kind === "answer" ? outcome.state : "-"),
      ...line(KEY.ended, describeEnd(exit)),
      ...line(KEY.cost, cost === undefined ? undefined : `${cost} USD`),
      ...line(KEY.tokens, tokens === undefined ? undefined : String(tokens)),
      ...line(KEY.model, model),
    ],
  });
}
