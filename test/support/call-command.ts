/** Calls a command in this process with the arguments of a command line. */
import type { Command, CommandCall } from "../../src/cli/command.ts";
import { loadCommands } from "../../src/cli/commands.ts";
import { readInput } from "../../src/cli/input.ts";
import { makeTerminal, type Terminal } from "../../src/cli/render/terminal.ts";

export function callOf(
  command: Command,
  words: readonly string[],
  dir: string,
  { env, terminal }: Pick<CommandCall, "env"> & { readonly terminal: Terminal },
): CommandCall {
  return { input: readInput(command, words, dir), terminal, env, loadCommands };
}

/** A terminal that writes all of its output with one function. */
export function terminalTo(write: (text: string) => void, env: CommandCall["env"] = {}): Terminal {
  const stream = { write };
  return makeTerminal({ stdout: stream, stderr: stream }, env);
}
