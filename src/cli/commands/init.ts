/** `trailhand init`: writes the states of the starter or of a pack, or the workflow of GitHub Actions. */
import { requireTop, stepsAfterInit, writeNewFiles } from "../../app/init.ts";
import { openWorkspace } from "../../app/open-workspace.ts";
import { EXIT_CODE, MESSAGES, UserError } from "../../core/messages/messages.ts";
import { actionsFile, readUses, stepsOnGitHub } from "../../templates/github.ts";
import { packFiles } from "../../templates/packs.ts";
import { STARTER } from "../../templates/starter.ts";
import type { Command, CommandCall } from "../command.ts";

export const command: Command = {
  name: "init",
  group: "start",
  what: "Write states/ with a workflow of three states that need no AI.",
  more: "Existing files are not overwritten. The next commands to type are printed.",
  options: [
    { name: "pack", value: "name", offers: "pack", what: "Write the states of this pack instead." },
    {
      name: "github",
      what: "Write the workflow of GitHub Actions instead, and list the labels of your states.",
    },
    { name: "uses", value: "action@id", what: "With --github: the action, by the full id of a commit." },
  ],
  examples: [
    { line: "trailhand init", what: "prepare this repository" },
    { line: "trailhand init --pack sequential", what: "begin with a ready-made workflow" },
    { line: "trailhand init --github", what: "work on GitHub without a server" },
  ],
  run,
};

async function run({ input, terminal, env }: CommandCall): Promise<number> {
  const pack = input.value("pack");
  const isGithub = input.has("github");
  if (isGithub && pack !== undefined) throw new UserError(MESSAGES.conflict("init", "github", "pack"));
  const action = readUses(input.value("uses"));
  if (action.known && !isGithub) throw new UserError(MESSAGES.usesNeedsGithub());
  const files = isGithub ? [actionsFile(action.uses)] : pack === undefined ? STARTER : packFiles(pack);
  const workspace = await openWorkspace(input.directory, env);
  const top = await requireTop(workspace);
  writeNewFiles(top, files, (path) => terminal.print(`wrote ${path}`));
  const steps = isGithub ? stepsOnGitHub(top, action.known) : await stepsAfterInit(workspace, pack);
  terminal.say(["", "next:", ...steps.map((line) => `  ${line}`)].join("\n"));
  return EXIT_CODE.done;
}
