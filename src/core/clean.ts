/**
 * Makes hostile text fit to be written to history, to a log or to a terminal.
 *
 * What must hold: the result has no control character but tab and newline, no escape sequence, no
 * character that reorders text, and nothing in the shape of a well-known secret. Linear in size.
 */

// oxlint-disable-next-line no-control-regex
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]{0,4096}(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
const REORDERING = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

const SECRETS: readonly RegExp[] = [
  /\bgh[pousr]_[A-Za-z0-9]{36,255}\b/g,
  /\bgithub_pat_[A-Za-z0-9_]{22,255}\b/g,
  /\bglpat-[A-Za-z0-9_-]{20,255}\b/g,
  /\bsk-[A-Za-z0-9_-]{20,255}\b/g,
  /\bAKIA[0-9A-Z]{16}\b/g,
  /\bxox[abprs]-[A-Za-z0-9-]{10,255}\b/g,
  /\bnpm_[A-Za-z0-9]{36}\b/g,
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]{0,8192}?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g,
  /\beyJ[A-Za-z0-9_-]{10,2048}\.eyJ[A-Za-z0-9_-]{10,4096}\.[A-Za-z0-9_-]{10,2048}/g,
];

/** Text of one or more lines; carriage returns become newlines, so that progress bars stay legible. */
export function cleanText(text: string): string {
  return text
    .replace(ESCAPES, "")
    .replace(/\r+\n?/g, "\n")
    .replace(CONTROLS, "")
    .replace(REORDERING, "");
}

/** One line: every run of white space becomes one space; cut to `limit` characters. */
export function cleanLine(text: string, limit = 200): string {
  const line = cleanText(text.slice(0, limit * 8))
    .replace(/\s+/g, " ")
    .trim();
  return line.length <= limit ? line : `${line.slice(0, limit - 1)}…`;
}

/** Replaces what looks like a credential, and every one of the `known` values, by `[redacted]`. */
export function redact(text: string, known: readonly string[] = []): string {
  let result = text;
  for (const secret of known) {
    if (secret.length >= 6) result = result.split(secret).join("[redacted]");
  }
  for (const shape of SECRETS) result = result.replace(shape, "[redacted]");
  return result;
}
