/**
 * What `trailhand doctor` says of who is believed to be whom: `proof`, and the people of the workflow.
 *
 * What must hold: (pure) it is silent where everybody who is named can be proven, and a runner that
 * works as this command does can ask.
 */
import { accountOf } from "../core/policy/push-identity.ts";
import { MESSAGES } from "../core/messages/messages.ts";
import { singles } from "../core/workflow/wait.ts";
import type { Workflow } from "../core/workflow/workflow.ts";
import type { Notice } from "./doctor-notices.ts";
import { printable } from "../cli/render/terminal.ts";

const EDIT = "edit states/workflow.yml; an account's number is at https://api.github.com/users/<login>";

/** `canAsk` tells whether GitHub can be asked here who pushed. */
export function identityNotices(workflow: Workflow, canAsk: boolean): Notice[] {
  if (workflow.proof !== "pusher") return idle(workflow);
  const { what, next } = MESSAGES.cannotAskPusher("run");
  const silent: Notice[] = canAsk ? [] : [{ about: "proof", level: "odd", what, ...(next ? { next } : {}) }];
  return [...silent, ...strangers(workflow).map((one) => unprovable(one))];
}

/** What only `proof: pusher` reads. */
function idle(workflow: Workflow): Notice[] {
  if (workflow["on-behalf"].length === 0) return [];
  const what = `\`on-behalf\` does nothing with \`proof: ${workflow.proof}\``;
  return [{ about: "proof", level: "odd", what, next: "say `proof: pusher` in states/workflow.yml" }];
}

/** The addresses that no account of GitHub has. */
function strangers({ people, states }: Workflow): string[] {
  const named = Object.values(states).flatMap(({ by = [], wait }) => [
    ...by,
    ...wait.flatMap(singles).flatMap((one) => (one.kind === "approvals" ? one.by : [])),
  ]);
  const addresses = [...Object.values(people).flat(), ...named].filter((one) => one.includes("@"));
  return [...new Set(addresses)].filter((one) => accountOf(one) === undefined);
}

const unprovable = (address: string): Notice => ({
  about: "proof",
  level: "odd",
  what: `${printable(address)} is nobody to \`proof: pusher\`: write 123+login@users.noreply.github.com, with the number of the account`,
  next: EDIT,
});
