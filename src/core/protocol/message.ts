/**
 * Splits a commit message into header, body and trailers.
 *
 * Invariants:
 * - The trailers are those that git reads (trailer-block.ts). The body controls nothing.
 * - The conventional-commits parser runs only on demand: a scan of 10,000 heads needs trailers only.
 */
import { CommitParser } from "conventional-commits-parser";
import { parseTrailers, separatorAt, type Trailer } from "./trailer-block.ts";

export interface Message {
  /** The first line. */
  readonly header: string;
  /** Everything between the header and the trailer block, without surrounding blank lines. */
  readonly body: string;
  readonly trailers: readonly Trailer[];
}

export interface ConventionalCommit {
  readonly type: string | undefined;
  readonly scope: string | undefined;
  readonly subject: string;
  readonly references: readonly string[];
  readonly mentions: readonly string[];
  readonly notes: readonly { readonly title: string; readonly text: string }[];
}

/** A `State:` line that git does not read as a trailer, because of where it stands or what surrounds it. */
export interface MisplacedState {
  /** `hidden`: it is not in the last paragraph. `voided`: another line of its paragraph is not a trailer. */
  readonly kind: "hidden" | "voided";
  /** Counted from 1 in the message: the `State:` line, or the line that voids it. */
  readonly line: number;
  readonly text: string;
}

/** The conventional-commits parser takes cubic time in the length of a line, so both are limited. */
const MAX_PARSED_LENGTH = 16 * 1024;
const MAX_PARSED_LINE = 300;

export function parseMessage(raw: string): Message {
  const block = parseTrailers(raw);
  const newline = block.text.indexOf("\n");
  const headerEnd = newline < 0 ? block.text.length : newline;
  const bodyEnd = Math.max(headerEnd, block.trailers.length > 0 ? block.start : block.end);
  return {
    header: block.text.slice(0, headerEnd).trimEnd(),
    body: block.text.slice(headerEnd, bodyEnd).trim(),
    trailers: block.trailers,
  };
}

/** Parses header and body as a conventional commit: type, references such as `#12`, mentions, notes. */
export function parseConventionalCommit(message: Message): ConventionalCommit {
  const lines = `${message.header}\n\n${message.body}`.slice(0, MAX_PARSED_LENGTH).split("\n");
  const text = lines
    .map((line) => line.slice(0, MAX_PARSED_LINE))
    .join("\n")
    .trim();
  if (text === "") {
    return { type: undefined, scope: undefined, subject: "", references: [], mentions: [], notes: [] };
  }
  const parsed = new CommitParser().parse(text);
  return {
    type: parsed["type"] ?? undefined,
    scope: parsed["scope"] ?? undefined,
    subject: parsed["subject"] ?? message.header,
    references: parsed.references.map((reference) => reference.raw.trim()),
    mentions: parsed.mentions,
    notes: parsed.notes,
  };
}

/** All values of a key, in order. Keys are compared without regard to case. */
export function valuesOf(trailers: readonly Trailer[], key: string): string[] {
  const wanted = key.toLowerCase();
  return trailers.filter((trailer) => trailer.key.toLowerCase() === wanted).map((t) => t.value);
}

/** The last value of a key, or undefined. */
export function valueOf(trailers: readonly Trailer[], key: string): string | undefined {
  return valuesOf(trailers, key).at(-1);
}

/**
 * Finds a line such as `State: review` outside the trailer block. Call it only if the block has no
 * such key, because otherwise the line is prose. A value with a space is prose too.
 */
export function findMisplacedState(raw: string, keys: readonly string[]): MisplacedState | undefined {
  const lower = raw.toLowerCase();
  if (!keys.some((key) => lower.includes(key))) return undefined;
  const block = parseTrailers(raw);
  const nul = raw.indexOf("\0");
  const above = raw.slice(0, (nul < 0 ? raw.length : nul) - block.text.length).split("\n").length;
  const lines = block.text.slice(0, block.end).split("\n");
  while (lines.length > 0 && isBlank(lines.at(-1) ?? "")) lines.pop();
  const index = lines.findLastIndex((line, at) => at > 0 && isStateLine(line, keys));
  if (index < 0) return undefined;
  const spoiler = spoilerOf(lines, index);
  const at = spoiler ?? index;
  const kind = spoiler === undefined ? "hidden" : "voided";
  return { kind, line: above + at, text: (lines[at] ?? "").trim() };
}

function isStateLine(line: string, keys: readonly string[]): boolean {
  const separator = separatorAt(line, 0);
  return (
    separator >= 1 &&
    keys.includes(line.slice(0, separator).trim().toLowerCase()) &&
    /^\S+$/.test(line.slice(separator + 1).trim())
  );
}

/**
 * The first line in the paragraph of `index` that is not a trailer. Undefined outside the last
 * paragraph and in the title: there, the line itself is misplaced.
 */
function spoilerOf(lines: readonly string[], index: number): number | undefined {
  const from = lines.findLastIndex((line, at) => at < index && isBlank(line)) + 1;
  if (from === 0 || lines.some((line, at) => at > index && isBlank(line))) return undefined;
  const spoiler = lines.findIndex((line, at) => at >= from && !belongs(line, at > from));
  return spoiler < 0 ? undefined : spoiler;
}

/** True for lines that a trailer block may contain: trailers, folded lines, comments, lines of git. */
function belongs(line: string, foldable: boolean): boolean {
  if (foldable && /^[ \t\r]/.test(line)) return true;
  return line.startsWith("#") || line.startsWith("(cherry picked from commit ") || separatorAt(line, 0) >= 1;
}

/** Blank as git defines it: a no-break space is not blank. */
function isBlank(line: string): boolean {
  return /^[ \t\r]*$/.test(line);
}
