import { expect, it } from "vitest";
import {
  branchOf,
  parseBranch,
  parseRunId,
  parseSha,
  parseStateName,
  refOf,
} from "../../../../src/core/protocol/ids.ts";
import { branch, RUN } from "../../../support/builders/generated-snapshots.ts";

it("accepts the branch names that git allows", () => {
  for (const good of ["a", "feat/x", "ünder", "a.b", "refs/heads/a"]) expect(parseBranch(good)).toBeDefined();
  const bad = [
    "",
    "-a",
    "a..b",
    "a.",
    "@",
    "a@{b",
    "a b",
    "a\n",
    "a~",
    "a//b",
    "/a",
    ".a",
    "a/.b",
    "a.lock",
    "a\\b",
  ];
  for (const one of bad) expect(parseBranch(one)).toBeUndefined();
  expect(refOf(branch("feat/x"))).toBe("refs/heads/feat/x");
  expect(branchOf("refs/heads/feat/x")).toBe("feat/x");
  expect(branchOf("refs/tags/x")).toBeUndefined();
});

it("accepts only well-formed state names and ids", () => {
  for (const good of ["a", "code-review", "a.b_c", "9"]) expect(parseStateName(good)).toBe(good);
  for (const bad of ["", "A", ".a", "a/b", "a..b", "a b", "a\n", "a".repeat(65)]) {
    expect(parseStateName(bad)).toBeUndefined();
  }
  expect(parseSha("a".repeat(40))).toBeDefined();
  expect(parseSha("a".repeat(64))).toBeDefined();
  for (const bad of ["a".repeat(39), "A".repeat(40), `${"a".repeat(40)}\n`])
    expect(parseSha(bad)).toBeUndefined();
  expect(parseRunId(RUN)).toBe(RUN);
  expect(parseRunId("1")).toBeUndefined();
});
