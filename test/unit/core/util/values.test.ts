import { describe, expect, it } from "vitest";
import { composeMessage, isTrailerKey } from "../../../../src/core/protocol/compose.ts";
import { isReserved } from "../../../../src/core/protocol/trailer-keys.ts";
import { formatDuration, parseDuration } from "../../../../src/core/util/duration.ts";
import {
  branchOf,
  parseBranch,
  parseRunId,
  parseSha,
  parseStateName,
  refOf,
} from "../../../../src/core/protocol/ids.ts";
import { parseTime } from "../../../../src/core/util/time.ts";
import { suggest } from "../../../../src/core/util/suggest.ts";
import { branch, RUN } from "../../../support/builders/generated-snapshots.ts";

describe("names", () => {
  it("of branches are those that git allows", () => {
    for (const good of ["a", "feat/x", "ünder", "a.b", "refs/heads/a"])
      expect(parseBranch(good)).toBeDefined();
    const bad = [
      "",
      "-a",
      "a..b",
      "a.",
      "@",
      "a@{b",
      "a b",
      "a\n",
      "a~",
      "a//b",
      "/a",
      ".a",
      "a/.b",
      "a.lock",
      "a\\b",
    ];
    for (const one of bad) expect(parseBranch(one)).toBeUndefined();
    expect(refOf(branch("feat/x"))).toBe("refs/heads/feat/x");
    expect(branchOf("refs/heads/feat/x")).toBe("feat/x");
    expect(branchOf("refs/tags/x")).toBeUndefined();
  });

  it("of states and ids have one shape", () => {
    for (const good of ["a", "code-review", "a.b_c", "9"]) expect(parseStateName(good)).toBe(good);
    for (const bad of ["", "A", ".a", "a/b", "a..b", "a b", "a\n", "a".repeat(65)]) {
      expect(parseStateName(bad)).toBeUndefined();
    }
    expect(parseSha("a".repeat(40))).toBeDefined();
    expect(parseSha("a".repeat(64))).toBeDefined();
    for (const bad of ["a".repeat(39), "A".repeat(40), `${"a".repeat(40)}\n`])
      expect(parseSha(bad)).toBeUndefined();
    expect(parseRunId(RUN)).toBe(RUN);
    expect(parseRunId("1")).toBeUndefined();
  });

  it("that are mistyped have a nearest one, unless they are far from all", () => {
    expect(suggest("reveiw", ["build", "review"])).toBe("review");
    expect(suggest("zzzzzz", ["build", "review"])).toBeUndefined();
    expect(suggest("a", [])).toBeUndefined();
  });
});

describe("times", () => {
  it("last as people write it", () => {
    expect(["30s", "5m", "1h30m", "2d", "450ms", "1.5h"].map(parseDuration)).toEqual([
      30_000, 300_000, 5_400_000, 172_800_000, 450, 5_400_000,
    ]);
    for (const bad of ["", "5", "0s", "-5m", "5 m", "5y", "1h30"]) expect(parseDuration(bad)).toBeUndefined();
    expect([0, 450, 1500, 42_000, 65_000, 3_600_000, 90_061_000].map(formatDuration).join(", ")).toBe(
      "0ms, 450ms, 1.5s, 42s, 1m 5s, 1h, 1d 1h",
    );
  });

  it("are instants only with a zone", () => {
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
});

describe("composeMessage", () => {
  const trailers = [{ key: "State", value: "review" }];

  it("writes header, body and block", () => {
    expect(composeMessage({ header: " a\nheader ", body: "\nbody\n\n", trailers })).toBe(
      "a header\n\nbody\n\nState: review\n",
    );
    expect(composeMessage({ header: "h", trailers })).toBe("h\n\nState: review\n");
    expect(composeMessage({ header: "h", trailers: [] })).toBe("h\n");
  });

  it("indents what would cut the message short", () => {
    const body = "---\ndiff --git a b\n# ------------------------ >8 ------------------------";
    expect(composeMessage({ header: "---", body, trailers })).toBe(
      " ---\n\n ---\n diff --git a b\n # ------------------------ >8 ------------------------\n\nState: review\n",
    );
  });

  it("refuses what cannot be written so that it reads back", () => {
    const write = (key: string, value: string) => () =>
      composeMessage({ header: "h", trailers: [{ key, value }] });
    expect(write("two words", "x")).toThrow(/not a valid trailer key/);
    expect(write("Key", "a\nb")).toThrow(/must be one line of text/);
    expect(write("Key", " \u200e\u0007 ")).toThrow(/must be one line of text/);
    expect(() => composeMessage({ header: " ", trailers })).toThrow(/has no subject/);
    expect(() => composeMessage({ header: "h", body: "State: done", trailers: [] })).toThrow(
      /differently from what was meant/,
    );
  });

  it("knows its own keys in any case", () => {
    expect(["STATE", "Ttl-Ms", "aynig", "Refs"].map(isReserved)).toEqual([true, true, true, false]);
    expect(["A-1", "", "-a", "a_b", "a".repeat(65)].map(isTrailerKey)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
