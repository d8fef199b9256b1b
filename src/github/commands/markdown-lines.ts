/**
 * What of a comment was written to be acted upon: its lines, less everything that only shows text.
 *
 * What must hold: a line in fenced or indented code, a quote, an HTML comment or element, or inline
 * code is never among them; where a text can be read in two ways, nothing after that place counts.
 * Only lines that begin in the first column count, so that nothing inside a list does. Linear in size.
 */

/** GitHub takes no longer comments. */
const LONGEST = 65_536;

/** Elements whose content is shown, not said, blank lines included. */
const SHOWING = /<(pre|code|blockquote|script|style|textarea|samp|kbd)(?=[\s/>]|$)/iy;
const TAG = /<[A-Za-z/!?]/y;

interface Fence {
  readonly mark: string;
  readonly length: number;
  readonly column: number;
  /** True behind the mark of a list. */
  readonly listed: boolean;
}

interface Line {
  readonly text: string;
  readonly counts: boolean;
}

/** A part of a paragraph that is shown otherwise than it is written, or not at all. */
interface Hidden {
  readonly from: number;
  readonly to: number;
  /** True for what may stand inside of a line: code, and an element's mark. */
  readonly fits: boolean;
}

/** The lines that may hold a command, in their order, without the line break. */
export function commandLines(text: string, longest = LONGEST): string[] {
  const reader = new Reader();
  for (const line of text.slice(0, longest).replaceAll("\0", "").replace(/\r\n?/g, "\n").split("\n"))
    reader.read(line);
  reader.endParagraph();
  return reader.spoken.filter((line) => /^\S/.test(line));
}

class Reader {
  readonly spoken: string[] = [];
  #paragraph: Line[] = [];
  #fence: Fence | undefined;
  /** What ends the comment or the element that is open. */
  #until: string | undefined;
  /** What begins with a quote or a tag goes on until a blank line. */
  #within: "quote" | "html" | undefined;
  /** True once the text can be read in two ways. */
  #lost = false;

  read(text: string): void {
    const opening = openingOf(text);
    // What a comment swallows is decided by the text before it.
    if (opening || isBlank(text) || isQuote(text)) this.endParagraph();
    if (this.#lost) return;
    if (this.#fence) {
      const next = after(this.#fence, text, opening);
      this.#lost = next === "lost";
      this.#fence = next === "lost" ? undefined : next;
    } else if (this.#until !== undefined) this.#paragraph.push({ text, counts: true });
    else if (isBlank(text)) this.#within = undefined;
    else if (opening) {
      this.#lost = this.#within === "html";
      this.#within = undefined;
      this.#fence = opening;
    } else {
      if (isQuote(text)) this.#within ??= "quote";
      else if (/^ {0,3}<[A-Za-z/!?]/.test(text)) this.#within ??= "html";
      if (this.#within !== "quote") this.#paragraph.push({ text, counts: this.#within === undefined });
    }
  }

  /** Adds those lines of the paragraph that are outside of what is hidden. */
  endParagraph(): void {
    const lines = this.#paragraph;
    if (lines.length === 0) return;
    this.#paragraph = [];
    const hidden = this.#hiddenIn(lines.map((line) => line.text).join("\n"));
    let at = 0;
    let next = 0;
    for (const { text, counts } of lines) {
      const [from, to] = [at, at + text.length];
      at = to + 1;
      let isOpen = true;
      while (next < hidden.length && (hidden[next]?.to ?? 0) <= from) next++;
      for (let one = hidden[next]; one && one.from < to; one = hidden[next]) {
        isOpen &&= one.fits && one.from > from && one.to <= to;
        if (one.to > to) break;
        next++;
      }
      if (counts && isOpen) this.spoken.push(text);
    }
  }

  /** The parts of a paragraph that are hidden, in their order. */
  #hiddenIn(text: string): Hidden[] {
    const hidden: Hidden[] = [];
    const lower = text.toLowerCase();
    const ends = ticksIn(text);
    let at = 0;
    const hide = (from: number, to: number, fits = true) => {
      hidden.push({ from, to, fits });
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
      } else if (matches(SHOWING, text, at)) {
        hideUntil(from, `</${/^[a-z]+/.exec(lower.slice(at + 1, at + 12))?.[0] ?? ""}`);
      } else if (matches(TAG, text, at)) {
        // One that goes on in the next line may hold anything there.
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

/** Where a tag ends that ends in its line. */
function endOfTag(text: string, from: number): number | undefined {
  let quote: string | undefined;
  for (let at = from; at < text.length && text[at] !== "\n"; at++) {
    const one = text[at];
    if (quote !== undefined) quote = one === quote ? undefined : quote;
    else if (one === '"' || one === "'") quote = one;
    else if (one === ">") return at + 1;
  }
  return undefined;
}

function skipTicks(text: string, from: number): number {
  let at = from;
  while (text[at] === "`") at++;
  return at;
}

/** From where each piece of inline code begins to where it ends: at the next run of as many ticks. */
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
const isQuote = (line: string): boolean => contentOf(line).quote;

/** Where the text of a line begins, past the marks of lists and quotes. */
function contentOf(line: string): {
  readonly column: number;
  readonly quote: boolean;
  readonly listed: boolean;
} {
  let at = 0;
  let [quote, listed] = [false, false];
  for (;;) {
    const before = at;
    while (line[at] === " " || line[at] === "\t") at++;
    if (line[at] === ">") {
      quote = true;
      at++;
    } else {
      const past = pastListMark(line, at);
      listed ||= past > at;
      at = past;
    }
    if (at === before) return { column: at, quote, listed };
  }
}

function pastListMark(line: string, from: number): number {
  let at = from;
  if ("-*+".includes(line[at] ?? "?")) at++;
  else {
    while (at - from < 9 && /[0-9]/.test(line[at] ?? "")) at++;
    if (at === from || !".)".includes(line[at] ?? "?")) return from;
    at++;
  }
  return line[at] === " " || line[at] === "\t" ? at : from;
}

/** The fence that a line opens. */
function openingOf(line: string): Fence | undefined {
  const { column, quote, listed } = contentOf(line);
  const mark = line[column];
  if (quote || (mark !== "`" && mark !== "~")) return undefined;
  let end = column;
  while (line[end] === mark) end++;
  // A tick in its info makes it inline code.
  if (end - column < 3 || (mark === "`" && line.includes("`", end))) return undefined;
  return { mark, length: end - column, column, listed };
}

/**
 * The fence after a line inside of it. One that may belong to a list ends where the list does, and
 * lists are not read here: it is closed as it was opened, or all is lost.
 */
function after(fence: Fence, line: string, found: Fence | undefined): Fence | "lost" | undefined {
  const isTop = fence.column === 0;
  if (!isTop && /^\S/.test(line)) return "lost";
  if (!found) return fence;
  const isBare = line.slice(found.column + found.length).trim() === "";
  const closes = found.mark === fence.mark && found.length >= fence.length && isBare && !found.listed;
  if (isTop) return closes && found.column <= 3 && !/^ *\t/.test(line) ? undefined : fence;
  const isInLine = found.column === fence.column || (found.column > fence.column && fence.listed);
  return closes && isInLine && !/^ *\t/.test(line) ? undefined : "lost";
}
