/**
 * One attempt at a request: claim it, check its preconditions, run its script, write the result.
 *
 * Invariants:
 * - Nothing runs without a claim.
 * - A fault of the runner leaves the branch untouched and is reported.
 */
import { NO_AMOUNTS } from "../../core/util/amounts.ts";
import type { Run } from "../../core/scheduling/decide.ts";
import type { Snapshot } from "../../core/scheduling/snapshot.ts";
import { UserError } from "../../core/messages/messages.ts";
import { claim, releaseAfterFault, timeLeftMs, type Claim } from "./lease-holder.ts";
import { finalizeLimit, finalizeMissingScript, finalizeWithoutScript } from "./finalize.ts";
import { execute } from "./execute.ts";
import { commitBackoff } from "./commit-backoff.ts";
import { preconditionProblem } from "./preconditions.ts";
import type { Script } from "../ports.ts";
import type { AttemptServices, ClaimedAttempt } from "./context.ts";
import { readContext } from "./read-context.ts";

/** `ended`: the result is written. `lost`: another runner has the claim. `fault`: this runner failed. */
export type AttemptEnd = "ended" | "lost" | "fault";

/** Never rejects. */
export async function attempt(
  services: AttemptServices,
  run: Run,
  snapshot: Snapshot,
  ttlMs: number,
): Promise<AttemptEnd> {
  const { ports, trustedConfig } = services;
  const { branch } = run.head;
  let held: Claim | undefined;
  try {
    const script = await trustedConfig.script(run.request.state, run.request.role);
    held = await claim(ports, run, ttlMs);
    if (!held) {
      ports.report({ kind: "lost", branch, why: "another runner has it, or the branch moved" });
      return "lost";
    }
    if (timeLeftMs(ports, held) < 0) {
      await returnLateClaim(services, held);
      return "lost";
    }
    await workOn(services, held, script, snapshot);
    return "ended";
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    if (held) await releaseAfterFault(ports, held, what);
    const next = error instanceof UserError ? error.next : undefined;
    ports.report({ kind: "fault", branch, what, next });
    return "fault";
  }
}

/** Gives back a claim that took so long that another runner may take it over already. */
async function returnLateClaim({ ports }: AttemptServices, held: Claim): Promise<void> {
  const why = "its claim was too long on its way";
  await commitBackoff(ports, held, { ms: 0, why, attemptsUsed: held.lease.attempt - 1, spent: NO_AMOUNTS });
  ports.report({ kind: "lost", branch: held.run.head.branch, why });
}

async function workOn(
  services: AttemptServices,
  held: Claim,
  script: Script | undefined,
  snapshot: Snapshot,
): Promise<void> {
  const { run, lease } = held;
  const { branch, state } = run.request;
  services.ports.report({ kind: "claimed", branch, state, run: lease.run, attempt: lease.attempt });
  const context = await readContext(services, { run, lease, script }, snapshot);
  await answer({ ...context, claim: held });
}

/** Answers without a script where the answer is already decided; otherwise runs the script. */
async function answer(attempt: ClaimedAttempt): Promise<void> {
  const { run, script, services, work } = attempt;
  if (run.limit) return finalizeLimit(attempt, run.limit);
  if (run.knownAnswer) return finalizeWithoutScript(attempt, run.knownAnswer.state, run.knownAnswer.why);
  const problem = await preconditionProblem(services, run, work);
  if (problem !== undefined) return finalizeWithoutScript(attempt, "parked", problem);
  const { wait = [], next = [] } = run.state ?? {};
  const [onlyNext] = next;
  const isWait = wait.length > 0 && next.length === 1;
  if (!script && isWait && onlyNext !== undefined) return finalizeWithoutScript(attempt, onlyNext, undefined);
  return script ? execute(attempt, script) : finalizeMissingScript(attempt);
}
