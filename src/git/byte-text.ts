/**
 * Text that may hold bytes that are not UTF-8, such as names of files.
 *
 * Invariants:
 * - Decoding and encoding again gives the same bytes, so that git and the disk find the file of a name.
 */
import { isUtf8 } from "node:buffer";

/** A byte that is not UTF-8 becomes half of a surrogate pair, which UTF-8 itself never holds. */
const ESCAPE = 0xdc00;
const ESCAPED = /(?<![\uD800-\uDBFF])[\uDC80-\uDCFF]/;

export function decodeBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    parts.push(bytes.toString("utf8", from, at), String.fromCharCode(ESCAPE + (bytes[at] ?? 0)));
    at++;
    from = at;
  }
  return parts.join("") + bytes.toString("utf8", from);
}

/** How many bytes the character at a position takes; 0 when it is not one. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const sequence = bytes.subarray(at, at + length);
  return sequence.length === length && isUtf8(sequence) ? length : 0;
}

export function encodeBytes(text: string): Buffer {
  if (isPlainText(text)) return Buffer.from(text, "utf8");
  const parts = text.split(new RegExp(`(${ESCAPED.source})`));
  return Buffer.concat(
    parts.map((part) =>
      ESCAPED.test(part) ? Buffer.from([part.charCodeAt(0) - ESCAPE]) : Buffer.from(part, "utf8"),
    ),
  );
}

/** False for text with bytes that are not UTF-8. An argument of a process cannot hold it. */
export const isPlainText = (text: string): boolean => !ESCAPED.test(text);

/** The form in which the disk takes a path. */
export const diskPath = (path: string): string | Buffer => (isPlainText(path) ? path : encodeBytes(path));
