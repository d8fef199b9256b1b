import { expect, it } from "vitest";
import { leavesTree } from "../../../../src/git/attempt/outside-links.ts";

it.each([
  ["link", "/etc/passwd", true],
  ["link", "..", true],
  ["link", "../a", true],
  ["a/link", "../..", true],
  ["a/link", "../../b", true],
  ["a/b/link", "../../../x/y", true],
  ["link", "b/../../c", true],
  ["link", ".", false],
  ["link", "..a", false],
  ["link", "a/..", false],
  ["a/link", "..", false],
  ["a/link", "../b", false],
  ["a/b/link", "../../c", false],
  ["link", "", false],
])("a link at %s to %j leaves the tree: %s", (path, target, expected) => {
  expect(leavesTree(path, target)).toBe(expected);
});
