/** `trailhand packs`: the ready-made workflows, or the page of one. */
import { EXIT_CODE } from "../../core/messages/messages.ts";
import { listPacks, packPage } from "../../templates/packs.ts";
import type { Command, CommandCall } from "../command.ts";
import { jsonOption } from "../options.ts";
import { renderColumns } from "../render/render-table.ts";
import { printable, printJson, type Terminal } from "../render/terminal.ts";

export const command: Command = {
  name: "packs",
  group: "start",
  what: "List the ready-made workflows, or show the page of one.",
  arguments: [{ name: "name", what: "The pack to read about.", optional: true, offers: "pack" }],
  options: [jsonOption],
  examples: [
    { line: "trailhand packs", what: "which ones are there?" },
    { line: "trailhand packs sequential", what: "its purpose, and how it works" },
  ],
  run,
};

function run({ input, terminal }: CommandCall): Promise<number> {
  const [name] = input.arguments;
  const isJson = input.has("json");
  if (name === undefined) printList(terminal, isJson);
  else printPage(terminal, isJson, name);
  return Promise.resolve(EXIT_CODE.done);
}

function printPage(terminal: Terminal, isJson: boolean, name: string): void {
  const page = packPage(name);
  if (isJson) printJson(terminal, { name, page });
  else terminal.print(page.trimEnd());
  terminal.say(`\nnext: trailhand init --pack ${name}`);
}

function printList(terminal: Terminal, isJson: boolean): void {
  const packs = listPacks();
  if (isJson) return printJson(terminal, { packs });
  const { colors, columns } = terminal;
  const width = Math.max(...packs.map((pack) => pack.name.length), 4) + 2;
  const rows = packs.map((pack) => [
    colors.bold(pack.name),
    printable(pack.what, Math.max(columns - width, 40)),
  ]);
  terminal.print(renderColumns([["PACK", "WHAT FOR"].map((title) => colors.bold(title)), ...rows]));
  terminal.say("\nnext: trailhand packs <name>, or trailhand init --pack <name>");
}
