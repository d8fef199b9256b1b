/**
 * Who a workflow means by a role or an address.
 *
 * What must hold: pure; addresses are compared as mail does in practice, without regard to case; an
 * empty list of approvers means anybody, an empty `by` nobody.
 */
import type { Workflow } from "./workflow.ts";

/** True when an address is one of those that roles and addresses name; an empty list names everybody. */
export function isWelcome(workflow: Workflow, names: readonly string[], address: string): boolean {
  return names.length === 0 || isNamed(workflow, names, address);
}

/** True when an address is one of those that roles and addresses name. */
export function isNamed(workflow: Workflow, names: readonly string[], address: string): boolean {
  const wanted = address.toLowerCase();
  return names.some((name) => {
    const role = Object.hasOwn(workflow.people, name) ? workflow.people[name] : undefined;
    return (role ?? [name]).some((one) => one.toLowerCase() === wanted);
  });
}
