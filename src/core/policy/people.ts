/**
 * Who a workflow means by a role or an address.
 *
 * What must hold: pure; addresses are compared as mail does in practice, without regard to case, and
 * those of GitHub accounts by their number, because a name can be given up and taken by another; an
 * empty list of approvers means anybody, an empty `by` nobody.
 */
import { accountOf } from "./push-identity.ts";
import type { Workflow } from "../workflow/workflow.ts";

/** True when an address is one of those that roles and addresses name; an empty list names everybody. */
export function isAllowed(workflow: Workflow, names: readonly string[], address: string): boolean {
  return names.length === 0 || isNamed(workflow, names, address);
}

/** True when an address is one of those that roles and addresses name. */
export function isNamed(workflow: Workflow, names: readonly string[], address: string): boolean {
  return names.some((name) => {
    const role = Object.hasOwn(workflow.people, name) ? workflow.people[name] : undefined;
    return (role ?? [name]).some((one) => isSamePerson(one, address));
  });
}

/** True when two addresses are of the same person. */
export function isSamePerson(one: string, other: string): boolean {
  const account = accountOf(one);
  if (account !== undefined) return account === accountOf(other);
  return one.toLowerCase() === other.toLowerCase();
}
