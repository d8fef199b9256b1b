import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readCandidateWorkflow } from "../../../src/app/local-scripts.ts";
import type { ReadTrustedConfig } from "../../../src/git/read-trusted-config.ts";

const folder = mkdtempSync(join(tmpdir(), "trailhand-local-scripts-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a workflow of one state and a file for it, and returns its problems. */
function problemsWith(file: string, mode: number): string[] {
  const dir = mkdtempSync(join(folder, "work-tree-"));
  mkdirSync(join(dir, "states"));
  writeFileSync(join(dir, "states/workflow.yml"), "states:\n  plan: { next: done }\n");
  writeFileSync(join(dir, "states", file), "#!/bin/sh\n", { mode });
  const trusted = { scripts: new Map() } as unknown as ReadTrustedConfig;
  return readCandidateWorkflow(dir, "states/workflow.yml", trusted).problems.map(({ message }) => message);
}

describe("a workflow of the worktree", () => {
  it("takes a prompt, although it is not executable", () => {
    expect(problemsWith("plan.md", 0o644)).toEqual([]);
  });

  it("takes an executable, and reports a file that is not one", () => {
    expect(problemsWith("plan", 0o755)).toEqual([]);
    expect(problemsWith("plan", 0o644)).toHaveLength(1);
  });
});
