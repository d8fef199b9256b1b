/**
 * Our parser finds the trailers that git finds, in every message. FUZZ_SEED=<n> tries other messages.
 *
 * Invariants:
 * - Each message is compared by itself, so that no difference hides another.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeRepo } from "../../../support/temp-repo.ts";
import { printTrailers, roundTripThroughGit } from "../../../support/builders/generated-history.ts";
import { hostileMessage, toBytes } from "../../../support/builders/hostile-text.ts";
import { cases } from "../../../support/scale.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? 1);
/** `npm run test:all` compares 200,000 messages. */
const BATCHES = cases(2);
const BATCH = 10_000;
const { dir } = makeRepo();

interface Difference {
  readonly message: string;
  readonly git: string;
  readonly ours: string;
}

/** What `git interpret-trailers` prints for each message. One process prints all, with a mark after each. */
function throughInterpretTrailers(messages: readonly Uint8Array[]): string[] {
  const mark = "End-Of-One-Message: 1\n";
  writeFileSync(join(dir, "mark"), `title\n\n${mark}`);
  const files = messages.flatMap((message, at) => {
    writeFileSync(join(dir, `message-${at}`), message);
    return [`message-${at}`, "mark"];
  });
  const args = ["interpret-trailers", "--parse", "--no-divider", ...files];
  const output = execFileSync("git", args, { cwd: dir, maxBuffer: 1 << 30 }).toString();
  return output.split(mark).slice(0, -1);
}

/** Compares the written messages with what `git log` prints of them, which ends at a NUL. */
function compare(messages: readonly string[]): { compared: number; blocks: number; found: Difference[] } {
  const bytes = messages.map(toBytes);
  const read = roundTripThroughGit(dir, bytes);
  let blocks = 0;
  const found = read.flatMap(({ message: shown, trailers }, at) => {
    const message = messages[at] ?? "";
    const ours = printTrailers(bytes[at]?.toString() ?? "");
    if (trailers !== "") blocks++;
    return ours === trailers && printTrailers(shown) === trailers ? [] : [{ message, git: trailers, ours }];
  });
  return { compared: read.length, blocks, found };
}

/** The parts without the first of them, without the second, and so on. */
function without(parts: readonly string[], glue: string): string[] {
  return parts.map((_, at) => parts.toSpliced(at, 1).join(glue));
}

/** Removes lines, then characters, as long as the difference remains. Each step runs git once. */
function smallest(difference: Difference): Difference {
  const { message } = difference;
  const [smaller] = compare([
    ...without(message.split("\n"), "\n"),
    ...without(Array.from(message), ""),
  ]).found;
  return smaller ? smallest(smaller) : difference;
}

describe("parseTrailers", () => {
  it.each(Array.from({ length: BATCHES }, (_, batch) => batch))(
    `reads what git reads, batch %i of ${BATCHES} with ${BATCH} messages`,
    (batch) => {
      const messages = fc.sample(hostileMessage, { seed: SEED * 1000 + batch, numRuns: BATCH });
      const { compared, blocks, found } = compare(messages);
      const [first] = found;
      expect(first && smallest(first)).toBeUndefined();
      expect(compared).toBe(BATCH);
      // A generator that hardly ever makes a block would prove nothing.
      expect(blocks).toBeGreaterThan(BATCH / 5);
    },
  );

  it("reads what git interpret-trailers reads", () => {
    const messages = fc
      .sample(hostileMessage, { seed: SEED, numRuns: cases(400) })
      // It keeps leading blank lines and a NUL, which `git log` removes first.
      .filter((message) => !/^\s*\n/.test(message) && !message.includes("\0"));
    const read = throughInterpretTrailers(messages.map(toBytes));
    expect(read).toHaveLength(messages.length);
    for (const [at, message] of messages.entries()) {
      const ours = printTrailers(toBytes(message).toString());
      expect({ message, trailers: ours }).toEqual({ message, trailers: read[at] });
    }
  });
});
