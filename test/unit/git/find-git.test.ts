import { describe, expect, it } from "vitest";
import { isAbsolute } from "node:path";
import { absolutePath, findGit } from "../../../src/git/find-git.ts";

describe("absolutePath", () => {
  it.each([
    ["/usr/bin:/bin", "/usr/bin:/bin"],
    [".:/bin", "/bin"],
    ["/bin:", "/bin"],
    [":/bin", "/bin"],
    ["bin:./bin:../bin:/bin", "/bin"],
    ["", ""],
    [undefined, ""],
  ])("makes %j to %j", (path, expected) => {
    expect(absolutePath(path)).toBe(expected);
  });
});

describe("findGit", () => {
  it("returns an absolute path", () => {
    expect(isAbsolute(findGit(process.env["PATH"]))).toBe(true);
  });

  it("returns just the name where there is none", () => {
    expect(findGit("/nonexistent")).toBe("git");
  });
});
