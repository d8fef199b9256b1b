/**
 * Runs the prompt of a state that has a script too, and keeps what it would have answered.
 *
 * What must hold: the answer is written by then, and nothing that a shadow does can change or delay
 * it for others; what it left is on a ref of its own before its worktree is given back.
 */
import { composeMessage } from "../core/compose.ts";
import { describeEnd } from "../core/outcome.ts";
import { readOutput } from "../core/output.ts";
import { SHADOW } from "../core/lease.ts";
import type { Ref } from "../core/ids.ts";
import type { Script, ScriptCall, Tree } from "./ports.ts";
import type { Work } from "./work.ts";

type MakeCall = (script: Script, tree: Tree) => Promise<ScriptCall>;

export async function runShadow(work: Work, script: Script, makeCall: MakeCall): Promise<void> {
  const { ports, claim, contract, stop } = work;
  const { request, state } = claim.run;
  if (!state?.shadow || script.prompt || stop.reason !== undefined) return;
  const prompt = await contract.prompt(request.state);
  if (!prompt) return;
  const run = ports.machine.newRun();
  const tree = await ports.trees.open(run, request);
  try {
    const end = await ports.scripts.run({ ...(await makeCall(prompt, tree)), run }, stop.done);
    const reading = readOutput(end.output);
    const said = "output" in reading ? reading.output : undefined;
    const message = composeMessage({
      header: `shadow: ${request.state} on ${request.branch}, as its prompt would answer`,
      body: said?.summary ?? "",
      trailers: [
        { key: "Branch", value: request.branch },
        { key: "Request", value: request.commit },
        { key: "Run", value: run },
        { key: "Would-Answer", value: said?.state ?? state.next[0] ?? "-" },
        { key: "Ended", value: describeEnd(end.exit) },
      ],
    });
    const next = (await ports.trees.save(tree, message)) ?? (await ports.repository.note(message));
    const ref = `${SHADOW}${request.branch}/${claim.lease.run}` as Ref;
    await ports.repository.swap([{ ref, expected: null, next }], "shadow");
  } finally {
    await ports.trees.close(tree);
  }
}
