import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { isFolder, statOf } from "../../../../src/git/attempt/attempt-folder.ts";
import { temporaryDir } from "../../../support/temp-repo.ts";

it("statOf finds nothing at a path that leads nowhere, through a file or in circles", () => {
  const dir = temporaryDir();
  writeFileSync(join(dir, "file"), "x");
  symlinkSync("loop", join(dir, "loop"));
  for (const path of ["none", "file/below", "loop/below", "x".repeat(5000), "a\0b"])
    expect(statOf(join(dir, path))).toBeUndefined();
  expect(statOf(join(dir, "file"))?.isFile()).toBe(true);
  expect(statOf(join(dir, "loop"))?.isSymbolicLink()).toBe(true);
});

it("isFolder takes no link for a folder", () => {
  const dir = temporaryDir();
  mkdirSync(join(dir, "folder"));
  symlinkSync("folder", join(dir, "link"));
  expect(isFolder(join(dir, "folder"))).toBe(true);
  expect(isFolder(join(dir, "link"))).toBe(false);
});
