/** Text that holds any bytes: decoding loses none. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decodeBytes, diskPath, encodeBytes, isPlainText } from "../../../src/git/byte-text.ts";

test("any bytes survive", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(encodeBytes(decodeBytes(Buffer.from(bytes)))).toEqual(Buffer.from(bytes));
    }),
  );
});

test("text of characters stays as it is", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(decodeBytes(Buffer.from(text))).toBe(text);
      expect(encodeBytes(text)).toEqual(Buffer.from(text));
      expect(isPlainText(text)).toBe(true);
    }),
  );
});

test.each([
  ["a byte of Latin-1", [0x63, 0xe9, 0x2f, 0xc3, 0xa9]],
  ["a sequence that is cut", [0x61, 0xf0, 0x9f, 0xa6]],
  ["half of a surrogate pair", [0xed, 0xb2, 0x80]],
  ["a character beside a bad byte", [0xff, 0xf0, 0x9f, 0xa6, 0x8a, 0xff]],
])("%s is a path for the disk", (_, values) => {
  const bytes = Buffer.from(values);
  const text = decodeBytes(bytes);
  expect(isPlainText(text)).toBe(false);
  expect(diskPath(`a/${text}`)).toEqual(Buffer.concat([Buffer.from("a/"), bytes]));
});
