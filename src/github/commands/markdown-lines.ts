/**
 * Finds the lines of a comment that may be commands, in time linear in its size.
 *
 * Invariants:
 * - Lines in code blocks, quotes, HTML, inline code and lists never count.
 * - When the text is ambiguous, no line after that point counts.
 */

/** The longest comment that GitHub accepts. */
const MAX_LENGTH = 65_536;

/** Elements whose content is displayed only, blank lines included. */
const DISPLAY_ELEMENT = /<(pre|code|blockquote|script|style|textarea|samp|kbd)(?=[\s/>]|$)/iy;
const TAG = /<[A-Za-z/!?]/y;

interface Fence {
  readonly mark: string;
  readonly length: number;
  readonly column: number;
  /** True after a list marker. */
  readonly isInList: boolean;
}

interface Line {
  readonly text: string;
  readonly canCount: boolean;
}

/** A part of a paragraph that GitHub displays differently from its source, or not at all. */
interface Hidden {
  readonly from: number;
  readonly to: number;
  /** True for inline code and tags, which may stand inside a command. */
  readonly isInline: boolean;
}

/** The lines that may be commands, in their order, without line breaks. */
export function commandLines(text: string, maxLength = MAX_LENGTH): string[] {
  const reader = new Reader();
  for (const line of text.slice(0, maxLength).replaceAll("\0", "").replace(/\r\n?/g, "\n").split("\n"))
    reader.read(line);
  reader.endParagraph();
  return reader.countedLines.filter((line) => /^\S/.test(line));
}

class Reader {
  readonly countedLines: string[] = [];
  #paragraph: Line[] = [];
  #fence: Fence | undefined;
  /** The end of the open HTML comment or element. */
  #until: string | undefined;
  /** The block that the next blank line ends. */
  #within: "quote" | "html" | undefined;
  /** True once the text is ambiguous. */
  #isAmbiguous = false;

