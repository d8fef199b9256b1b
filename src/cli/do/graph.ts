/** `trailhand graph`: the workflow as a drawing. */
import { edgesOf, formatDrawing, formatMermaid, startsOf } from "../../core/workflow/graph.ts";
import { EXIT } from "../../core/messages/messages.ts";
import { openSite, usableContract } from "../../app/open-workspace.ts";
import type { Run } from "../call.ts";
import { present, requireHead, stateOf, survey } from "../../app/branch-listing.ts";
import { printJson } from "../render/terminal.ts";
import { listCheckouts } from "../../git/checkouts.ts";

export const run: Run = async ({ input, terminal, env }) => {
  const site = await openSite(input.directory, env, { remote: input.value("remote") });
  const { view, contract } = await survey(site, present());
  const { workflow } = await usableContract(site, view.target, view.heads);
  const name = input.arguments[0] ?? listCheckouts(site.place)[0]?.branch;
  const position = name === undefined ? undefined : stateOf(view, requireHead(site, view.heads, name));
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
    if (contract.workflow.open)
      terminal.say("There is no states/workflow.yml: every executable is a state, and any may follow.");
    if (position !== undefined) terminal.say(`${name} is at ${position}`);
  }
  return EXIT.done;
};
