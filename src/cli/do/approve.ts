/**
 * `trailhand approve`: a person's commit on top of a request that waits for approvals.
 *
 * What must hold: it is written only when the runner would count it, by the runner's own reading;
 * where signatures prove who a person is, it is signed with the person's own key.
 */
import { EXIT_CODE } from "../../core/messages/messages.ts";
import { openWorkspace } from "../../app/open-workspace.ts";
import type { CommandRun } from "../call.ts";
import { currentTime, requireHead, listBranches } from "../../app/branch-listing.ts";
import { printJson } from "../render/terminal.ts";
import { approveHead } from "../../app/approve.ts";

export const run: CommandRun = async (call) => {
  const { input, terminal } = call;
  const site = await openWorkspace(input.directory, call.env, { remote: input.value("remote") });
  const found = await listBranches(site, currentTime());
  const head = requireHead(site, found.snapshot.heads, input.arguments[0]);
  const { branch } = head;
  const said = { messages: input.values("message"), trailers: [] };
  const { commit, approves, by, missing } = await approveHead(site, found, head, said);
  if (input.has("json")) printJson(terminal, { branch, commit, approves, by, missing });
  else {
    terminal.print(`${commit.slice(0, 10)} approves ${approves.slice(0, 10)} on ${branch}`);
    terminal.say(missing === 0 ? "next: trailhand run" : `${missing} more to go`);
  }
  return EXIT_CODE.done;
};
