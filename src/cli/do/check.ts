/** `trailhand check`: records how a check from outside ended, for the present head of a branch. */
import { nearest } from "../../core/util/suggest.ts";
import { EXIT, Fault, words } from "../../core/messages/messages.ts";
import { openSite } from "../../app/open-workspace.ts";
import type { Run } from "../call.ts";
import { requireHead } from "../../app/branch-listing.ts";
import { Inquirer } from "../../engine/loop/fact-loader.ts";
import { printJson } from "../render/terminal.ts";
import { record } from "../../app/record-check.ts";

const CONCLUSIONS = [
  "success",
  "failure",
  "neutral",
  "cancelled",
  "skipped",
  "timed_out",
  "action_required",
] as const;

export const run: Run = async ({ input, terminal, env }) => {
  const [name = "", conclusion = "", wanted] = input.arguments;
  if (!/^[\w./-]{1,100}$/.test(name)) throw new Fault(words.badCheckName(name));
  if (!CONCLUSIONS.some((one) => one === conclusion)) {
    const near = nearest(conclusion, CONCLUSIONS);
    throw new Fault(words.badConclusion(conclusion, near, CONCLUSIONS.join(", ")));
  }
  const site = await openSite(input.directory, env, { remote: input.value("remote") });
  const look = await site.repository.look();
  const head = requireHead(site, look.heads, wanted);
  const contract = await site.contract(look.target, look.heads);
  const { approved } = await new Inquirer(site.repository).inquire(look, contract);
  // What was approved is what is checked: an approval changes no file.
  const commit = approved.get(head.key)?.approved ?? head.commit;
  const checked = input.value("commit");
  if (checked !== undefined && checked !== commit && checked !== head.commit)
    throw new Fault(words.checkedAnother(head.branch, checked));
  await record(site, head, commit, name, conclusion);
  if (input.has("json")) printJson(terminal, { branch: head.branch, commit, name, conclusion });
  else terminal.print(`${name} is ${conclusion} at ${commit.slice(0, 10)} on ${head.branch}`);
  return EXIT.done;
};
