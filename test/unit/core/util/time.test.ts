import { expect, it } from "vitest";
import { parseTime } from "../../../../src/core/util/time.ts";

it("accepts a time of day only with a zone", () => {
  expect(parseTime("2024-02-29T12:00:00+02:00")).toBe(Date.parse("2024-02-29T10:00:00Z"));
  expect(parseTime("2024-02-29 12:00Z")).toBe(Date.parse("2024-02-29T12:00:00Z"));
  expect(parseTime("2024-02-29T12:00:00.25Z")).toBe(Date.parse("2024-02-29T12:00:00.250Z"));
  expect(parseTime("2016-12-31T23:59:60Z")).toBe(Date.parse("2017-01-01T00:00:00Z"));
  for (const bad of [
    "tomorrow",
    "2024-02-30",
    "2023-02-29",
    "2024-13-01",
    "2024-01-01T10:00",
    "2024-01-01T10:00+99:99",
  ]) {
    expect(parseTime(bad)).toBeUndefined();
  }
});
