/** What every command is given, and gives back. */
import type { Input } from "./input.ts";
import type { Terminal } from "./render/terminal.ts";

/** What a command gets. */
export interface CommandCall {
  readonly input: Input;
  readonly terminal: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A command; the number is the exit code. */
export type CommandRun = (call: CommandCall) => Promise<number>;
