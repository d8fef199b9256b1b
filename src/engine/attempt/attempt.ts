/**
 * One attempt: claim, what stands against it, script, conclusion.
 *
 * What must hold: nothing runs but under a Claim; a fault of ours leaves the branch untouched and is
 * told.
 */
import type { Run } from "../../core/scheduling/decide.ts";
import type { Snapshot } from "../../core/scheduling/snapshot.ts";
import { formatLease } from "../../core/protocol/lease.ts";
import { UserError } from "../../core/messages/messages.ts";
import { claim, leaseUpdates, timeLeft, type Claim, type StopSwitch } from "./lease-holder.ts";
import { finalize, finalizeLimit, finalizeUnrun } from "./finalize.ts";
import { execute } from "./execute.ts";
import { commitBackoff } from "./commit-result.ts";
import { preconditionProblem } from "./preconditions.ts";
import type { TrustedConfig, Ports } from "../ports.ts";
import { readContext, type BackgroundTask, type AttemptContext } from "./context.ts";
import { BACKOFF } from "../timing.ts";

/** `ended`: something was written, or needs not be; `lost`: the claim was not ours; `fault`: we failed. */
export type AttemptEnd = "ended" | "lost" | "fault";

/** Runs one decision to its end. Never rejects. */
export async function attempt(
  ports: Ports,
  contract: TrustedConfig,
  run: Run,
  view: Snapshot,
  stop: StopSwitch,
  ttlMs: number,
  beside: BackgroundTask,
): Promise<AttemptEnd> {
  const { branch } = run.head;
  let held: Claim | undefined;
  try {
    const script = await contract.script(run.request.state, run.request.role);
    held = await claim(ports, run, ttlMs);
    if (!held) {
      ports.report({ kind: "lost", branch, why: "another runner has it, or the branch moved" });
      return "lost";
    }
    const { attempt: number, run: id } = held.lease;
    if (timeLeft(ports, held) < 0) {
      const why = "its claim was too long on its way";
      const used = number - 1;
      await commitBackoff(ports, held, {
        ms: 0,
        why,
        used,
        journal: undefined,
        salvage: undefined,
        spent: {},
      });
      ports.report({ kind: "lost", branch, why });
      return "lost";
    }
    ports.report({ kind: "claimed", branch, state: run.request.state, run: id, attempt: number });
    await work(
      await readContext({ ports, trustedConfig: contract, claim: held, view, stop, beside, script }),
    );
    return "ended";
  } catch (error) {
    const fault = error instanceof UserError ? error : undefined;
    const what = error instanceof Error ? error.message : String(error);
    if (held) await giveBack(ports, held, what);
    ports.report({ kind: "fault", branch, what, next: fault?.next });
    return "fault";
  }
}

/** Answers without a script where there is reason to, else runs it. */
async function work(one: AttemptContext): Promise<void> {
  const { run } = one.claim;
  if (run.limit) return finalizeLimit(one, run.limit);
  if (run.knownAnswer) return finalizeUnrun(one, run.knownAnswer.state, run.knownAnswer.why);
  const why = await preconditionProblem(one);
  if (why !== undefined) return finalizeUnrun(one, "parked", why);
  const { wait = [], next = [] } = run.state ?? {};
  const [only] = next;
  const isWait = wait.length > 0 && next.length === 1;
  if (!one.script && isWait && only !== undefined) return finalizeUnrun(one, only, undefined);
  return one.script ? execute(one, one.script) : finalize(one);
}

/** We could not run it: the request rests, and no attempt is used up. */
async function giveBack(ports: Ports, held: Claim, why: string): Promise<void> {
  const lease = { ...held.lease, attempt: held.lease.attempt - 1, nonce: ports.machine.newNonce() };
  try {
    const now = await ports.repository.readLease(held.ref);
    // A fault after the end of the run, such as a worktree that cannot be removed, gives nothing back.
    if (now?.lease?.run !== held.lease.run || now.lease.backoff) return;
    held.value = now.value;
    const resting = { ...lease, backoff: { ms: BACKOFF.faultMs, why: why.split("\n")[0] || "a fault" } };
    const next = await ports.repository.note(formatLease(resting));
    await ports.repository.swap(leaseUpdates(held, next), "give back");
  } catch {
    // The disk may be full. Then the lease stands until this process is gone, and is taken over.
  }
}
