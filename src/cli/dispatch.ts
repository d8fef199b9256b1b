/** Loads the command that a command line names, runs it, and turns a UserError into an exit code. */
import { loadCommand, loadCommands } from "./commands.ts";
import { readInput, splitCommand } from "./input.ts";
import { makeTerminal, printError } from "./render/terminal.ts";

/** Runs one command line and returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const { env } = process;
  const terminal = makeTerminal(process, env);
  // A reader that closes early, such as `head`, is not an error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  try {
    const { name, words } = splitCommand(argv);
    const command = await loadCommand(name);
    const input = readInput(command, words, process.cwd());
    const { run } = input.has("help") ? await loadCommand("help") : command;
    return await run({ input, terminal, env, loadCommands });
  } catch (error) {
    return printError(terminal, error);
  }
}