  read(text: string): void {
    const opening = openingOf(text);
    // Where an HTML comment starts depends on the text before this line, so that comes first.
    if (opening || isBlank(text) || isQuote(text)) this.endParagraph();
    if (this.#isAmbiguous) return;
    if (this.#fence) {
      const next = fenceAfter(this.#fence, text, opening);
      this.#isAmbiguous = next === "ambiguous";
      this.#fence = next === "ambiguous" ? undefined : next;
    } else if (this.#until !== undefined) this.#paragraph.push({ text, canCount: true });
    else if (isBlank(text)) this.#within = undefined;
    else if (opening) {
      this.#isAmbiguous = this.#within === "html";
      this.#within = undefined;
      this.#fence = opening;
    } else {
      if (isQuote(text)) this.#within ??= "quote";
      else if (/^ {0,3}<[A-Za-z/!?]/.test(text)) this.#within ??= "html";
      if (this.#within !== "quote") this.#paragraph.push({ text, canCount: this.#within === undefined });
    }
  }

  /** Adds the lines of the paragraph that no hidden part covers. */
  endParagraph(): void {
    const lines = this.#paragraph;
    if (lines.length === 0) return;
    this.#paragraph = [];
    const hidden = this.#hiddenIn(lines.map((line) => line.text).join("\n"));
    let at = 0;
    let next = 0;
    for (const { text, canCount } of lines) {
      const [from, to] = [at, at + text.length];
      at = to + 1;
      let isVisible = true;
      while (next < hidden.length && (hidden[next]?.to ?? 0) <= from) next++;
      for (let part = hidden[next]; part && part.from < to; part = hidden[next]) {
        isVisible &&= part.isInline && part.from > from && part.to <= to;
        if (part.to > to) break;
        next++;
      }
      if (canCount && isVisible) this.countedLines.push(text);
    }
  }

  /** The hidden parts of a paragraph, in their order. */
  #hiddenIn(text: string): Hidden[] {
    const hidden: Hidden[] = [];
    const lower = text.toLowerCase();
    const ends = ticksIn(text);
    let at = 0;
    const hide = (from: number, to: number, isInline = true) => {
      hidden.push({ from, to, isInline });
      at = to;
    };
    const hideUntil = (from: number, until: string) => {
      const end = lower.indexOf(until, at);
      this.#until = end < 0 ? until : undefined;
      hide(from, end < 0 ? text.length : end + until.length, false);
    };
    if (this.#until !== undefined) hideUntil(0, this.#until);
    for (; at < text.length;) {
      const from = at;
      if (text[at] === "`") {
        const end = ends.get(at);
        if (end === undefined) at = skipTicks(text, at);
        else hide(at, end);
      } else if (text[at] !== "<") at++;
      else if (text.startsWith("<!--", at)) {
        at += 4;
        hideUntil(from, "-->");
      } else if (matches(DISPLAY_ELEMENT, text, at)) {
        hideUntil(from, `</${/^[a-z]+/.exec(lower.slice(at + 1, at + 12))?.[0] ?? ""}`);
      } else if (matches(TAG, text, at)) {
        // A tag that continues on the next line may contain anything there.
        hide(at, endOfTag(text, at) ?? text.length);
      } else at++;
    }
    return hidden;
  }
}

function matches(pattern: RegExp, text: string, at: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(text);
}

/** The end of a tag, when it ends on its line. */
function endOfTag(text: string, from: number): number | undefined {
  let quote: string | undefined;
  for (let at = from; at < text.length && text[at] !== "\n"; at++) {
    const character = text[at];
    if (quote !== undefined) quote = character === quote ? undefined : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (character === ">") return at + 1;
  }
  return undefined;
}

function skipTicks(text: string, from: number): number {
  let at = from;
  while (text[at] === "`") at++;
  return at;
}

/** Maps the start of each inline code span to its end, which is the next run of equally many backquotes. */
function ticksIn(text: string): ReadonlyMap<number, number> {
  const runs: [from: number, to: number][] = [];
  for (let at = text.indexOf("`"); at >= 0;) {
    const to = skipTicks(text, at);
    runs.push([at, to]);
    at = text.indexOf("`", to);
  }
  const ends = new Map<number, number>();
  const nearest = new Map<number, number>();
  for (const [from, to] of runs.toReversed()) {
    const end = nearest.get(to - from);
    if (end !== undefined) ends.set(from, end);
    nearest.set(to - from, to);
  }
  return ends;
}

const isBlank = (line: string): boolean => line.trim() === "";
const isQuote = (line: string): boolean => contentOf(line).isQuote;

/** Where the text of a line starts, after list and quote markers. */
function contentOf(line: string): {
  readonly column: number;
  readonly isQuote: boolean;
  readonly isInList: boolean;
} {
  let at = 0;
  let [isQuote, isInList] = [false, false];
  for (;;) {
    const before = at;
    while (line[at] === " " || line[at] === "\t") at++;
    if (line[at] === ">") {
      isQuote = true;
      at++;
    } else {
      const end = skipListMarker(line, at);
      isInList ||= end > at;
      at = end;
    }
    if (at === before) return { column: at, isQuote, isInList };
  }
}

function skipListMarker(line: string, from: number): number {
  let at = from;
  if ("-*+".includes(line[at] ?? "?")) at++;
  else {
    while (at - from < 9 && /[0-9]/.test(line[at] ?? "")) at++;
    if (at === from || !".)".includes(line[at] ?? "?")) return from;
    at++;
  }
  return line[at] === " " || line[at] === "\t" ? at : from;
}

/** The code fence on a line. */
function openingOf(line: string): Fence | undefined {
  const { column, isQuote, isInList } = contentOf(line);
  const mark = line[column];
  if (isQuote || (mark !== "`" && mark !== "~")) return undefined;
  let end = column;
  while (line[end] === mark) end++;
  // A backquote in the info string makes it inline code.
  if (end - column < 3 || (mark === "`" && line.includes("`", end))) return undefined;
  return { mark, length: end - column, column, isInList };
}

/**
 * The fence that is open after a line inside it. A fence in a list ends with the list, and lists are
 * not parsed here: such a fence must be closed exactly as it was opened, or the text is ambiguous.
 */
function fenceAfter(fence: Fence, line: string, found: Fence | undefined): Fence | "ambiguous" | undefined {
  const isTop = fence.column === 0;
  if (!isTop && /^\S/.test(line)) return "ambiguous";
  if (!found) return fence;
  const hasNoInfo = line.slice(found.column + found.length).trim() === "";
  const canClose = found.mark === fence.mark && found.length >= fence.length && hasNoInfo && !found.isInList;
  if (isTop) return canClose && found.column <= 3 && !/^ *\t/.test(line) ? undefined : fence;
  const isAligned = found.column === fence.column || (found.column > fence.column && fence.isInList);
  return canClose && isAligned && !/^ *\t/.test(line) ? undefined : "ambiguous";
}
