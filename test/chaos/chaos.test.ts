/**
 * A small trial with real processes, and the check held to faults that are planted into its record.
 *
 * What must hold: the trial is long enough for deaths, pauses and takeovers, and short enough for
 * every test run; each planted fault is found, and nothing is found without one.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryDir } from "../support/temp-repo.ts";
import { check } from "./check/check-trial.ts";
import { copyRecord, PLANTS } from "./planted-faults.ts";
import { evidenceOf } from "./trial-report.ts";
import { runTrial, type Trial } from "./trial.ts";

const DIST = fileURLToPath(new URL("../../dist", import.meta.url));
const WANTED = { seed: 11, runners: 3, branches: 10, kills: 15, pauses: 4, people: 6 };

describe.runIf(process.platform === "linux")("runners among deaths, pauses and people", () => {
  let trial: Trial;
  let parent = "";

  beforeAll(async () => {
    // Not among the temporary files, which go with the run.
    parent = mkdtempSync(join(DIST, "chaos-"));
    trial = await runTrial({
      ...WANTED,
      dist: DIST,
      faultsMs: 30_000,
      quietMs: 400_000,
      ttlMs: 3000,
      concurrency: 2,
      keep: join(parent, "trial"),
      tell: () => undefined,
    });
  });

  // What was found has to be looked at.
  afterAll(() => {
    if (trial.findings.length === 0) rmSync(parent, { recursive: true, force: true, maxRetries: 5 });
  });

  it("answer each request once, lose nothing, and leave nothing", () => {
    expect(trial.findings, evidenceOf(trial)).toEqual([]);
    expect(trial.figures.requests).toBeGreaterThanOrEqual(WANTED.branches);
    expect(trial.figures.answers).toBeGreaterThan(WANTED.branches);
    expect(trial.counts.kills).toBeGreaterThan(0);
    expect(trial.people.accepted).toBeGreaterThan(0);
    expect(check(trial.root).findings).toEqual([]);
  });

  it.each(Object.entries(PLANTS))("are found out when the record says: %s", async (kind, plant) => {
    const copy = join(temporaryDir(), "copy");
    mkdirSync(copy);
    const lab = copyRecord(trial.root, copy);
    await plant(lab);
    expect(check(lab.root).findings.map((one) => one.kind)).toContain(kind);
  });
});
