/**
 * Our reading of trailers is git's, on every message.
 *
 * What must hold: more than 100,000 generated messages take part in every run, and each is compared
 * by itself, so that none can hide behind another. FUZZ_SEED=<n> tries other messages.
 */
import { execFileSync } from "node:child_process";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeRepo } from "../../../support/temp-repo.ts";
import { printTrailers, throughGit } from "../../../support/builders/generated-history.ts";
import { hostileMessage, toBytes } from "../../../support/builders/hostile-text.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? 1);
const BATCHES = 6;
const BATCH = 20_000;
const { dir } = makeRepo();

interface Difference {
  readonly message: string;
  readonly git: string;
  readonly ours: string;
}

/** Compares what was written and what `git log` shows of it: they differ after a NUL. */
function compare(messages: readonly string[]): { compared: number; blocks: number; found: Difference[] } {
  const bytes = messages.map(toBytes);
  const read = throughGit(dir, bytes);
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

/** Leaves out lines, then characters, as long as the difference stays: one look at git a step. */
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
      // A fuzzer that hardly ever makes a block would prove nothing.
      expect(blocks).toBeGreaterThan(BATCH / 5);
    },
  );

  it("reads what git interpret-trailers reads", () => {
    const messages = fc.sample(hostileMessage, { seed: SEED, numRuns: 400 });
    for (const message of messages) {
      const input = toBytes(message);
      // It keeps leading blank lines and a NUL, which `git log` takes away before it looks.
      if (/^\s*\n/.test(message) || message.includes("\0")) continue;
      const args = ["interpret-trailers", "--parse", "--no-divider"];
      const git = execFileSync("git", args, { cwd: dir, input }).toString();
      expect({ message, trailers: printTrailers(input.toString()) }).toEqual({ message, trailers: git });
    }
  });
});
