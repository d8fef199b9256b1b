/**
 * Escapes text from strangers for GitHub's Markdown.
 *
 * Invariants:
 * - The text stays on its line and in its table cell.
 * - It never becomes markup, a link, an image, a mention or a reference.
 */
import { cleanLine, redact } from "../../core/util/redact.ts";

/**
 * A code span, in which GitHub interprets nothing. A backquote would end it, and a bar would end a
 * table cell, so both are replaced with similar characters.
 */
export function escapeCode(text: string, limit = 80): string {
  const line = cleanLine(redact(text), limit).replaceAll("`", "'").replaceAll("|", "│").trim();
  return line === "" ? "`-`" : `\`${line}\``;
}

/** Words that GitHub does not turn into a link: no address, mention, issue number or commit id. */
const PLAIN_WORD = /^(?:\(?[A-Za-z][a-z']{0,24}\)?[,;:.]?|\d{1,5}(?:ms|s|m|h)?[,;:]?)$/;
/** Seven or more of these letters can be a commit id, and `www` starts an address. */
const AUTOLINKED = /^\(?(?:[a-f]{7,}|www)/i;

/** A sentence; words that GitHub could turn into a link are put into code spans. */
export function escapeProse(text: string, limit = 300): string {
  const parts: string[] = [];
  let unsafe: string[] = [];
  const flush = () => {
    if (unsafe.length > 0) parts.push(escapeCode(unsafe.join(" "), limit));
    unsafe = [];
  };
  for (const word of cleanLine(redact(text), limit).split(" ")) {
    if (word === "") continue;
    if (!PLAIN_WORD.test(word) || AUTOLINKED.test(word)) unsafe.push(word);
    else {
      flush();
      parts.push(word);
    }
  }
  flush();
  return parts.join(" ");
}

/** A link. `inside` must already be escaped. */
export const escapeLink = (inside: string, address: string): string => `[${inside}](${address})`;

/** One segment of a URL, with the characters encoded that could end a Markdown link. */
export const encodePath = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*~]/g,
    (character) => `%${character.codePointAt(0)?.toString(16).toUpperCase()}`,
  );
