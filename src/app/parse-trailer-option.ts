/**
 * Reads the trailers that a person gives a request.
 *
 * What must hold: what the runner could not read later is refused now, while its author is there;
 * nobody writes a request that would wait for itself.
 */
import { parseAmounts } from "../core/util/amounts.ts";
import { isReserved, isSameKey, KEY } from "../core/protocol/trailer-keys.ts";
import type { Branch } from "../core/protocol/ids.ts";
import { parseTime } from "../core/util/time.ts";
import { valuesOf } from "../core/protocol/message.ts";
import { separatorAt, type Trailer } from "../core/protocol/trailer-block.ts";
import { FORMS, parseDependency } from "../core/workflow/wait.ts";
import { cycleWith, conditionContext } from "../core/scheduling/waits.ts";
import { UserError, MESSAGES, type UserMessage } from "../core/messages/messages.ts";
import { currentTime, listBranches } from "./branch-listing.ts";
import type { Workspace } from "./workspace.ts";

type ValueCheck = (value: string) => UserMessage | undefined;

/** What is wrong with the value of a key that the runner reads. */
const CHECKS: readonly (readonly [key: string, check: ValueCheck])[] = [
  [KEY.budget, (value) => (parseAmounts(value) ? undefined : MESSAGES.badBudget(value))],
  [KEY.dependsOn, (value) => (parseDependency(value) ? undefined : MESSAGES.badDependency(value, FORMS))],
  [KEY.notBefore, (value) => (parseTime(value) === undefined ? MESSAGES.badInstant(value) : undefined)],
];

/** Reads `Key: value`. Throws a Fault when it is no trailer, one of ours, or has a value that means nothing. */
export function parseTrailerOption(text: string): Trailer {
  const at = separatorAt(text, 0);
  if (at < 1)
    throw new UserError(text.includes(":") ? MESSAGES.badTrailerKey(text) : MESSAGES.noTrailer(text));
  const key = text.slice(0, at).trim();
  if (isReserved(key)) throw new UserError(MESSAGES.reservedKey(key));
  const value = text.slice(at + 1).trim();
  const bad = CHECKS.find(([checked]) => isSameKey(checked, key))?.[1](value);
  if (bad) throw new UserError(bad);
  return { key, value };
}

/** Throws a Fault with the ring that `Depends-On` among these trailers would close. */
export async function requireNoCycle(
  workspace: Workspace,
  branch: Branch,
  trailers: readonly Trailer[],
): Promise<void> {
  const wanted = valuesOf(trailers, KEY.dependsOn);
  if (wanted.length === 0) return;
  const { snapshot, trustedConfig, now } = await listBranches(workspace, currentTime());
  const ring = cycleWith(branch, wanted, conditionContext(snapshot, trustedConfig.workflow, now));
  if (ring) throw new UserError(MESSAGES.dependencyCycle(ring));
}
