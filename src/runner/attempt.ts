/**
 * One attempt: claim, worktree, script, conclusion.
 *
 * What must hold: a script runs only under a Claim; whatever it did is on a ref before its worktree
 * is given back; a fault of ours leaves the branch untouched and is told.
 */
import type { Run } from "../core/decide.ts";
import { formatLease } from "../core/lease.ts";
import { Fault } from "../core/words.ts";
import { claim, ending, keep, timeLeft, type Claim, type StopSwitch } from "./claim.ts";
import { attemptsOf, conclude, concludeLimit, type Work } from "./conclude.ts";
import { rest, salvage } from "./finish.ts";
import type { Contract, Ports, Script, Tree } from "./ports.ts";

/** How long a request rests after we could not run it, whatever the script. */
const FAULT_REST_MS = 30_000;
/** How much history a script is told. */
const TRAIL = 50;

/** `ended`: something was written, or needs not be; `lost`: the claim was not ours; `fault`: we failed. */
export type AttemptEnd = "ended" | "lost" | "fault";

/** Runs one decision to its end. Never rejects. */
export async function attempt(
  ports: Ports,
  contract: Contract,
  run: Run,
  stop: StopSwitch,
  ttlMs: number,
): Promise<AttemptEnd> {
  const { branch } = run.head;
  let held: Claim | undefined;
  try {
    const script = await contract.script(run.request.state, run.request.role);
    held = await claim(ports, run, ttlMs);
    if (!held) {
      ports.tell({ kind: "lost", branch, why: "another runner has it, or the branch moved" });
      return "lost";
    }
    const { attempt: number, run: id } = held.lease;
    if (timeLeft(ports, held) < 0) {
      const why = "its claim was too long on its way";
      await rest(ports, held, { ms: 0, why, used: number - 1, journal: undefined, salvage: undefined });
      ports.tell({ kind: "lost", branch, why });
      return "lost";
    }
    ports.tell({ kind: "claimed", branch, state: run.request.state, run: id, attempt: number });
    const { workflow, target, blob: workflowBlob } = contract;
    const startedAt = ports.clock.mono();
    const work: Work = { ports, target, workflow, workflowBlob, claim: held, stop, script, startedAt };
    if (run.limit) await concludeLimit(work, run.limit);
    else if (script) await execute(work, script);
    else await conclude(work);
    return "ended";
  } catch (error) {
    const fault = error instanceof Fault ? error : undefined;
    const what = error instanceof Error ? error.message : String(error);
    if (held) await giveBack(ports, held, what);
    ports.tell({ kind: "fault", branch, what, next: fault?.next });
    return "fault";
  }
}

async function execute(work: Work, script: Script): Promise<void> {
  const { ports, claim: held, stop } = work;
  const { request, head, state } = held.run;
  const previous = held.lease.attempt > 1 || held.run.over !== undefined;
  const saved = previous ? await ports.repository.salvaged(head.branch, request.commit) : [];
  const trail = await ports.repository.trail(request.commit, TRAIL);
  const tree = await ports.trees.open(held.lease.run, request);
  try {
    const call = {
      target: work.target,
      script,
      tree,
      request,
      trail,
      salvage: saved,
      previous: held.lease.attempt > 1 ? held.run.over?.lease?.rest?.why : undefined,
      run: held.lease.run,
      attempt: held.lease.attempt,
      attempts: attemptsOf(held),
      timeoutMs: state?.timeout ?? 1_800_000,
      env: state?.env ?? [],
    };
    const running = ports.scripts.run(call, stop.done);
    const [end] = await Promise.all([running, keep(ports, held, stop, running)]);
    await conclude(work, end, tree);
  } catch (error) {
    await saveAfterFault(ports, held, tree);
    throw error;
  }
}

/** When nothing can be saved, nothing is removed: the worktree stays, and the next sweep saves it. */
async function saveAfterFault(ports: Ports, held: Claim, tree: Tree): Promise<void> {
  try {
    await salvage(ports, held, tree, "the runner could not go on");
  } catch {
    return;
  }
  await ports.trees.close(tree);
}

/** We could not run it: the request rests, and no attempt is used up. */
async function giveBack(ports: Ports, held: Claim, why: string): Promise<void> {
  const lease = { ...held.lease, attempt: held.lease.attempt - 1, nonce: ports.machine.newNonce() };
  try {
    const now = await ports.repository.readLease(held.ref);
    // A fault after the end of the run, such as a worktree that cannot be removed, gives nothing back.
    if (now?.lease?.run !== held.lease.run || now.lease.rest) return;
    held.value = now.value;
    const resting = { ...lease, rest: { ms: FAULT_REST_MS, why: why.split("\n")[0] || "a fault" } };
    const next = await ports.repository.note(formatLease(resting));
    await ports.repository.swap(ending(held, next), "give back");
  } catch {
    // The disk may be full. Then the lease stands until this process is gone, and is taken over.
  }
}
