/** `trailhand packs`: the ready-made workflows, or the page of one. */
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { CommandRun } from "../call.ts";
import { listPacks, packPage } from "../../templates/packs.ts";
import { renderColumns } from "../render/render-table.ts";
import { printJson, printable } from "../render/terminal.ts";

export const run: CommandRun = async ({ input, terminal }) => {
  const [name] = input.arguments;
  if (name !== undefined) {
    const page = packPage(name);
    if (input.has("json")) printJson(terminal, { name, page });
    else terminal.print(page.trimEnd());
    terminal.say(`\nnext: trailhand init --pack ${name}`);
    return EXIT_CODE.done;
  }
  const packs = listPacks();
  if (input.has("json")) {
    printJson(terminal, { packs });
    return EXIT_CODE.done;
  }
  const { colors, columns } = terminal;
  const width = Math.max(...packs.map((pack) => pack.name.length), 4) + 2;
  const rows = packs.map((pack) => [
    colors.bold(pack.name),
    printable(pack.what, Math.max(columns - width, 40)),
  ]);
  terminal.print(renderColumns([["PACK", "WHAT FOR"].map((title) => colors.bold(title)), ...rows]));
  terminal.say("\nnext: trailhand packs <name>, or trailhand init --pack <name>");
  return EXIT_CODE.done;
};
