/** Finds what looks like a secret in a file that attempts may read, so that no message contains it. */
import { readFileSync, statSync } from "node:fs";

/** A file with secrets is small. */
const MAX_BYTES = 256 * 1024;
const WORDS = /[^\s"'=:,;{}[\]<>()]{16,}/g;

/** Long words with letters and digits. A folder has none: only its files could. */
export function secretsIn(path: string): string[] {
  try {
    const stats = statSync(path);
    if (!stats.isFile() || stats.size > MAX_BYTES) return [];
    const words = readFileSync(path, "utf8").match(WORDS) ?? [];
    return words.filter(
      (word) => /[0-9]/.test(word) && /[A-Za-z]/.test(word) && !/^[./~]|\.\w+\//.test(word),
    );
  } catch {
    // A file that is not there shows nothing.
    return [];
  }
}
