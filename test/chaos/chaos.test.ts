/**
 * A small trial with real processes, and a test of the check with planted faults.
 *
 * Invariants:
 * - The check finds every planted fault, and nothing without one.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryDir } from "../support/temp-repo.ts";
import { checkTrial } from "./check/check-trial.ts";
import { copyRecord, PLANTED_FAULTS } from "./planted-faults.ts";
import { evidenceOf } from "./trial-report.ts";
import { runTrial, type Trial } from "./trial.ts";

const DIST = fileURLToPath(new URL("../../dist", import.meta.url));
const OPTIONS = { seed: 11, runners: 3, branches: 10, kills: 15, pauses: 4, people: 6 };

describe.runIf(process.platform === "linux")("runners with kills, pauses and people", () => {
  let trial: Trial;
  let parent = "";

  beforeAll(async () => {
    // Outside the temporary folder, which is deleted after the run.
    parent = mkdtempSync(join(DIST, "chaos-"));
    trial = await runTrial({
      ...OPTIONS,
      dist: DIST,
      faultsMs: 30_000,
      quietMs: 400_000,
      ttlMs: 3000,
      concurrency: 2,
      keep: join(parent, "trial"),
      reportProgress: () => undefined,
    });
  });

  // The directory is kept for inspection after a finding.
  afterAll(() => {
    if (trial.findings.length === 0) rmSync(parent, { recursive: true, force: true, maxRetries: 5 });
  });

  it("answer each request once, lose nothing and leave nothing behind", () => {
    expect(trial.findings, evidenceOf(trial)).toEqual([]);
    expect(trial.figures.requests).toBeGreaterThanOrEqual(OPTIONS.branches);
    expect(trial.figures.answers).toBeGreaterThan(OPTIONS.branches);
    expect(trial.counts.kills).toBeGreaterThan(0);
    expect(trial.people.accepted).toBeGreaterThan(0);
    expect(checkTrial(trial.root).findings).toEqual([]);
  });

  it.each(Object.entries(PLANTED_FAULTS))(
    "are reported by the check for the planted fault: %s",
    async (kind, plant) => {
      const copy = join(temporaryDir(), "copy");
      mkdirSync(copy);
      const directory = copyRecord(trial.root, copy);
      await plant(directory);
      expect(checkTrial(directory.root).findings.map((finding) => finding.kind)).toContain(kind);
    },
  );
});
