/** `trailhand graph`: the workflow as a drawing. */
import { edgesOf, formatDrawing, formatMermaid, startsOf } from "../../core/workflow/graph.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import { openWorkspace, requireTrustedConfig } from "../../app/open-workspace.ts";
import type { CommandRun } from "../call.ts";
import { currentTime, requireHead, stateOf, listBranches } from "../../app/branch-listing.ts";
import { printJson } from "../render/terminal.ts";
import { listCheckouts } from "../../git/checkouts.ts";

export const run: CommandRun = async ({ input, terminal, env }) => {
  const site = await openWorkspace(input.directory, env, { remote: input.value("remote") });
  const { snapshot, trustedConfig } = await listBranches(site, currentTime());
  const { workflow } = await requireTrustedConfig(site, snapshot.target, snapshot.heads);
  const name = input.arguments[0] ?? listCheckouts(site.location)[0]?.branch;
  const position =
    name === undefined ? undefined : stateOf(snapshot, requireHead(site, snapshot.heads, name));
  if (input.has("json")) {
    const states = Object.fromEntries(
      Object.entries(workflow.states).map(([key, state]) => [key, { human: state.human }]),
    );
    printJson(terminal, {
      open: workflow.open,
      start: startsOf(workflow),
      states,
      edges: edgesOf(workflow),
      position: position ?? null,
    });
  } else if (input.has("mermaid")) {
    terminal.print(formatMermaid(workflow, position));
  } else {
    terminal.print(formatDrawing(workflow, position));
    if (trustedConfig.workflow.open)
      terminal.say("There is no states/workflow.yml: every executable is a state, and any may follow.");
    if (position !== undefined) terminal.say(`${name} is at ${position}`);
  }
  return EXIT_CODE.done;
};
