/** Renders commands as help for a terminal, and as a reference page. */
import { EXIT_CODE } from "../../core/messages/messages.ts";
import { GROUPS, type CommandSyntax, type Option } from "../command.ts";
import { COMMON } from "../options.ts";

/** Such as `trailhand log [<branch>] [options]`. */
export function usageOf(command: CommandSyntax): string {
  const words = (command.arguments ?? []).map(({ name, optional }) =>
    optional ? `[<${name}>]` : `<${name}>`,
  );
  const options = (command.options ?? []).length > 0 ? ["[options]"] : [];
  return ["trailhand", command.name, ...words, ...options].join(" ");
}

export function optionOf({ name, short, value }: Option): string {
  const long = value === undefined ? `--${name}` : `--${name} <${value}>`;
  return short === undefined ? long : `-${short}, ${long}`;
}

const pad = (text: string, width: number) => text + " ".repeat(Math.max(1, width - text.length));

/** `trailhand help`. */
export function renderOverview(commands: readonly CommandSyntax[]): string {
  const groups = Object.entries(GROUPS).flatMap(([group, title]) => [
    `${title}:`,
    ...commands
      .filter((command) => command.group === group)
      .map(({ name, what }) => `  ${pad(name, 13)}${what}`),
    "",
  ]);
  return [
    "Trailhand: people and agents hand work to each other in commits.",
    "",
    "usage: trailhand [-C <dir>] <command> [options]",
    "",
    ...groups,
    "Every command that inspects has --json. trailhand help <command> shows options and examples.",
    "trailhand --version prints the version.",
    "First time here? trailhand demo",
  ].join("\n");
}

/** `trailhand help <command>`. */
export function renderCommand(command: CommandSyntax): string {
  const options = [...(command.options ?? []), ...COMMON];
  const width = Math.max(...options.map((option) => optionOf(option).length)) + 2;
  const args = command.arguments ?? [];
  return [
    command.what,
    "",
    `usage: ${usageOf(command)}`,
    ...(command.more === undefined ? [] : ["", command.more]),
    "",
    ...args.map(({ name, what }) => `  ${pad(`<${name}>`, width)}${what}`),
    ...options.map(
      (option) =>
        `  ${pad(optionOf(option), width)}${option.what}${option.isRepeatable ? " Repeatable." : ""}`,
    ),
    "",
    "examples:",
    ...command.examples.flatMap(({ line, what }) => [`  ${line}`, `      ${what}`]),
  ].join("\n");
}

const cell = (text: string) => text.replaceAll("|", "\\|");

/** The table of commands for the README. */
export function renderTable(commands: readonly CommandSyntax[]): string {
  const rows = commands.map((command) => `| \`trailhand ${command.name}\` | ${cell(command.what)} |`);
  return ["| command | what it does |", "| --- | --- |", ...rows].join("\n");
}

const EXITS: Readonly<Record<keyof typeof EXIT_CODE, string>> = {
  done: "done",
  failed: "something failed, or could not be done",
  usage: "the command line is wrong, or names something that does not exist",
  refused: "the workflow or the state of the branch does not allow it",
  later: "try again later",
};

/** The whole reference page. */
export function renderReference(commands: readonly CommandSyntax[]): string {
  const sections = commands.flatMap((command) => [
    `## trailhand ${command.name}`,
    "",
    command.what,
    ...(command.more === undefined ? [] : ["", command.more]),
    "",
    "```",
    usageOf(command),
    "```",
    "",
    ...(command.arguments ?? []).map(({ name, what }) => `- \`<${name}>\`: ${what}`),
    ...(command.options ?? []).map(
      (option) => `- \`${optionOf(option)}\`: ${option.what}${option.isRepeatable ? " Repeatable." : ""}`,
    ),
    "",
    ...command.examples.map(({ line, what }) => `Example, ${what}:\n\n\`\`\`sh\n${line}\n\`\`\`\n`),
  ]);
  return [
    "# Command reference",
    "",
    "Generated from the files in `src/cli/commands` by `npm run docs`.",
    "",
    `Every command takes ${COMMON.map((option) => `\`${optionOf(option)}\``).join(" and ")}. Results go to standard output, progress and hints to standard error.`,
    "",
    "| exit code | meaning |",
    "| --- | --- |",
    ...Object.entries(EXIT_CODE).map(
      ([name, code]) => `| ${code} | ${EXITS[name as keyof typeof EXIT_CODE]} |`,
    ),
    "| 128 + n | ended by signal n |",
    "",
    ...sections,
  ].join("\n");
}
