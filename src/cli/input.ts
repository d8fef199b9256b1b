/**
 * Reads a command line by the syntax of its command.
 *
 * Invariants:
 * - An option that the command does not declare is a usage error that suggests the nearest one.
 * - A value stays a string; the command that uses it checks it.
 */
import { parseArgs } from "node:util";
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import { parseDuration } from "../core/util/duration.ts";
import { suggest } from "../core/util/suggest.ts";
import type { CommandSyntax, Input, Option } from "./command.ts";
import { COMMON } from "./options.ts";

/** Reads the words after the command. Throws a UserError for a word that the command does not declare. */
export function readInput(command: CommandSyntax, words: readonly string[], cwd: string): Input {
  const options = [...COMMON, ...(command.options ?? [])];
  const parsed = parse(command, options, words);
  const declared = command.arguments ?? [];
  const missing = declared.slice(parsed.positionals.length).find(({ optional }) => !optional);
  const isHelp = parsed.values["help"] === true;
  if (missing && !isHelp) throw new UserError(MESSAGES.missingArgument(command.name, missing.name));
  const extra = parsed.positionals[declared.length];
  if (extra !== undefined)
    throw new UserError(MESSAGES.badOption(command.name, `${JSON.stringify(extra)} is one word too many.`));
  const values = (option: string): string[] => {
    const value = parsed.values[option];
    return (Array.isArray(value) ? value : [value]).filter(
      (text): text is string => typeof text === "string",
    );
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

/** Finds the name of the command, which `-C <dir>` may precede. */
export function splitCommand(argv: readonly string[]): { name: string; words: string[] } {
  const at = argv.findIndex(
    (word, index) => !word.startsWith("-") && argv[index - 1] !== "-C" && argv[index - 1] !== "--directory",
  );
  if (at < 0) return { name: "help", words: argv.filter((word) => word !== "-h" && word !== "--help") };
  return { name: argv[at] ?? "help", words: [...argv.slice(0, at), ...argv.slice(at + 1)] };
}

interface Parsed {
  readonly values: Record<string, unknown>;
  readonly positionals: string[];
}

function parse(command: CommandSyntax, options: readonly Option[], words: readonly string[]): Parsed {
  const config = Object.fromEntries(
    options.map(({ name, short, value, isRepeatable }) => [
      name,
      {
        type: value === undefined ? ("boolean" as const) : ("string" as const),
        multiple: isRepeatable ?? false,
        ...(short === undefined ? {} : { short }),
      },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
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
  if (plain !== undefined) return `The option ${plain} does not take a value.`;
  const unknown = /Unknown option '([^']+)'/.exec(message)?.[1];
  if (unknown === undefined) return message.split(". ")[0] + ".";
  const near = suggest(unknown.replace(/^-+/, ""), [...options.map((option) => option.name), "version"]);
  return `There is no option ${unknown}.${near === undefined ? "" : ` Did you mean --${near}?`}`;
}

/** Reads a whole number within bounds. Throws a UserError that names the option. */
export function numberOption(input: Input, option: string, low: number, high: number): number | undefined {
  const text = input.value(option);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= low && value <= high) return value;
  const why = `--${option} takes a whole number from ${low} to ${high}, not ${JSON.stringify(text)}.`;
  throw new UserError(MESSAGES.badOption(input.command.name, why));
}

/** Reads a duration, in milliseconds. Throws a UserError that names the option. */
export function durationOption(input: Input, option: string): number | undefined {
  const text = input.value(option);
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined) throw new UserError(MESSAGES.badDuration(option, text));
  return ms;
}
