/**
 * Makes hostile text fit to be written to history, to a log or to a terminal.
 *
 * What must hold: the result has no control character but tab and newline, no escape sequence, no
 * character that reorders text, no half of a character that UTF-8 cannot hold, and nothing in the
 * shape of a well-known secret. Linear in size.
 */

const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]{0,4096}(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
/** With the flag `u` this matches only a half that has lost its other half. */
const HALVES = /\p{Surrogate}/gu;
const REORDERING = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

// A secret may touch the text around it (`TOKEN_ghp_…`, `ghp_…_x`): only a letter or digit before it
// makes it part of another word. Each shape is bounded, and takes what it has looked through or is
// begun once in a word, so that no text makes the search slow.
const SECRETS: readonly RegExp[] = [
  /(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{36,255}/g,
  /(?<![A-Za-z0-9])github_pat_[A-Za-z0-9_]{22,255}/g,
  /(?<![A-Za-z0-9])glpat-[A-Za-z0-9_-]{20,255}/g,
  /(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{20,255}/g,
  /(?<![A-Za-z0-9])AKIA[0-9A-Z]{16}/g,
  /(?<![A-Za-z0-9])xox[abprs]-[A-Za-z0-9-]{10,255}/g,
  /(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36,255}/g,
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:[\s\S]{0,8192}?-----END [A-Z ]{0,40}PRIVATE KEY-----|[\s\S]{0,8192})/g,
  /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,2048}\.eyJ[A-Za-z0-9_-]{10,4096}\.[A-Za-z0-9_-]{10,2048}/g,
];

/** Text of one or more lines; carriage returns become newlines, so that progress bars stay legible. */
export function cleanText(text: string): string {
  return text
    .replace(ESCAPES, "")
    .replace(/\r+\n?/g, "\n")
    .replace(CONTROLS, "")
    .replace(REORDERING, "")
    .replace(HALVES, "\ufffd");
}

/** One line: every run of white space becomes one space; cut to `limit` characters. */
export function cleanLine(text: string, limit = 200): string {
  const line = cleanText(cut(text, limit * 8))
    .replace(/[ \t\n]+/g, " ")
    .trim();
  return line.length <= limit ? line : `${cut(line, limit - 1)}…`;
}

/** The first `length` units of a text, less one where that would halve a character. */
function cut(text: string, length: number): string {
  return text.slice(0, length).replace(text.length > length ? /[\ud800-\udbff]$/ : "", "");
}

/** Replaces what looks like a credential, and every one of the `known` values, by `[redacted]`. */
export function redact(text: string, known: readonly string[] = []): string {
  let result = text;
  // The longest first: a value that begins with another one would leave its end behind.
  for (const secret of known.toSorted((a, b) => b.length - a.length)) {
    if (secret.length >= 6) result = result.split(secret).join("[redacted]");
  }
  for (const shape of SECRETS) result = result.replace(shape, "[redacted]");
  return result;
}
