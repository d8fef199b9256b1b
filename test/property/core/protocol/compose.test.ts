/** A composed message has the same trailers for us, for git and for other tools. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { composeMessage, type MessageDraft } from "../../../../src/core/protocol/compose.ts";
import { isReserved } from "../../../../src/core/protocol/trailer-keys.ts";
import { parseMessage } from "../../../../src/core/protocol/message.ts";
import { readOutput } from "../../../../src/core/outcome/output.ts";
import type { Trailer } from "../../../../src/core/protocol/trailer-block.ts";
import { UserError } from "../../../../src/core/messages/messages.ts";
import { makeRepo } from "../../../support/temp-repo.ts";
import { roundTripThroughGit } from "../../../support/builders/generated-history.ts";
import { hostileMessage, hostileValue } from "../../../support/builders/hostile-text.ts";
import { cases } from "../../../support/scale.ts";

const RUNS = cases(1000);
const { dir } = makeRepo();

const key = fc.constantFrom(
  "State",
  "Branch",
  "X-Note",
  "Conflicts",
  "Signed-off-by",
  "a",
  "9",
  "bad key",
  "-x",
  "",
);
/** Lone surrogates, which UTF-8 cannot encode. */
const halves = fc.string({ unit: fc.constantFrom("a", "\ud83d", "\ude00", " ") });
const text = fc.oneof(hostileValue, hostileMessage, halves, fc.string({ unit: "binary" }));
const draft: fc.Arbitrary<MessageDraft> = fc.record({
  header: fc.oneof({ arbitrary: fc.constant("a header"), weight: 3 }, text),
  body: text,
  trailers: fc.array(
    fc.record({ key, value: fc.oneof(hostileValue, halves, fc.string({ unit: "binary" })) }),
    {
      maxLength: 5,
    },
  ),
});

/** The message, or undefined if the draft is rejected with a UserError that has a sentence. */
function composed(one: MessageDraft): string | undefined {
  try {
    return composeMessage(one);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return undefined;
  }
}

const printed = (trailers: readonly Trailer[]): string =>
  trailers.map(({ key, value }) => `${key}: ${value}\n`).join("");

describe("composeMessage", () => {
  it("writes trailers that we and git read back: the same keys, in order, each with its value", () => {
    const written = fc.sample(draft, { seed: 1, numRuns: RUNS }).flatMap((one) => {
      const message = composed(one);
      return message === undefined ? [] : [{ one, message }];
    });
    // Most drafts are rejected. Enough must remain for the test to mean something.
    expect(written.length).toBeGreaterThan(RUNS / 10);
    const stored = roundTripThroughGit(
      dir,
      written.map(({ message }) => Buffer.from(message)),
    );
    for (const [at, { one, message }] of written.entries()) {
      const { trailers } = parseMessage(message);
      expect(trailers.map(({ key }) => key)).toEqual(one.trailers.map(({ key }) => key));
      expect(trailers.every(({ value }) => value !== "")).toBe(true);
      expect({ message, trailers: stored[at]?.trailers }).toEqual({ message, trailers: printed(trailers) });
      // git returns the message byte for byte.
      expect(stored[at]?.message.trimEnd()).toBe(message.trimEnd());
    }
  });

  it("never lets a body, a header or a value add a trailer", () => {
    const meant: Trailer[] = [{ key: "Run", value: "1" }];
    fc.assert(
      fc.property(text, text, text, (header, body, value) => {
        const message = composed({ header, body, trailers: [{ key: "Note", value }, ...meant] });
        if (message === undefined) return;
        expect(parseMessage(message).trailers.map(({ key }) => key)).toEqual(["Note", "Run"]);
      }),
      { numRuns: RUNS, seed: 2 },
    );
  });

  it("accepts any body if the header and the trailers are plain", () => {
    fc.assert(
      fc.property(text, (body) => {
        const message = composeMessage({ header: "a header", body, trailers: [{ key: "Run", value: "1" }] });
        expect(parseMessage(message).trailers).toEqual([{ key: "Run", value: "1" }]);
      }),
      { numRuns: RUNS, seed: 3 },
    );
  });

  it("leaves no line that cuts the message short for git am, git commit or git apply", () => {
    fc.assert(
      fc.property(text, text, (header, body) => {
        const message = composed({ header, body, trailers: [{ key: "Run", value: "1" }] });
        expect(message ?? "").not.toMatch(/^(?:---|diff --git |# -+ >8)/m);
      }),
      { numRuns: RUNS, seed: 4 },
    );
  });
});

describe("readOutput", () => {
  const reserved = fc
    .constantFrom(
      "State",
      "Branch",
      "Answers",
      "Run",
      "Attempt",
      "Runner",
      "Hops",
      "dwp-state",
      "aynig",
      "Nonce",
    )
    .chain((one) => fc.mixedCase(fc.constant(one)));

  it("rejects every spelling of a reserved key, in every form", () => {
    fc.assert(
      fc.property(reserved, fc.constantFrom("", " ", "\t"), (name, space) => {
        expect(isReserved(name)).toBe(true);
        const forms = [
          JSON.stringify({ trailers: { [name]: "x" } }),
          JSON.stringify({ trailers: [{ key: name, value: "x" }] }),
          JSON.stringify({ trailers: { [`${name}${space}`]: "x" } }),
          JSON.stringify({ trailers: `Note: y\n${name}${space}: x` }),
          `trailers<<END\n${name}${space}: x\nEND\n`,
          `trailers=${name}:x`,
        ];
        for (const form of forms) expect(readOutput(form)).toHaveProperty("problem");
      }),
      { seed: 5 },
    );
  });

  it("accepts only trailers that a message can contain", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.oneof(key, fc.string()), fc.string()), (trailers) => {
        const reading = readOutput(JSON.stringify({ trailers }));
        if ("problem" in reading) return;
        for (const one of reading.output.trailers) {
          expect(() =>
            composeMessage({ header: "h", trailers: [{ key: one.key, value: "x" }] }),
          ).not.toThrow();
        }
      }),
      { numRuns: cases(500), seed: 6 },
    );
  });
});
