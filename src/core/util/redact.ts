/**
 * Cleans untrusted text before it is written to a commit, a log or a terminal.
 *
 * Invariants:
 * - The result has no control characters except tab and newline, no escape sequences, no characters
 *   that reorder text, and no lone surrogates.
 * - `redact` removes text that looks like a well-known kind of credential.
 * - Every step takes linear time in the length of the text.
 */

const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]{0,4096}(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
/** With the flag `u`, surrogates in pairs do not match. */
const LONE_SURROGATES = /\p{Surrogate}/gu;
const REORDERING = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

// A credential may touch other text (`TOKEN_ghp_…`, `ghp_…_x`). Only a letter or digit before it makes
// it part of another word. Each pattern is bounded, and consumes what it has scanned or starts once
// in a word, so no text makes the search slow.
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

/** Keeps lines. Carriage returns become newlines, so that progress bars stay readable. */
export function cleanText(text: string): string {
  return text
    .replace(ESCAPES, "")
    .replace(/\r+\n?/g, "\n")
    .replace(CONTROLS, "")
    .replace(REORDERING, "")
    .replace(LONE_SURROGATES, "\ufffd");
}

/** Makes one line of at most `limit` characters. White space collapses to single spaces. */
export function cleanLine(text: string, limit = 200): string {
  const line = cleanText(cut(text, limit * 8))
    .replace(/[ \t\n]+/g, " ")
    .trim();
  return line.length <= limit ? line : `${cut(line, limit - 1)}…`;
}

/** Cuts to `length` UTF-16 units, or one less where that would split a character. */
function cut(text: string, length: number): string {
  return text.slice(0, length).replace(text.length > length ? /[\ud800-\udbff]$/ : "", "");
}

/** Replaces each of the `known` secrets, and text that looks like a credential, with `[redacted]`. */
export function redact(text: string, known: readonly string[] = []): string {
  let result = text;
  // Longest first: if a short secret is the start of a long one, the rest of the long one would stay.
  for (const secret of known.toSorted((a, b) => b.length - a.length)) {
    if (secret.length >= 6) result = result.split(secret).join("[redacted]");
  }
  for (const pattern of SECRETS) result = result.replace(pattern, "[redacted]");
  return result;
}
