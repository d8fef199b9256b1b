/** Prints the request that a command wrote, and the next command. */
import { shellWord } from "../../core/messages/messages.ts";
import { printJson, type Terminal } from "./terminal.ts";

interface WrittenRequest {
  readonly branch: string;
  readonly state: string;
  readonly commit: string;
  /** True when the state waits for a person. */
  readonly isHuman?: boolean;
  /** True when the work ends with the state. */
  readonly isEnd?: boolean;
}

export function printRequest(terminal: Terminal, isJson: boolean, request: WrittenRequest): void {
  const { branch, state, commit } = request;
  if (isJson) return printJson(terminal, { branch, state, commit });
  terminal.print(`${commit.slice(0, 10)} asks for ${state} on ${branch}`);
  terminal.say(`next: ${nextCommand(request)}`);
}

function nextCommand({ branch, isEnd, isHuman }: WrittenRequest): string {
  if (isEnd) return `trailhand log ${shellWord(branch)}`;
  return isHuman ? "trailhand status --needs-me" : "trailhand run";
}
