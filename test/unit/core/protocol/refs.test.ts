import { expect, it } from "vitest";
import {
  archiveRef,
  closedRef,
  COLLECTED_REFS,
  DECIDING_REFS,
  HOLD,
  NOTE_REFS,
  probeRef,
  refsOf,
  salvageRef,
  SCANNED_REFS,
  shadowRef,
  slotRef,
  unsignedRef,
  usedRef,
} from "../../../../src/core/protocol/refs.ts";
import type { Branch, RunId, Sha } from "../../../../src/core/protocol/ids.ts";

const BRANCH = "feat/x" as Branch;
const RUN = "00000000-0000-4000-8000-000000000001" as RunId;
const SHA = "0123456789abcdef0123456789abcdef01234567" as Sha;

it("names the refs of a branch by its key", () => {
  expect(refsOf("k")).toEqual({
    lease: "refs/trailhand/leases/k",
    parked: "refs/trailhand/parked/k",
    follow: "refs/trailhand/follow/k",
    journal: "refs/trailhand/journal/k",
    checks: "refs/trailhand/checks/k",
  });
});

it("names the refs of a run, a response and a lane", () => {
  expect(salvageRef(BRANCH, RUN)).toBe(`refs/trailhand/salvage/feat/x/${RUN}`);
  expect(shadowRef(BRANCH, RUN)).toBe(`refs/trailhand/shadow/feat/x/${RUN}`);
  expect(unsignedRef(SHA)).toBe(`refs/trailhand/unsigned/${SHA}`);
  expect(archiveRef(BRANCH, SHA)).toBe("refs/trailhand/archive/feat/x/0123456789ab");
  expect(slotRef("wide", 0)).toBe("refs/trailhand/lanes/wide/0");
  expect(usedRef("wide", 3)).toBe("refs/trailhand/used/wide/3");
  expect(closedRef("wide")).toBe("refs/trailhand/closed/wide");
  expect(probeRef("trial", "a/b")).toBe("refs/trailhand/probe/trial/a/b");
  expect(HOLD).toBe("refs/trailhand/hold");
});

it("lists the refs that decide, and locally those of checkouts that have to follow", () => {
  const deciding = ["leases/", "lanes/", "parked/", "used/", "closed/", "checks/", "hold"];
  expect(DECIDING_REFS).toEqual(deciding.map((name) => `refs/trailhand/${name}`));
  expect(SCANNED_REFS).toEqual(["refs/heads/", ...DECIDING_REFS, "refs/trailhand/follow/"]);
});

it("lists notes and traces of runs for gc, but never the archive or the hold", () => {
  expect(NOTE_REFS).toEqual(["used/", "closed/", "checks/", "hold"].map((name) => `refs/trailhand/${name}`));
  expect(COLLECTED_REFS.map((prefix) => prefix.slice("refs/trailhand/".length)).toSorted()).toEqual([
    "checks/",
    "closed/",
    "journal/",
    "salvage/",
    "shadow/",
    "unsigned/",
    "used/",
  ]);
});
