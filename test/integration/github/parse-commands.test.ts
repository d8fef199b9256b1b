/** Parses the commands of a comment, and checks the table of commands. */
import { describe, expect, it } from "vitest";
import { COMMANDS, commandTable, exampleOf } from "../../../src/github/commands/command-table.ts";
import { parseCommands, usageProblem } from "../../../src/github/commands/parse-commands.ts";
import { RIGHTS } from "../../../src/github/commands/right.ts";

/** A short form of each command: `retry`, `request | check now`, `?retyr -> retry`. */
const read = (text: string): string[] =>
  parseCommands(text, "trailhand").map((one) =>
    one.kind === "unknown"
      ? `?${one.word} -> ${one.nearest}`
      : one.text === ""
        ? one.command.name
        : `${one.command.name} | ${one.text}`,
  );

describe("a line", () => {
  it.each([
    ["/retry", ["retry"]],
    ["/Retry", ["retry"]],
    ["/request check  look  here ", ["request | check  look  here"]],
    ["/run check", ["request | check"]],
    ["/set-state done", ["request | done"]],
    ["/stop", ["cancel"]],
    ["/replay", ["replay"]],
    ["@trailhand retry", ["retry"]],
    ["@Trailhand: request check now", ["request | check now"]],
    ["@trailhand[bot] status", ["status"]],
    ["/request claude codex: do it", ["request | claude codex: do it"]],
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

  it("is ignored after the tenth command", () => expect(read("/retry\n".repeat(50))).toHaveLength(10));
});

describe("the table", () => {
  it.each(COMMANDS.map((one) => [one.name, one] as const))("has a working example of %s", (name, one) => {
    const [parsed] = parseCommands(`/${exampleOf(one)}`, "trailhand");
    if (parsed?.kind !== "command") throw new Error("the example is not a command");
    expect(parsed.command.name).toBe(name);
    expect(usageProblem(parsed)).toBeUndefined();
    expect(one.usage.startsWith(name)).toBe(true);
    expect(RIGHTS).toContain(one.right);
    expect(commandTable()).toContain(`\`/${exampleOf(one)}\``);
  });

  it("requires more than the right to read for every command that writes", () => {
    const readers = COMMANDS.filter(({ right }) => right === "read").map(({ name }) => name);
    expect(readers).toEqual(["status", "log", "cost", "help"]);
  });

  it("does not list old names", () => {
    const text = commandTable();
    for (const name of ["run", "set-state", "stop", "replay"]) expect(text).not.toContain(`/${name}`);
  });

  it("names a missing argument", () => {
    const [parsed] = parseCommands("/approve", "trailhand");
    if (parsed?.kind !== "command") throw new Error("it is not a command");
    expect(usageProblem(parsed)).toContain("needs an argument: `/approve <full commit id>`");
  });
});
