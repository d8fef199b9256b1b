import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { blobId, sharedCopy } from "../../../src/git/copy-files.ts";
import { git, temporaryDir } from "../../support/temp-repo.ts";

it.each([
  ["sha1", 40, ""],
  ["sha1", 40, "größe\n"],
  ["sha256", 64, ""],
  ["sha256", 64, "größe\n"],
] as const)("blobId is the id that git gives, with %s ids of %i digits, to %j", (format, length, text) => {
  const dir = temporaryDir();
  git(dir, ["init", "-q", `--object-format=${format}`]);
  expect(blobId(Buffer.from(text), length)).toBe(git(dir, ["hash-object", "--stdin"], text).trim());
});

it("sharedCopy writes a file again that was changed since", () => {
  const dir = temporaryDir();
  const file = { path: "states/x", executable: false, bytes: Buffer.from("trusted") };
  const path = sharedCopy(file, join(dir, "copies"));
  rmSync(path);
  writeFileSync(path, "forged");
  expect(readFileSync(sharedCopy(file, join(dir, "copies")), "utf8")).toBe("trusted");
});
