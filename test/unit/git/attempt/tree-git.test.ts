import { describe, expect, it } from "vitest";
import { cleanEnv } from "../../../../src/git/git.ts";
import { allowedVariables, driversOf, filtersOff, isInside } from "../../../../src/git/attempt/tree-git.ts";

const SETTINGS = [
  ["filter.lfs.clean", "git-lfs clean"],
  ["filter.lfs.smudge", "git-lfs smudge"],
  ["filter.a=b.process", "x"],
  ["filter.with.dots.required", "true"],
  ["filter.line\nbreak.clean", "x"],
  ["filter.lfs.other", "x"],
  ["filter.clean", "x"],
  ["user.name", "filter.user.clean"],
] as const;

describe("driversOf", () => {
  it("names each driver once, whatever its name contains", () => {
    expect(driversOf(SETTINGS)).toEqual(["lfs", "a=b", "with.dots", "line\nbreak"]);
  });

  it("names none without settings", () => {
    expect(driversOf([])).toEqual([]);
  });
});

describe("filtersOff", () => {
  it("switches off each program of each driver that is not allowed", () => {
    expect(filtersOff([["filter.a=b.clean", "x"]], [])).toEqual([
      ["filter.a=b.clean", ""],
      ["filter.a=b.smudge", ""],
      ["filter.a=b.process", ""],
      ["filter.a=b.required", "false"],
    ]);
  });

  it("leaves those that are allowed, by their whole name", () => {
    const keys = filtersOff(SETTINGS, ["lfs", "with"]).map(([key]) => key);
    expect(keys.some((key) => key.startsWith("filter.lfs."))).toBe(false);
    expect(keys).toContain("filter.with.dots.clean");
  });
});

describe("isInside", () => {
  it.each([".env", "config/local.json", "..a/b", "a..b"])("accepts %s", (path) => {
    expect(isInside(path)).toBe(true);
  });

  it.each(["", "/etc/passwd", "..", "../a", "a/../b", "a/.."])("refuses %j", (path) => {
    expect(isInside(path)).toBe(false);
  });
});

describe("allowedVariables", () => {
  it("leaves out what may be a secret, and relative entries of PATH", () => {
    const env = {
      PATH: "/bin:.:",
      HOME: "/home/ann",
      GITHUB_TOKEN: "x",
      GIT_DIR: "/x",
      GIT_CONFIG_COUNT: "1",
    };
    expect(allowedVariables(cleanEnv(env))).toEqual({
      PATH: "/bin",
      HOME: "/home/ann",
      LC_ALL: "C",
      GIT_TERMINAL_PROMPT: "0",
    });
  });
});
