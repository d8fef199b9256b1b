/** What git and servers say, in a form that is safe to show: on one line, and without passwords. */
import { cleanLine, cleanText, redact } from "../core/util/redact.ts";

/** The longest kept message of a server, in characters. */
const LONGEST = 600;

/** Progress lines between the messages of a server. */
const PROGRESS =
  /^remote: *(?:(?:Resolving|Enumerating|Counting|Compressing|Checking|Processing) \w+: |Total \d)/;

/** The message of git or the server, on one line and without passwords. */
export function serverMessage(stderr: string): string {
  const lines = messageLines(stderr).filter((line) => /^(?:fatal|error|remote): *\S/.test(line));
  const kept = (lines.length > 0 ? lines : messageLines(stderr)).slice(0, 4);
  const text = kept.map((line) => line.replace(/^(?:fatal|error): /, "").trimEnd()).join("; ");
  // The text of a server is untrusted.
  return cleanLine(redact(cleanText(withoutPassword(text))), LONGEST);
}

export const messageLines = (stderr: string): string[] =>
  stderr.split(/[\r\n]+/).filter((line) => !PROGRESS.test(line));

/** Removes names from a message: a branch may be named `fix/403`, and a folder `read-only`. */
export const withoutNames = (text: string): string =>
  text.replaceAll(/'?\brefs\/\S+|'?\b\w+:\/\/\S+/g, "").replaceAll(/'[^'\n]*'/g, "");

/** An address that is safe to show. */
export const withoutPassword = (text: string): string => text.replaceAll(/:\/\/[^/\s]*@/g, "://");
