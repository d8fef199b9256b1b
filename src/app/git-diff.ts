/** Compares two texts, or two trees, with git. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Git } from "../git/git.ts";
import { parseNumstat, type Change } from "../git/parse-output.ts";

/** Ignores external diff programs of the configuration. */
const PLAIN = ["--no-ext-diff", "--no-textconv", "--no-color"];

/** The files that differ between two trees. */
export async function readFileChanges(git: Git, older: string, newer: string): Promise<Change[]> {
  const args = ["diff", "--numstat", "-z", "--no-renames", ...PLAIN, older, newer, "--"];
  return parseNumstat(await git.text(args));
}

/** A unified diff of two texts; empty when they are the same. */
export async function diffTexts(git: Git, older: string, newer: string): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), "trailhand-diff-"));
  try {
    writeFileSync(join(dir, "recorded"), older);
    writeFileSync(join(dir, "replayed"), newer);
    const args = ["diff", "--no-index", ...PLAIN, "--", "recorded", "replayed"];
    const { stdout } = await git.with({ dir }).run(args, { allowedCodes: [1] });
    // The header names the two temporary files.
    return stdout.slice(Math.max(0, stdout.indexOf("--- ")));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
