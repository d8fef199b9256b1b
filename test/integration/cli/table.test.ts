import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { loadCommand, loadCommands } from "../../../src/cli/commands.ts";
import { readInput, splitCommand } from "../../../src/cli/input.ts";
import { COMMON } from "../../../src/cli/options.ts";
import { renderCommand, renderOverview } from "../../../src/cli/render/render-help.ts";
import { callOf, terminalTo } from "../../support/call-command.ts";
import { cli } from "../../support/run-cli.ts";
import { makeRepo } from "../../support/temp-repo.ts";

const COMMANDS = await loadCommands();

/** Splits an example as a shell does, without the leading `trailhand`. */
function wordsOf(line: string): string[] {
  const out = execFileSync("sh", ["-c", `for a in ${line}; do printf '%s\\n' "$a"; done`], {
    encoding: "utf8",
  });
  return out.trimEnd().split("\n").slice(1);
}

test.each(COMMANDS.flatMap(({ examples }) => examples.map(({ line }) => line)))(
  "the example parses: %s",
  async (line) => {
    const typed = line.startsWith("eval") ? ["completions", "bash"] : wordsOf(line);
    const { name, words } = splitCommand(typed);
    expect(readInput(await loadCommand(name), words, "/").command.name).toBe(typed[0]);
  },
);

test("every command in the group inspect has --json", () => {
  const inspecting = COMMANDS.filter(({ group }) => group === "inspect");
  for (const { options } of inspecting) expect(options?.some(({ name }) => name === "json")).toBe(true);
});

test("every command is in the overview, and its help names every option", () => {
  for (const command of COMMANDS) {
    expect(renderOverview(COMMANDS)).toContain(`  ${command.name}`);
    for (const option of [...(command.options ?? []), ...COMMON]) {
      expect(renderCommand(command)).toContain(`--${option.name}`);
    }
  }
});

test("every command has --help, which works outside of a repository", async () => {
  const help = await loadCommand("help");
  for (const command of COMMANDS) {
    let out = "";
    const terminal = terminalTo((text) => (out += text));
    expect(await help.run(callOf(command, ["--help"], "/", { env: {}, terminal }))).toBe(0);
    expect(out).toContain(command === help ? "usage: trailhand" : `usage: trailhand ${command.name}`);
  }
  const { code, out } = cli(makeRepo(), "-C", "/", "status", "--help");
  expect([code, out]).toEqual([0, expect.stringContaining("usage: trailhand status")]);
});

test("the bash completion offers commands, options and branches", () => {
  const repo = makeRepo();
  repo.git("branch", "feat/login");
  const script = cli(repo, "completions", "bash").out;
  const complete = (...typed: string[]) =>
    execFileSync(
      "bash",
      [
        "--norc",
        "-c",
        `${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _trailhand; printf '%s\\n' "\${COMPREPLY[@]}"`,
        "bash",
        "trailhand",
        ...typed,
      ],
      { cwd: repo.dir, encoding: "utf8" },
    ).trimEnd();
  expect(complete("st")).toBe("status");
  expect(complete("status", "--needs")).toBe("--needs-me");
  expect(complete("log", "feat")).toBe("feat/login");
  expect(complete("run", "--branch", "feat")).toBe("feat/login");
  expect(complete("request", "-b", "feat")).toBe("feat/login");
  expect(complete("-C", "/", "st")).toBe("status");
  expect(complete("help", "ini")).toBe("init");
  expect(complete("completions", "b")).toBe("bash");
});

test("the bash completion offers all states, including human states", () => {
  const workflow = "states:\n  work: { next: look }\n  look: { human: true }\n";
  const repo = makeRepo({ "states/work": "#!/bin/sh\n", "states/workflow.yml": workflow });
  const script = cli(repo, "completions", "bash").out;
  const source = /request:\*\) COMPREPLY=\(\$\(compgen -W "\$\((.*)\)" --/.exec(script)?.[1] ?? "";
  const json = cli(repo, "graph", "--json").out;
  const listed = execFileSync("sh", ["-c", source.slice(source.indexOf("|") + 1)], {
    input: json,
    encoding: "utf8",
  });
  expect(listed).toBe("work\nlook\n");
});

test("the zsh and fish completions name every command", () => {
  const repo = makeRepo();
  for (const shell of ["zsh", "fish"]) {
    const { out } = cli(repo, "completions", shell);
    for (const { name } of COMMANDS) expect(out).toContain(name);
  }
});
