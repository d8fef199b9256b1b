import { expect, it } from "vitest";
import { formatDuration, parseDuration } from "../../../../src/core/util/duration.ts";

it("parses and formats durations as people write them", () => {
  expect(["30s", "5m", "1h30m", "2d", "450ms", "1.5h"].map(parseDuration)).toEqual([
    30_000, 300_000, 5_400_000, 172_800_000, 450, 5_400_000,
  ]);
  for (const bad of ["", "5", "0s", "-5m", "5 m", "5y", "1h30"]) expect(parseDuration(bad)).toBeUndefined();
  expect([0, 450, 1500, 42_000, 65_000, 3_600_000, 90_061_000].map(formatDuration).join(", ")).toBe(
    "0ms, 450ms, 1.5s, 42s, 1m 5s, 1h, 1d 1h",
  );
});
