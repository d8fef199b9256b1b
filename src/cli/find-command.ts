/** Finds a command by its name or by one of its aliases. */
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import { suggest } from "../core/util/suggest.ts";
import type { Command } from "./command.ts";

/** Throws a UserError that suggests the nearest name. */
export function findCommand(commands: readonly Command[], name: string): Command {
  const command = commands.find(({ name: own, aliases = [] }) => own === name || aliases.includes(name));
  if (command) return command;
  const nearest = suggest(
    name,
    commands.map(({ name: own }) => own),
  );
  throw new UserError(MESSAGES.unknownCommand(name, nearest));
}
