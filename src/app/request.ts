/** Checks that a person may ask for a state. */
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import { parseStateName } from "../core/protocol/ids.ts";
import { suggest } from "../core/util/suggest.ts";
import { type State, isTerminal, isReservedState } from "../core/workflow/workflow.ts";
import type { ReadTrustedConfig } from "../git/contract.ts";

/**
 * A state that the workflow declares, or an end where a person is at a state that it may follow.
 * Throws a Fault that names the nearest.
 */

export function requireState(
  contract: ReadTrustedConfig,
  target: string,
  name: string,
  at: State | undefined,
): string {
  if (!parseStateName(name)) throw new UserError(MESSAGES.badStateName(name));
  if (isTerminal(name) && at?.human && at.next.includes(name)) return name;
  if (isReservedState(name)) throw new UserError(MESSAGES.reservedState(name));
  if (!contract.any) throw new UserError(MESSAGES.noStates(target));
  const known = Object.keys(contract.workflow.states);
  if (known.includes(name) || contract.problems.length > 0) return name;
  throw new UserError(MESSAGES.unknownState(name, suggest(name, known), known.join(", ")));
}
