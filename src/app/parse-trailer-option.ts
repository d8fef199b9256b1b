/** Reads the trailers of a person's request, and rejects those that a runner could not read. */
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

/** Checks of the values of keys that the runner reads. */
const CHECKS: readonly (readonly [key: string, check: ValueCheck])[] = [
  [KEY.budget, (value) => (parseAmounts(value) ? undefined : MESSAGES.badBudget(value))],
  [KEY.dependsOn, (value) => (parseDependency(value) ? undefined : MESSAGES.badDependency(value, FORMS))],
  [KEY.notBefore, (value) => (parseTime(value) === undefined ? MESSAGES.badInstant(value) : undefined)],
];

/** Reads `Key: value`. Throws a UserError for an invalid trailer, a reserved key or an invalid value. */
export function parseTrailerOption(text: string): Trailer {
  const at = separatorAt(text, 0);
  if (at < 1)
    throw new UserError(text.includes(":") ? MESSAGES.badTrailerKey(text) : MESSAGES.noTrailer(text));
  const key = text.slice(0, at).trim();
  if (isReserved(key)) throw new UserError(MESSAGES.reservedKey(key));
  const value = text.slice(at + 1).trim();
  const problem = CHECKS.find(([checked]) => isSameKey(checked, key))?.[1](value);
  if (problem) throw new UserError(problem);
  return { key, value };
}

/** Throws a UserError with the cycle that `Depends-On` among these trailers would close. */
export async function requireNoCycle(
  workspace: Workspace,
  branch: Branch,
  trailers: readonly Trailer[],
): Promise<void> {
  const dependencies = valuesOf(trailers, KEY.dependsOn);
  if (dependencies.length === 0) return;
  const { snapshot, trustedConfig, now } = await listBranches(workspace, currentTime());
  const cycle = cycleWith(branch, dependencies, conditionContext(snapshot, trustedConfig.workflow, now));
  if (cycle) throw new UserError(MESSAGES.dependencyCycle(cycle));
}
