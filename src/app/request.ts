/** Checks that a person may ask for a state. */
import { Fault, words } from "../core/messages/messages.ts";
import { parseStateName } from "../core/protocol/ids.ts";
import { nearest } from "../core/util/suggest.ts";
import { type State, isTerminal, isReservedState } from "../core/workflow/workflow.ts";
import type { ReadContract } from "../git/contract.ts";

/**
 * A state that the workflow declares, or an end where a person is at a state that it may follow.
 * Throws a Fault that names the nearest.
 */

export function requireState(
  contract: ReadContract,
  target: string,
  name: string,
  at: State | undefined,
): string {
  if (!parseStateName(name)) throw new Fault(words.badStateName(name));
  if (isTerminal(name) && at?.human && at.next.includes(name)) return name;
  if (isReservedState(name)) throw new Fault(words.reservedState(name));
  if (!contract.any) throw new Fault(words.noStates(target));
  const known = Object.keys(contract.workflow.states);
  if (known.includes(name) || contract.problems.length > 0) return name;
  throw new Fault(words.unknownState(name, nearest(name, known), known.join(", ")));
}
