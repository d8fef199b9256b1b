/**
 * A commit message as its parts: header, body, trailers; on demand what conventional commits add.
 *
 * What must hold: the trailers are git's (see trailers.ts); the body is free text and controls
 * nothing; describing is lazy, because a scan of 10,000 heads needs trailers only.
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

export interface Description {
  readonly type: string | undefined;
  readonly scope: string | undefined;
  readonly subject: string;
  readonly references: readonly string[];
  readonly mentions: readonly string[];
  readonly notes: readonly { readonly title: string; readonly text: string }[];
}

/** A `State:` line that its author believes in and git does not. */
export interface Doubt {
  readonly kind: "hidden" | "voided";
  /** Counted from 1 in the message. */
  readonly line: number;
  readonly text: string;
}

/**
 * The conventional-commit reading stops here: a longer body is a document, and its parser needs the
 * third power of a line's length, so that a line of 64 kB would stop the program for good.
 */
const DESCRIBED = 16 * 1024;
const DESCRIBED_LINE = 300;

/** Splits a raw commit message. */
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

/** What conventional commits say of the text before the trailer block: type, `#12`, `@who`, notes. */
export function describeMessage(message: Message): Description {
  const lines = `${message.header}\n\n${message.body}`.slice(0, DESCRIBED).split("\n");
  const text = lines
    .map((line) => line.slice(0, DESCRIBED_LINE))
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

/** All values of a key, in order; keys are compared without regard to case. */
export function valuesOf(trailers: readonly Trailer[], key: string): string[] {
  const wanted = key.toLowerCase();
  return trailers.filter((trailer) => trailer.key.toLowerCase() === wanted).map((t) => t.value);
}

/** The last value of a key, or undefined. */
export function valueOf(trailers: readonly Trailer[], key: string): string | undefined {
  return valuesOf(trailers, key).at(-1);
}

/**
 * Looks for a line such as `State: review` that is not in the trailer block. Only for messages
 * whose block holds no such key: otherwise the line is prose. A value with a space in it is prose.
 */
export function findDoubt(raw: string, keys: readonly string[]): Doubt | undefined {
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
 * The first line that is no trailer in the paragraph of `index`. Only the last paragraph can be a
 * block, and never the title: elsewhere the place of the line is wrong, and not its neighbours.
 */
function spoilerOf(lines: readonly string[], index: number): number | undefined {
  const from = lines.findLastIndex((line, at) => at < index && isBlank(line)) + 1;
  if (from === 0 || lines.some((line, at) => at > index && isBlank(line))) return undefined;
  const spoiler = lines.findIndex((line, at) => at >= from && !belongs(line, at > from));
  return spoiler < 0 ? undefined : spoiler;
}

/** A line that may stand in a trailer block: a trailer, a folded line, a comment, a line of git's. */
function belongs(line: string, foldable: boolean): boolean {
  if (foldable && /^[ \t\r]/.test(line)) return true;
  return line.startsWith("#") || line.startsWith("(cherry picked from commit ") || separatorAt(line, 0) >= 1;
}

/** Blank as git sees it: a no-break space is a letter there. */
function isBlank(line: string): boolean {
  return /^[ \t\r]*$/.test(line);
}
