/** Checks whether the people that the workflow names can be identified by its kind of proof. */
import { accountOf } from "../core/policy/push-identity.ts";
import { MESSAGES } from "../core/messages/messages.ts";
import { singles } from "../core/workflow/wait.ts";
import type { Workflow } from "../core/workflow/workflow.ts";
import { cleanLine } from "../core/util/redact.ts";
import type { Finding } from "./finding.ts";

const EDIT = "edit states/workflow.yml; an account's number is at https://api.github.com/users/<login>";

/** `canAsk` says whether this machine can ask GitHub who pushed. */
export function identityFindings(workflow: Workflow, canAsk: boolean): Finding[] {
  if (workflow.proof !== "pusher") return unusedSettings(workflow);
  const { what, next } = MESSAGES.cannotAskPusher("run");
  const noToken: Finding[] = canAsk
    ? []
    : [{ about: "proof", level: "odd", what, ...(next ? { next } : {}) }];
  return [...noToken, ...addressesWithoutAccount(workflow).map(unprovable)];
}

/** Settings that only `proof: pusher` reads. */
function unusedSettings(workflow: Workflow): Finding[] {
  if (workflow["on-behalf"].length === 0) return [];
  const what = `\`on-behalf\` has no effect with \`proof: ${workflow.proof}\``;
  return [{ about: "proof", level: "odd", what, next: "set `proof: pusher` in states/workflow.yml" }];
}

function addressesWithoutAccount({ people, states }: Workflow): string[] {
  const approvers = Object.values(states).flatMap(({ by = [], wait }) => [
    ...by,
    ...wait.flatMap(singles).flatMap((predicate) => (predicate.kind === "approvals" ? predicate.by : [])),
  ]);
  const addresses = [...Object.values(people).flat(), ...approvers].filter((name) => name.includes("@"));
  return [...new Set(addresses)].filter((address) => accountOf(address) === undefined);
}

const unprovable = (address: string): Finding => ({
  about: "proof",
  level: "odd",
  what: `${cleanLine(address, 80)} cannot be proven by \`proof: pusher\`: write 123+login@users.noreply.github.com, with the number of the account`,
  next: EDIT,
});
