/** Prints the request that a command wrote, and the next command. */
import { printJson, type Terminal } from "./terminal.ts";

interface WrittenRequest {
  readonly branch: string;
  readonly state: string;
  readonly commit: string;
}

export function printRequest(
  terminal: Terminal,
  isJson: boolean,
  { branch, state, commit }: WrittenRequest,
  next = "trailhand run",
): void {
  if (isJson) return printJson(terminal, { branch, state, commit });
  terminal.print(`${commit.slice(0, 10)} asks for ${state} on ${branch}`);
  terminal.say(`next: ${next}`);
}
