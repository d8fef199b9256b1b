/**
 * Text of strangers on a page of GitHub.
 *
 * What must hold: (pure) whatever the text, it stays on its line and in its cell; it becomes no
 * markup, no link, no picture, no mention, no reference to an issue, and ends no block of ours.
 */
import { cleanLine, redact } from "../../core/util/redact.ts";

/**
 * A code span: in it GitHub reads nothing but its end. A backquote would be that end, and a bar the
 * end of a table's cell, so both are shown as the characters that look like them.
 */
export function escapeCode(text: string, limit = 80): string {
  const line = cleanLine(redact(text), limit).replaceAll("`", "'").replaceAll("|", "│").trim();
  return line === "" ? "`-`" : `\`${line}\``;
}

/** Words in which GitHub finds nothing: no address, name, number of an issue or id of a commit. */
const PLAIN_WORD = /^(?:\(?[A-Za-z][a-z']{0,24}\)?[,;:.]?|\d{1,5}(?:ms|s|m|h)?[,;:]?)$/;
/** Seven letters or more of these can be the id of a commit; and a word in which `www` begins an address. */
const AUTOLINKED = /^\(?(?:[a-f]{7,}|www)/i;

/** A sentence, with those of its words as code that GitHub could make something of. */
export function escapeProse(text: string, limit = 300): string {
  const parts: string[] = [];
  let odd: string[] = [];
  const flush = () => {
    if (odd.length > 0) parts.push(escapeCode(odd.join(" "), limit));
    odd = [];
  };
  for (const word of cleanLine(redact(text), limit).split(" ")) {
    if (word === "") continue;
    if (!PLAIN_WORD.test(word) || AUTOLINKED.test(word)) odd.push(word);
    else {
      flush();
      parts.push(word);
    }
  }
  flush();
  return parts.join(" ");
}

/** A link of ours; what is inside of the brackets must be a code span or words of our own. */
export const escapeLink = (inside: string, address: string): string => `[${inside}](${address})`;

/** A part of an address: what a link's parentheses could trip over is encoded too. */
export const encodePath = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*~]/g,
    (character) => `%${character.codePointAt(0)?.toString(16).toUpperCase()}`,
  );
