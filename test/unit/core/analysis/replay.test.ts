import { expect, test } from "vitest";
import type { Sha } from "../../../../src/core/protocol/ids.ts";
import { comparableText, readMeasurements } from "../../../../src/core/analysis/replay.ts";
import { parseChanges, parseNumstat } from "../../../../src/git/parse-output.ts";

const id = (name: string): Sha => name.repeat(40).slice(0, 40) as Sha;

test("measurements are listed, and are not a difference", () => {
  const was =
    "built\n\nWell.\n\nRefs: #1\nState: check\nRun: a\nTook: 3s\nCost: 1 USD\nSpent: 1 USD\nRounds: check=1\n";
  const now = was.replace("Run: a", "Run: b").replace("3s", "4s").replace("check=1", "check=2");
  expect(comparableText(now)).toBe(comparableText(was));
  expect(comparableText(was)).toBe("built\n\nWell.\n\nRefs: #1\nState: check\n");
  expect(comparableText(was.replace("Well", "Ill"))).not.toBe(comparableText(was));
  expect(comparableText(was.replace("#1", "#2"))).not.toBe(comparableText(was));
  expect(readMeasurements(was, now)).toEqual({
    took: { was: "3s", now: "4s" },
    cost: { was: "1 USD", now: "1 USD" },
  });
  expect(readMeasurements("x\n", "")).toEqual({});
});

test("changed paths are parsed, whatever their names", () => {
  const change = (path: string) => `:100644 100644 ${id("1")} ${id("2")} M\0${path}\0`;
  const output = `${id("a")}\0${change(id("b"))}${change("x\ny")}${id("c")}\0${change(":x")}`;
  expect([...parseChanges(output)]).toEqual([
    [id("a"), [id("b"), "x\ny"]],
    [id("c"), [":x"]],
  ]);
  expect(parseChanges("").size).toBe(0);
  expect(parseNumstat("1\t2\tx\ny\0-\t-\t1\t2\0")).toEqual([
    { path: "x\ny", added: 1, removed: 2 },
    { path: "1\t2", added: undefined, removed: undefined },
  ]);
});
