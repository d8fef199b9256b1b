/** Every text is read as a workflow without problems, or as problems. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseWorkflow } from "../../../../src/core/workflow/workflow-file.ts";
import { anyText } from "../../../support/builders/hostile-text.ts";
import { cases } from "../../../support/scale.ts";

const RUNS = { numRuns: cases(750), seed: 1 };

describe("any text", () => {
  it("is read as a workflow without problems, or as problems", () => {
    const scalar = fc.constantFrom(
      "build",
      "done",
      "5m",
      "[a, b]",
      "{}",
      "*a",
      "&a [x]",
      "!!int x",
      "|",
      "'",
      "-1",
    );
    const key = fc.constantFrom(
      "states",
      "start",
      "limits",
      "hops",
      "next",
      "build",
      "timeout",
      "<<",
      "- ",
      "? ",
    );
    const line = fc
      .tuple(fc.nat(3), key, fc.option(scalar))
      .map(([depth, name, value]) => `${"  ".repeat(depth)}${name}: ${value ?? ""}`);
    const yaml = fc.array(line, { maxLength: 8 }).map((lines) => lines.join("\n"));
    fc.assert(
      fc.property(fc.oneof(yaml, anyText), (text) => {
        const { workflow, problems } = parseWorkflow(text);
        expect(workflow === undefined).toBe(problems.length > 0);
        for (const { line: at } of problems) {
          if (at !== undefined) expect(at).toBeLessThanOrEqual(text.split(/\r\n|\r|\n/).length);
        }
      }),
      { ...RUNS, numRuns: cases(500) },
    );
    expect(parseWorkflow("[".repeat(100_000)).problems).not.toHaveLength(0);
    expect(parseWorkflow("{a: ".repeat(100_000)).problems).not.toHaveLength(0);
  });
});
