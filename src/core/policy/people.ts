/**
 * Matches addresses with the roles and addresses that a workflow names.
 *
 * Invariants:
 * - Addresses are compared without regard to case.
 * - GitHub accounts are compared by number, because another person can take over a login.
 */
import { accountOf } from "./push-identity.ts";
import type { Workflow } from "../workflow/workflow.ts";

/** Like `isNamed`, but an empty list allows everyone. */
export function isAllowed(workflow: Workflow, names: readonly string[], address: string): boolean {
  return names.length === 0 || isNamed(workflow, names, address);
}

/** True if one of the roles or addresses names this address. An empty list names no one. */
export function isNamed(workflow: Workflow, names: readonly string[], address: string): boolean {
  return names.some((name) => {
    const role = Object.hasOwn(workflow.people, name) ? workflow.people[name] : undefined;
    return (role ?? [name]).some((member) => isSamePerson(member, address));
  });
}

export function isSamePerson(address: string, other: string): boolean {
  const account = accountOf(address);
  if (account !== undefined) return account === accountOf(other);
  return address.toLowerCase() === other.toLowerCase();
}
