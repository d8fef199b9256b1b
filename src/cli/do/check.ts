/** `trailhand check`: records how a check from outside ended, for the present head of a branch. */
import { suggest } from "../../core/util/suggest.ts";
import { EXIT_CODE, UserError, MESSAGES } from "../../core/messages/messages.ts";
import { openWorkspace } from "../../app/open-workspace.ts";
import type { CommandRun } from "../call.ts";
import { requireHead } from "../../app/branch-listing.ts";
import { FactLoader } from "../../engine/loop/fact-loader.ts";
import { printJson } from "../render/terminal.ts";
import { recordCheck } from "../../app/record-check.ts";

const CONCLUSIONS = [
  "success",
  "failure",
  "neutral",
  "cancelled",
  "skipped",
  "timed_out",
  "action_required",
] as const;

export const run: CommandRun = async ({ input, terminal, env }) => {
  const [name = "", conclusion = "", wanted] = input.arguments;
  if (!/^[\w./-]{1,100}$/.test(name)) throw new UserError(MESSAGES.badCheckName(name));
  if (!CONCLUSIONS.some((one) => one === conclusion)) {
    const near = suggest(conclusion, CONCLUSIONS);
    throw new UserError(MESSAGES.badConclusion(conclusion, near, CONCLUSIONS.join(", ")));
  }
  const site = await openWorkspace(input.directory, env, { remote: input.value("remote") });
  const look = await site.repository.listRefs();
  const head = requireHead(site, look.heads, wanted);
  const contract = await site.trustedConfig(look.target, look.heads);
  const { approvalStates: approved } = await new FactLoader(site.repository).load(look, contract);
  // What was approved is what is checked: an approval changes no file.
  const commit = approved.get(head.key)?.approvedCommit ?? head.commit;
  const checked = input.value("commit");
  if (checked !== undefined && checked !== commit && checked !== head.commit)
    throw new UserError(MESSAGES.checkedOldHead(head.branch, checked));
  await recordCheck(site, head, commit, name, conclusion);
  if (input.has("json")) printJson(terminal, { branch: head.branch, commit, name, conclusion });
  else terminal.print(`${name} is ${conclusion} at ${commit.slice(0, 10)} on ${head.branch}`);
  return EXIT_CODE.done;
};
