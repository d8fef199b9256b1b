/** The commands of a text, and the table that they come from. */
import { describe, expect, it } from "vitest";
import {
  COMMANDS,
  commandTable,
  parseCommands,
  RIGHTS,
  usageProblem,
} from "../../../src/github/commands/command-table.ts";

/** In short: `retry`, `run check | now`, `?retyr -> retry`. */
const read = (text: string): string[] =>
  parseCommands(text, "trailhand").map((one) =>
    one.kind === "unknown"
      ? `?${one.word} -> ${one.nearest}`
      : one.rest === ""
        ? one.command.name
        : `${one.command.name} | ${one.rest}`,
  );

describe("a line", () => {
  it.each([
    ["/retry", ["retry"]],
    ["/Retry", ["retry"]],
    ["/run check  look  here ", ["run | check  look  here"]],
    ["@trailhand retry", ["retry"]],
    ["@Trailhand: run check now", ["run | check now"]],
    ["@trailhand[bot] status", ["status"]],
    ["/run claude codex: do it", ["run | claude codex: do it"]],
    ["/retry\n/priority 5", ["retry", "priority | 5"]],
  ])("%j says %j", (text, wanted) => expect(read(text)).toEqual(wanted));

  it.each([
    "please /retry",
    "/usr/bin/env",
    "/",
    "//retry",
    "/ retry",
    " /retry",
    "@trailhand",
    "thanks @trailhand retry",
    "@trailhand-dev retry",
    "@other retry",
    "@trailhand is great",
    "@trailhand can you look",
    "@trailhand thanks",
    "/lgtm",
    "/cc @ann",
    "a `/retry` b",
    "/constructor",
    "/__proto__",
    `/retry${"x".repeat(5000)}`,
  ])("%j asks for nothing", (text) => expect(read(text)).toEqual([]));

  it.each([
    ["/retyr", ["?retyr -> retry"]],
    ["/aprove abc", ["?aprove -> approve"]],
    ["@trailhand statsu", ["?statsu -> status"]],
    ["/retyr\n/staus\n/retry", ["?retyr -> retry", "retry"]],
  ])("%j is answered with the nearest, once", (text, wanted) => expect(read(text)).toEqual(wanted));

  it("is one of ten at the most", () => expect(read("/retry\n".repeat(50))).toHaveLength(10));
});

describe("the table", () => {
  it.each(COMMANDS.map((one) => [one.name, one] as const))(
    "has an example of %s that can be used",
    (name, one) => {
      const [parsed] = parseCommands(`/${one.example}`, "trailhand");
      if (parsed?.kind !== "command") throw new Error("it is no command");
      expect(parsed.command.name).toBe(name);
      expect(usageProblem(parsed)).toBeUndefined();
      expect(one.usage.startsWith(name)).toBe(true);
      expect(RIGHTS).toContain(one.right);
      expect(commandTable()).toContain(`\`/${one.example}\``);
    },
  );

  it("asks of whoever changes something more than to read", () => {
    const reading = COMMANDS.filter(({ right }) => right === "read").map(({ name }) => name);
    expect(reading).toEqual(["help", "status", "cost", "log", "replay"]);
  });

  it("says what a command lacks", () => {
    const [parsed] = parseCommands("/approve", "trailhand");
    if (parsed?.kind !== "command") throw new Error("it is no command");
    expect(usageProblem(parsed)).toContain("needs more: `/approve <full commit id>`");
  });
});
