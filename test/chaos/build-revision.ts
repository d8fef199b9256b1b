/** Builds the program of an older revision, with the packages of today. */
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";

/** Returns the folder of the built program, below `into`. Throws a TypeError for an unknown revision. */
export function buildRevision(root: string, revision: string, into: string): string {
  mkdirSync(into, { recursive: true });
  const archive = join(into, "source.tar");
  try {
    execFileSync("git", ["archive", "--output", archive, revision], { cwd: root, stdio: "pipe" });
  } catch {
    throw new TypeError(`there is no revision ${revision} in ${root}`);
  }
  execFileSync("tar", ["-xf", archive, "-C", into]);
  symlinkSync(join(root, "node_modules"), join(into, "node_modules"));
  execFileSync(process.execPath, ["scripts/build.mjs", "trailhand"], { cwd: into, stdio: "inherit" });
  return join(into, "dist");
}
