/**
 * Parses the trailer block of a commit message by git's rules, without a git process.
 *
 * The rules are those of git-interpret-trailers(1). The block is the last paragraph, unless that is
 * the title. Either every line is a trailer, or one line is git's (`Signed-off-by: `, `(cherry picked
 * from commit `) and at least a quarter are trailers. Comments, trailing blank lines, an old
 * `Conflicts:` list, and everything below the scissors line are ignored.
 *
 * Invariants:
 * - For every message, the result equals `git log --format=%(trailers:only,unfold)`.
 * - Every step takes linear time in the length of the message.
 */
export interface Trailer {
  readonly key: string;
  readonly value: string;
}

export interface TrailerBlock {
  readonly trailers: readonly Trailer[];
  /** The message up to a NUL, without leading blank lines. The offsets below count in it. */
  readonly text: string;
  /** Where the block starts; equal to `end` when there is none. */
  readonly start: number;
  readonly end: number;
}

const SCISSORS = "# ------------------------ >8 ------------------------\n";
const MADE_BY_GIT = ["Signed-off-by: ", "(cherry picked from commit "];

export function parseTrailers(message: string): TrailerBlock {
  return parsePlain(message) ?? parseAny(message);
}

/**
 * A fast path for nearly every message: no comment, scissors or conflict list, one final newline, and
 * a last paragraph of unfolded trailers. Undefined for any other message.
 */
function parsePlain(text: string): TrailerBlock | undefined {
  const blank = text.lastIndexOf("\n\n", text.length - 3);
  const odd = ["\0", "\n#", "\nConflicts:\n"].some((mark) => text.includes(mark));
  if (blank < 1 || odd || !text.endsWith("\n") || text.endsWith("\n\n")) return undefined;
  if (isSpace(text.charCodeAt(0)) || text.charCodeAt(0) === HASH) return undefined;
  const start = blank + 2;
  const trailers: Trailer[] = [];
  for (let at = start; at < text.length; at = nextLine(text, at)) {
    const separator = separatorAt(text, at);
    if (separator <= at) return undefined;
    const value = trim(text.slice(separator + 1, nextLine(text, at)));
    trailers.push({ key: trim(text.slice(at, separator)), value });
  }
  return { trailers, text, start, end: text.length };
}

function parseAny(message: string): TrailerBlock {
  const text = withoutLeadingBlankLines(untilNul(message));
  const end = endOfContent(text);
  const start = startOfBlock(text, end);
  return { trailers: readBlock(text, start, end), text, start, end };
}

/** The position of the colon in a line that starts as `Key:` or `Key :`, or -1. */
export function separatorAt(text: string, from: number): number {
  let spaceSeen = false;
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === COLON) return at;
    if (!spaceSeen && (isAlphanumeric(code) || code === DASH)) continue;
    if (at > from && (code === SPACE || code === TAB)) {
      spaceSeen = true;
      continue;
    }
    break;
  }
  return -1;
}

const TAB = 9;
const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const HASH = 35;
const DASH = 45;
const COLON = 58;

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB || code === NEWLINE || code === RETURN;
}

function isAlphanumeric(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}

function untilNul(message: string): string {
  const nul = message.indexOf("\0");
  return nul < 0 ? message : message.slice(0, nul);
}

function nextLine(text: string, at: number): number {
  const newline = text.indexOf("\n", at);
  return newline < 0 ? text.length : newline + 1;
}

/** The start of the last line of `text[0, length)`, whose own final newline belongs to it. */
function lastLine(text: string, length: number): number {
  if (length === 0) return -1;
  if (length === 1) return 0;
  return text.lastIndexOf("\n", length - 2) + 1;
}

function isBlankLine(text: string, at: number): boolean {
  while (at < text.length && text.charCodeAt(at) !== NEWLINE) {
    if (!isSpace(text.charCodeAt(at))) return false;
    at++;
  }
  return true;
}

function withoutLeadingBlankLines(text: string): string {
  let at = 0;
  while (at < text.length && isBlankLine(text, at)) at = nextLine(text, at);
  return at === 0 ? text : text.slice(at);
}

/** Where content ends: before trailing comments, blank lines, old conflict lists and the scissors. */
function endOfContent(text: string): number {
  let cutoff = text.length;
  if (text.startsWith(SCISSORS)) cutoff = 0;
  else {
    const scissors = text.indexOf(`\n${SCISSORS}`);
    if (scissors >= 0) cutoff = scissors + 1;
  }
  // git keeps 0 for "no run of comments", so a run that starts at offset 0 does not count either.
  let runStart = 0;
  let inConflicts = false;
  for (let at = 0; at < cutoff; at = nextLine(text, at)) {
    const first = text.charCodeAt(at);
    if (first === HASH || first === NEWLINE) {
      if (runStart === 0) runStart = at;
    } else if (text.startsWith("Conflicts:\n", at)) {
      inConflicts = true;
      if (runStart === 0) runStart = at;
    } else if (inConflicts && first === TAB) {
      continue;
    } else if (runStart !== 0) {
      runStart = 0;
      inConflicts = false;
    }
  }
  return runStart === 0 ? cutoff : runStart;
}

function endOfTitle(text: string, end: number): number {
  let at = 0;
  while (at < end && (text.charCodeAt(at) === HASH || !isBlankLine(text, at))) {
    at = nextLine(text, at);
  }
  return at;
}

/** Walks up from the last line, counting, until the blank line above the candidate paragraph. */
function startOfBlock(text: string, end: number): number {
  const title = endOfTitle(text, end);
  let onlySpaces = true;
  let madeByGit = false;
  let trailers = 0;
  let others = 0;
  let continuations = 0;
  for (let at = lastLine(text, end); at >= title && at >= 0; at = lastLine(text, at)) {
    const first = text.charCodeAt(at);
    if (first === HASH) {
      others += continuations;
      continuations = 0;
    } else if (isBlankLine(text, at)) {
      if (onlySpaces) continue;
      others += continuations;
      const counts = madeByGit ? trailers * 3 >= others : trailers > 0 && others === 0;
      return counts ? nextLine(text, at) : end;
    } else {
      onlySpaces = false;
      if (MADE_BY_GIT.some((prefix) => text.startsWith(prefix, at))) {
        madeByGit = true;
        trailers++;
        continuations = 0;
      } else if (!isSpace(first) && separatorAt(text, at) > at) {
        trailers++;
        continuations = 0;
      } else if (isSpace(first)) {
        continuations++;
      } else {
        others += 1 + continuations;
        continuations = 0;
      }
    }
  }
  return end;
}

function readBlock(text: string, start: number, end: number): Trailer[] {
  const entries: string[][] = [];
  let open: string[] | undefined;
  for (let at = start; at < end; at = nextLine(text, at)) {
    const line = text.slice(at, Math.min(nextLine(text, at), end));
    if (open && isSpace(line.charCodeAt(0))) {
      open.push(line);
      continue;
    }
    open = separatorAt(line, 0) >= 1 ? [line] : undefined;
    if (open) entries.push(open);
  }
  return entries.map((lines) => {
    const entry = lines.join("");
    const separator = separatorAt(entry, 0);
    return { key: trim(entry.slice(0, separator)), value: unfold(trim(entry.slice(separator + 1))) };
  });
}

function trim(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isSpace(text.charCodeAt(from))) from++;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function unfold(value: string): string {
  return value.includes("\n") ? trim(value.replace(/\n[ \t\n\r]*/g, " ")) : value;
}
