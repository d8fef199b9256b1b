/**
 * Who may import whom, and the other promises that the layout of src/ makes.
 *
 * What must hold: the files are read as they are; a folder that the table does not know is a breach.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const SRC = fileURLToPath(new URL("../../src", import.meta.url));

interface Import {
  /** A path inside src/, or the name of a package. */
  readonly target: string;
  /** True when only types are taken, so that nothing of it runs. */
  readonly type: boolean;
}

interface File {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

const STATEMENT = /^(?:import|export)\s+(type\s)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gm;
const DYNAMIC = /\b(?:import|require)\s*\(\s*["'`]([^"'`]+)/g;

function importsOf(path: string, text: string): Import[] {
  const found = [
    ...[...text.matchAll(STATEMENT)].map(([, type, target = ""]) => ({ target, type: type !== undefined })),
    ...[...text.matchAll(DYNAMIC)].map(([, target = ""]) => ({ target, type: false })),
  ];
  return found.map(({ target, type }) => ({
    target: target.startsWith(".") ? join(dirname(path), target) : target,
    type,
  }));
}

const files: readonly File[] = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => {
    const text = readFileSync(join(SRC, path), "utf8");
    return { path, text, imports: importsOf(path, text) };
  });

const CORE_PACKAGES = /^(zod|yaml|picomatch\/posix\.js|fastest-levenshtein|conventional-commits-parser)$/;
const outside = ({ target }: Import): boolean => target.startsWith("node:");
const core = ({ target }: Import): boolean => target.startsWith("core/");
const ports = ({ target, type }: Import): boolean => type && target === "runner/ports.ts";
const hub = ({ target }: Import): boolean => /^(?:probot$|@octokit\/)/.test(target);

/** The rooms of the core; each builds on those before it. */
const CORE = ["text", "workflow", "history", "permit", "decide", "answer", "study"].map(
  (room) => `core/${room}/`,
);
const rankOf = (path: string): number => CORE.findIndex((room) => path.startsWith(room));
/** Nothing of the core stands outside of its rooms, and none reaches up. */
const isAbove = (path: string, target: string): boolean =>
  path.startsWith("core/") &&
  target.startsWith("core/") &&
  !(rankOf(target) <= rankOf(path) && rankOf(target) >= 0);

/** The first line that fits a file says what it may import. */
const TABLE: readonly [file: RegExp, allows: (one: Import) => boolean][] = [
  [/^core\//, (one) => core(one) || CORE_PACKAGES.test(one.target)],
  [
    /^git\/exec\.ts$/,
    (one) =>
      core(one) || ports(one) || outside(one) || one.target.startsWith("git/") || one.target === "simple-git",
  ],
  [/^git\//, (one) => core(one) || ports(one) || outside(one) || one.target.startsWith("git/")],
  [/^process\//, (one) => core(one) || ports(one) || outside(one) || one.target.startsWith("process/")],
  [/^queue\//, (one) => core(one) || ports(one) || outside(one) || one.target.startsWith("queue/")],
  // What people ask for is read and done without a look at what is shown, and what is delivered is kept
  // without a look at what it asks for.
  [
    /^github\/ask\//,
    (one) =>
      core(one) ||
      /^github\/(?:ask\/|escape\.ts$)/.test(one.target) ||
      one.target === "zod" ||
      (one.type && hub(one)),
  ],
  [
    /^github\/deliver\//,
    (one) =>
      core(one) ||
      outside(one) ||
      one.target.startsWith("github/deliver/") ||
      (one.type && (hub(one) || one.target === "github/ask/intent.ts")),
  ],
  [
    /^github\/show\//,
    (one) =>
      core(one) ||
      /^github\/(?:show\/|client\.ts$|escape\.ts$)/.test(one.target) ||
      (one.type && (hub(one) || one.target.startsWith("github/ask/"))),
  ],
  [
    /^github\//,
    (one) =>
      core(one) ||
      ports(one) ||
      outside(one) ||
      one.target.startsWith("github/") ||
      /^(?:probot$|zod$|@octokit\/)/.test(one.target),
  ],
  [/^runner\//, (one) => core(one) || one.target.startsWith("runner/")],
  // What is drawn is drawn from data: the table of commands, and packages that only shape text.
  [/^cli\/commands(\/\w+)?\.ts$/, (one) => core(one) || one.target.startsWith("cli/commands/")],
  [
    /^cli\/draw\/render[^/]*\.ts$/,
    (one) =>
      core(one) ||
      /^(cli\/(draw\/render[^/]*|commands(\/\w+)?)\.ts|picocolors|string-width)$/.test(one.target),
  ],
  [/^(cli\/.*|site\.ts|wire\/.*|app\.ts)$/, () => true],
];

function breaches({ path, imports }: File): string[] {
  const allows = TABLE.find(([file]) => file.test(path))?.[1] ?? (() => false);
  const bad = imports.filter(
    (one) =>
      !allows(one) ||
      isAbove(path, one.target) ||
      (one.target === "node:child_process" && !path.startsWith("process/")),
  );
  return bad.map(({ target }) => `${path} imports ${target}`);
}

/** A chain of files that leads back to its first. */
function findCycle(counts: (one: Import) => boolean): string[] | undefined {
  const targets = new Map(
    files.map(({ path, imports }) => [path, imports.filter(counts).map(({ target }) => target)]),
  );
  const finished = new Set<string>();
  const visit = (path: string, above: readonly string[]): string[] | undefined => {
    if (above.includes(path)) return [...above.slice(above.indexOf(path)), path];
    if (finished.has(path)) return undefined;
    for (const target of targets.get(path) ?? []) {
      const cycle = visit(target, [...above, path]);
      if (cycle) return cycle;
    }
    finished.add(path);
    return undefined;
  };
  for (const { path } of files) {
    const cycle = visit(path, []);
    if (cycle) return cycle;
  }
  return undefined;
}

describe("the files under src", () => {
  it("are found, with the imports that they have", () => {
    expect(files.length).toBeGreaterThan(40);
    const compose = files.find(({ path }) => path === "core/text/compose.ts");
    expect(compose?.imports).toContainEqual({ target: "core/text/trailers.ts", type: true });
    expect(compose?.imports).toContainEqual({ target: "core/text/message.ts", type: false });
    expect(
      importsOf("cli/main.ts", 'export * from "./a.ts";\nconst b = await import("../wire.ts");'),
    ).toEqual([
      { target: "cli/a.ts", type: false },
      { target: "wire.ts", type: false },
    ]);
  });

  it("import only files that exist", () => {
    const known = new Set(files.map(({ path }) => path));
    const missing = files.flatMap(({ path, imports }) =>
      imports
        .filter(({ target }) => target.endsWith(".ts") && !known.has(target))
        .map(({ target }) => `${path}: ${target}`),
    );
    expect(missing).toEqual([]);
  });

  it("import only what their folder may", () => {
    expect(files.flatMap(breaches)).toEqual([]);
  });

  it("notice a breach", () => {
    const breach = (path: string, target: string, type = false) =>
      breaches({ path, text: "", imports: [{ target, type }] });
    expect(breach("core/a.ts", "node:fs")).toHaveLength(1);
    expect(breach("core/text/a.ts", "core/decide/a.ts", true)).toHaveLength(1);
    expect(breach("core/text/a.ts", "core/a.ts")).toHaveLength(1);
    expect(breach("core/study/a.ts", "core/text/a.ts")).toEqual([]);
    expect(breach("core/a.ts", "git/exec.ts")).toHaveLength(1);
    expect(breach("runner/a.ts", "node:fs")).toHaveLength(1);
    expect(breach("git/refs.ts", "simple-git")).toHaveLength(1);
    expect(breach("git/refs.ts", "runner/ports.ts")).toHaveLength(1);
    expect(breach("git/refs.ts", "runner/ports.ts", true)).toEqual([]);
    expect(breach("cli/run.ts", "node:child_process")).toHaveLength(1);
    expect(breach("cli/draw/render-a.ts", "wire/open.ts")).toHaveLength(1);
    expect(breach("new/a.ts", "core/a.ts")).toHaveLength(1);
    expect(breach("github/ask/a.ts", "github/show/a.ts", true)).toHaveLength(1);
    expect(breach("github/deliver/a.ts", "github/ask/act.ts", true)).toHaveLength(1);
    expect(breach("github/show/a.ts", "github/ask/act.ts")).toHaveLength(1);
    expect(breach("github/show/a.ts", "node:fs")).toHaveLength(1);
  });

  it("load packages of GitHub in one place alone", () => {
    const loading = files.filter(({ imports }) => imports.some((one) => hub(one) && !one.type));
    expect(loading.map(({ path }) => path)).toEqual(["github/packages.ts"]);
  });

  it("import in no circle", () => {
    expect(findCycle(({ type }) => !type)).toBeUndefined();
  });

  it("tie each other in no circle of types either", () => {
    expect(findCycle(() => true)).toBeUndefined();
  });

  it("are at most 300 lines long", () => {
    const long = files.filter(({ text }) => text.trimEnd().split("\n").length > 300).map(({ path }) => path);
    expect(long).toEqual([]);
  });

  it("begin with a header that says what they are for", () => {
    const bare = files.filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text)).map(({ path }) => path);
    expect(bare).toEqual([]);
  });

  it("say their own path nowhere but relative to each other", () => {
    const absolute = files
      .filter(({ text }) => text.includes(dirname(SRC)))
      .map(({ path }) => relative(SRC, path));
    expect(absolute).toEqual([]);
  });
});
