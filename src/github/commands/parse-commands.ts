/**
 * Finds the commands in a comment.
 *
 * Invariants:
 * - A command is a line of its own; a mention within a sentence is not a command.
 * - A word that resembles none of our commands is left to other bots.
 */
import type { CommentCall } from "./comment-command.ts";
import { exampleOf, findCommand, nearestCommand } from "./command-table.ts";
import { commandLines } from "./markdown-lines.ts";

export type ParsedCommand =
  | (CommentCall & { readonly kind: "command" })
  | { readonly kind: "unknown"; readonly word: string; readonly nearest: string };

/** At most this many commands are read from one text. */
const MAX_COMMANDS = 10;
/** A longer line is prose. */
const MAX_LINE = 4000;
/** A sentence that starts with a mention has more words than a mistyped command. */
const MAX_TYPO_WORDS = 2;

/** The commands of a text, and its first unknown one. `slug` is the name of the App. */
export function parseCommands(text: string, slug: string): ParsedCommand[] {
  const commands: ParsedCommand[] = [];
  for (const line of commandLines(text)) {
    const parsed = line.length > MAX_LINE ? undefined : parseLine(line, slug);
    if (!parsed || (parsed.kind === "unknown" && commands.some(({ kind }) => kind === "unknown"))) continue;
    if (commands.push(parsed) === MAX_COMMANDS) break;
  }
  return commands;
}

function parseLine(line: string, slug: string): ParsedCommand | undefined {
  const words = line.trim().split(/\s+/);
  const isMention = mentionsApp(words[0] ?? "", slug);
  const word = isMention ? words[1] : words[0]?.startsWith("/") ? words[0].slice(1) : undefined;
  if (word === undefined || !/^[A-Za-z][A-Za-z-]{0,31}$/.test(word)) return undefined;
  const name = word.toLowerCase();
  const command = findCommand(name);
  const skip = isMention ? 2 : 1;
  const rest = words.slice(skip);
  if (command) return { kind: "command", command, words: rest, text: textAfter(line, skip) };
  const nearest = nearestCommand(name);
  // After a mention, prose can follow. Few of its words start like a command.
  const isTypo = nearest?.[0] === name[0] && rest.length < MAX_TYPO_WORDS;
  return nearest === undefined || (isMention && !isTypo)
    ? undefined
    : { kind: "unknown", word: name, nearest };
}

function mentionsApp(word: string, slug: string): boolean {
  const name = word.replace(/[:,]$/, "").toLowerCase();
  return name === `@${slug.toLowerCase()}` || name === `@${slug.toLowerCase()}[bot]`;
}

/** The text of a line after its first words, with its own spacing. */
function textAfter(line: string, wordCount: number): string {
  let at = 0;
  for (let n = 0; n < wordCount; n++) {
    while (/\s/.test(line[at] ?? "x")) at++;
    while (/\S/.test(line[at] ?? " ")) at++;
  }
  return line.slice(at).trim();
}

/** Why a call cannot run as written; undefined when it can. */
export function usageProblem({ command, words }: CommentCall): string | undefined {
  if (words.length >= command.minWords) return undefined;
  return `\`/${command.name}\` needs an argument: \`/${command.usage}\`. Example: \`/${exampleOf(command)}\``;
}
