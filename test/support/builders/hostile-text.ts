/** Generates commit messages from all elements of git's trailer rules, and from look-alikes. */
import * as fc from "fast-check";

/** A placeholder that `toBytes` replaces by a byte that is never valid in UTF-8. */
const BAD_BYTE = "\uf8ff";

const KEYS = [
  "State",
  "state",
  "Signed-off-by",
  "Depends-On",
  "a",
  "X-9",
  "9",
  "-",
  "-a",
  "",
  "Ünder",
  "a_b",
];
const KEY_ENDS = ["", "", "", " ", "\t", "  \t ", "\u00a0", "\v", " x", "\r"];
const VALUES = [
  "review",
  "a: b",
  "",
  " ",
  "\t",
  "x ",
  " x",
  ":",
  "ann <a@b.c>",
  "ä ö",
  "日本",
  "😀",
  "e\u0301",
  "\u00a0",
  "\v",
  "\f",
  "\u001b[31m",
  "\u2028",
  "\ufeff",
  BAD_BYTE,
  `a${BAD_BYTE}b`,
  "#",
  "---",
  `  ${" ".repeat(300)}x`,
];

/** A value with one unusual property. */
export const hostileValue: fc.Arbitrary<string> = fc.constantFrom(...VALUES);

const trailer = fc
  .tuple(fc.constantFrom(...KEYS), fc.constantFrom(...KEY_ENDS), hostileValue)
  .map(([key, lastLineEnd, value]) => `${key}${lastLineEnd}: ${value}`);

/** A valid trailer, so that many paragraphs are trailer blocks. */
const plainTrailer = fc.constantFrom(
  "State: review",
  "Signed-off-by: Ann <ann@example.com>",
  "Depends-On: 3f2a91c",
  "Refs: #12",
  "Key:value",
  "Key :value",
  "Empty:",
  "Empty: ",
);

const special = fc.constantFrom(
  "(cherry picked from commit 3f2a91c)",
  "(cherry picked from commit ",
  "Signed-off-by: ",
  "Signed-off-by:x",
  " Signed-off-by: x",
  "signed-off-by: x",
  "---",
  "--- ",
  "--- a/file",
  "diff --git a/x b/x",
  "# ------------------------ >8 ------------------------",
  "# --- >8 ---",
  "# comment",
  "#",
  "#State: x",
  " # indented",
  "Conflicts:",
  "Conflicts: ",
  "\tpath/of/conflict",
  "Conflicts:\r",
  "conflicts:",
);

const prose = fc.constantFrom(
  "feat(auth): throttle logins",
  "Some words.",
  "words with: a colon",
  "http://example.com",
  "a",
  ":",
  "::",
  "x\0State: hidden",
  "\0",
  "\ufeffState: review",
  BAD_BYTE,
  "-",
  "* item",
  "Ω: x",
  "a\vb: c",
  "\vState: x",
);

const fold = fc.constantFrom(
  " folded",
  "\tfolded",
  "  a: b",
  " ",
  "\t",
  " :",
  " \u00a0",
  "\u00a0folded",
  "\ffolded",
);
const blank = fc.constantFrom("", "", "", " ", "\t", " \t ", "\r", "\v", "\f", "\u00a0", "\u2003");

const line = fc.oneof(
  { arbitrary: plainTrailer, weight: 6 },
  { arbitrary: blank, weight: 5 },
  { arbitrary: trailer, weight: 3 },
  { arbitrary: special, weight: 3 },
  { arbitrary: fold, weight: 2 },
  { arbitrary: prose, weight: 2 },
);

const anyLines = fc.array(line, { maxLength: 12 });
/** A title, a blank line and mostly trailers: the shape that most often has a trailer block. */
const typicalLines = fc
  .tuple(
    fc.constantFrom("subject", "feat: x", "State: title", "# comment"),
    fc.array(fc.oneof(prose, blank, special), { maxLength: 3 }),
    fc.array(fc.oneof({ arbitrary: plainTrailer, weight: 3 }, trailer, special, fold), { maxLength: 6 }),
    fc.array(fc.oneof(blank, special), { maxLength: 2 }),
  )
  .map(([title, body, block, tail]) => [[title, ""], body, [""], block, tail].flat());

const lastLineEnd = fc.constantFrom("\n", "\n", "\n", "", "\n\n", "\r\n", " ", "\n \n");
const join = fc.constantFrom("\n", "\n", "\n", "\n", "\r\n");

/** A message as text. `toBytes` converts it to the bytes of a commit. */
export const hostileMessage: fc.Arbitrary<string> = fc
  .tuple(fc.oneof(anyLines, typicalLines), join, lastLineEnd)
  .map(([lines, newline, last]) => lines.join(newline) + last);

/** A message, or arbitrary text. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  hostileMessage,
  fc.string({ unit: "binary", maxLength: 200 }),
);

/** The message as UTF-8, with the placeholders replaced by invalid bytes. */
export function toBytes(message: string): Buffer {
  const [first = "", ...rest] = message.split(BAD_BYTE);
  return Buffer.concat([Buffer.from(first), ...rest.flatMap((part) => [Buffer.of(0xff), Buffer.from(part)])]);
}
