/**
 * Reads the command line by the table.
 *
 * What must hold: what the table does not know is a usage error that names the nearest thing; a
 * value is a string, checked by whoever uses it.
 */
import { parseArgs } from "node:util";
import { suggest } from "../core/util/suggest.ts";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import { COMMANDS, COMMON, type Command, type Option } from "./commands.ts";

export interface Input {
  readonly command: Command;
  readonly arguments: readonly string[];
  /** The directory to work in. */
  readonly directory: string;
  has(option: string): boolean;
  value(option: string): string | undefined;
  values(option: string): readonly string[];
}

/** Finds a command. Throws a Fault with the nearest name. */
export function requireCommand(name: string): Command {
  const found = COMMANDS.find((command) => command.name === name);
  if (found) return found;
  throw new UserError(
    MESSAGES.unknownCommand(
      name,
      suggest(
        name,
        COMMANDS.map((one) => one.name),
      ),
    ),
  );
}

/** Reads the words after the program's name. Throws a Fault on a word that the table does not know. */
export function readInput(argv: readonly string[], cwd: string): Input {
  const { name, rest } = splitCommand(argv);
  const command = requireCommand(name);
  const options = [...COMMON, ...(command.options ?? [])];
  const parsed = parse(command, options, rest);
  const wanted = command.arguments ?? [];
  const missing = wanted.slice(parsed.positionals.length).find((one) => !one.optional);
  const helps = parsed.values["help"] === true;
  if (missing && !helps) throw new UserError(MESSAGES.missingArgument(command.name, missing.name));
  const extra = parsed.positionals[wanted.length];
  if (extra !== undefined)
    throw new UserError(MESSAGES.badOption(command.name, `${JSON.stringify(extra)} is one word too many.`));
  const values = (option: string): string[] => {
    const found = parsed.values[option];
    return (Array.isArray(found) ? found : [found]).filter((one): one is string => typeof one === "string");
  };
  return {
    command,
    arguments: parsed.positionals,
    directory: values("directory").at(-1) ?? cwd,
    has: (option) => parsed.values[option] === true,
    value: (option) => values(option).at(-1),
    values,
  };
}

/** `-C <dir>` may stand before the command too. */
function splitCommand(argv: readonly string[]): { name: string; rest: string[] } {
  const at = argv.findIndex(
    (word, index) => !word.startsWith("-") && argv[index - 1] !== "-C" && argv[index - 1] !== "--directory",
  );
  if (at < 0) return { name: "help", rest: argv.filter((word) => word !== "-h" && word !== "--help") };
  return { name: argv[at] ?? "help", rest: [...argv.slice(0, at), ...argv.slice(at + 1)] };
}

interface Parsed {
  readonly values: Record<string, unknown>;
  readonly positionals: string[];
}

function parse(command: Command, options: readonly Option[], words_: string[]): Parsed {
  const config = Object.fromEntries(
    options.map(({ name, short, value, many }) => [
      name,
      {
        type: value === undefined ? ("boolean" as const) : ("string" as const),
        multiple: many ?? false,
        ...(short === undefined ? {} : { short }),
      },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({
      args: words_,
      options: config,
      allowPositionals: true,
      strict: true,
    });
    return { values, positionals };
  } catch (error) {
    throw new UserError(MESSAGES.badOption(command.name, explain(error, options)), { cause: error });
  }
}

function explain(error: unknown, options: readonly Option[]): string {
  const message = error instanceof Error ? error.message : String(error);
  const valued = /(--[\w-]+)[^']*' argument (?:missing|is ambiguous)/.exec(message)?.[1];
  if (valued !== undefined) return `The option ${valued} needs a value after it.`;
  const plain = /(--[\w-]+)' does not take an argument/.exec(message)?.[1];
  if (plain !== undefined) return `The option ${plain} takes no value.`;
  const unknown = /Unknown option '([^']+)'/.exec(message)?.[1];
  if (unknown === undefined) return message.split(". ")[0] + ".";
  const near = suggest(unknown.replace(/^-+/, ""), [...options.map((option) => option.name), "version"]);
  return `There is no option ${unknown}.${near === undefined ? "" : ` Did you mean --${near}?`}`;
}

/** A whole number within bounds. Throws a Fault that names the option. */
export function numberOption(input: Input, option: string, low: number, high: number): number | undefined {
  const text = input.value(option);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= low && value <= high) return value;
  const why = `--${option} takes a whole number from ${low} to ${high}, not ${JSON.stringify(text)}.`;
  throw new UserError(MESSAGES.badOption(input.command.name, why));
}
