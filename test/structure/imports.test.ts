/**
 * Checks who imports whom, and the other promises that the layout of src/ makes.
 *
 * Invariants:
 * - Every file belongs to a room, and every room has a row in the table.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { breachesOf, importsOf, type SourceFile } from "./imports.ts";
import { findCycle, folderImports } from "./cycles.ts";
import { ROOMS } from "./rooms.ts";

const SRC = fileURLToPath(new URL("../../src", import.meta.url));

const files: readonly SourceFile[] = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => {
    const text = readFileSync(join(SRC, path), "utf8");
    return { path, text, imports: importsOf(path, text) };
  });

describe("the files under src", () => {
  it("are listed with their imports", () => {
    expect(files.length).toBeGreaterThan(200);
    const compose = files.find(({ path }) => path === "core/protocol/compose.ts");
    expect(compose?.imports).toContainEqual({ target: "core/protocol/trailer-block.ts", isType: true });
    expect(compose?.imports).toContainEqual({ target: "core/protocol/message.ts", isType: false });
  });

  it("belong to a room of the table, and every room of the table exists", () => {
    const rooms = new Set(files.map(({ path }) => dirname(path)));
    expect([...rooms].filter((room) => !(room in ROOMS))).toEqual([]);
    expect(Object.keys(ROOMS).filter((room) => !rooms.has(room))).toEqual([]);
  });

  it("import only files that exist", () => {
    const paths = new Set(files.map(({ path }) => path));
    const missing = files.flatMap(({ path, imports }) =>
      imports
        .filter(({ target }) => target.endsWith(".ts") && !paths.has(target))
        .map(({ target }) => `${path}: ${target}`),
    );
    expect(missing).toEqual([]);
  });

  it("import only what the row of their room allows", () => {
    expect(files.flatMap(breachesOf)).toEqual([]);
  });

  it("import each other in no circle, not even of types", () => {
    const graph = new Map(files.map(({ path, imports }) => [path, imports.map(({ target }) => target)]));
    expect(findCycle(graph)).toBeUndefined();
  });

  it("are in folders that import each other in no circle", () => {
    const circles = [...folderImports(files).values()].flatMap((graph) => findCycle(graph) ?? []);
    expect(circles).toEqual([]);
  });

  it("load packages of GitHub in one file only", () => {
    const isGithub = (target: string): boolean => /^(?:probot$|@octokit\/)/.test(target);
    const loading = files.filter(({ imports }) =>
      imports.some(({ target, isType }) => isGithub(target) && !isType),
    );
    expect(loading.map(({ path }) => path)).toEqual(["github/api/packages.ts"]);
  });

  it("start programs in src/process only, and run git by two files", () => {
    const importing = (name: string) =>
      files.filter(({ imports }) => imports.some(({ target }) => target === name)).map(({ path }) => path);
    const starting = importing("node:child_process").filter((path) => !path.startsWith("process/"));
    // simple-git has no limits for time and output.
    expect(starting).toEqual(["git/bounded-git.ts"]);
    expect(importing("simple-git")).toEqual(["git/git.ts"]);
  });

  it("are at most 300 lines long", () => {
    const long = files.filter(({ text }) => text.trimEnd().split("\n").length > 300).map(({ path }) => path);
    expect(long).toEqual([]);
  });

  it("begin with a header that says what they are for", () => {
    const bare = files.filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text)).map(({ path }) => path);
    expect(bare).toEqual([]);
  });

  it("name their own absolute path nowhere", () => {
    const absolute = files
      .filter(({ text }) => text.includes(dirname(SRC)))
      .map(({ path }) => relative(SRC, path));
    expect(absolute).toEqual([]);
  });
});

describe("a breach is noticed", () => {
  const breach = (path: string, target: string, isType = false) =>
    breachesOf({ path, text: "", imports: [{ target, isType }] });

  it.each([
    ["core imports node", "core/util/a.ts", "node:fs"],
    ["core imports git", "core/analysis/a.ts", "git/git.ts"],
    ["a room of the core imports a higher one, for a type", "core/protocol/a.ts", "core/policy/a.ts", true],
    ["a file stands outside of the rooms of the core", "core/protocol/a.ts", "core/a.ts"],
    ["the engine imports node", "engine/a.ts", "node:fs"],
    ["the engine imports an adapter", "engine/loop/a.ts", "git/git.ts", true],
    ["an attempt imports the loop", "engine/attempt/a.ts", "engine/loop/a.ts"],
    ["an adapter imports code of the engine", "git/a.ts", "engine/ports.ts"],
    ["git imports its remotes", "git/a.ts", "git/remote/a.ts"],
    ["an adapter imports another one", "process/a.ts", "git/git.ts"],
    ["a queue imports the engine", "queue/a.ts", "engine/runner.ts"],
    ["the API of GitHub imports commands", "github/api/a.ts", "github/commands/a.ts", true],
    ["commands import what GitHub shows", "github/commands/a.ts", "github/display/a.ts", true],
    ["what GitHub shows imports node", "github/display/a.ts", "node:fs"],
    ["webhooks import commands", "github/webhooks/a.ts", "github/commands/a.ts"],
    ["GitHub imports the application", "github/commands/a.ts", "app/a.ts", true],
    ["templates import the application", "templates/a.ts", "app/a.ts"],
    ["the application imports what GitHub shows", "app/a.ts", "github/display/a.ts"],
    ["the application imports the server", "app/a.ts", "server/a.ts", true],
    ["the server imports the command line", "server/a.ts", "cli/a.ts"],
    ["a command imports the core beyond messages and util", "cli/commands/log.ts", "core/protocol/ids.ts"],
    ["a command imports an adapter", "cli/commands/log.ts", "git/git.ts"],
    ["a command imports the server", "cli/commands/log.ts", "server/sync.ts"],
    ["rendering imports code of the application", "cli/render/a.ts", "app/log.ts"],
    ["a package that the room does not know", "core/util/a.ts", "yaml"],
    ["a room that is in no row", "new/a.ts", "core/util/a.ts"],
  ])("%s", (_what, path, target, isType = false) => {
    expect(breach(path, target, isType)).toHaveLength(1);
  });

  it.each([
    ["core/analysis/a.ts", "core/protocol/a.ts", false],
    ["engine/loop/a.ts", "engine/attempt/a.ts", false],
    ["git/remote/a.ts", "git/git.ts", false],
    ["git/a.ts", "engine/ports.ts", true],
    ["github/display/a.ts", "github/commands/a.ts", true],
    ["app/a.ts", "git/remote/a.ts", false],
    ["server/a.ts", "github/display/a.ts", false],
    ["cli/commands/github.ts", "server/sync.ts", false],
    ["cli/render/a.ts", "core/protocol/ids.ts", true],
    ["cli/render/a.ts", "app/log.ts", true],
  ])("but %s may import %s", (path, target, isType) => {
    expect(breach(path, target, isType)).toEqual([]);
  });

  it("in a circle of files, of folders, and in a dynamic import", () => {
    const graph = new Map([
      ["a.ts", ["b.ts"]],
      ["b.ts", ["a.ts"]],
    ]);
    expect(findCycle(graph)).toEqual(["a.ts", "b.ts", "a.ts"]);
    const file = (path: string, target: string): SourceFile => ({
      path,
      text: "",
      imports: [{ target, isType: true }],
    });
    const folders = folderImports([
      file("x/a/one.ts", "x/b/one.ts"),
      file("x/b/two.ts", "x/a/deep/two.ts"),
      file("x/three.ts", "x/a/one.ts"),
    ]);
    expect(findCycle(folders.get("x") ?? new Map())).toEqual(["a", "b", "a"]);
    expect(
      importsOf("cli/main.ts", 'export * from "./a.ts";\nconst b = await import("../server/b.ts");'),
    ).toEqual([
      { target: "cli/a.ts", isType: false },
      { target: "server/b.ts", isType: false },
    ]);
  });
});
