/** Trailer keys, side refs, times and depths are each defined in one table, and nowhere else in src. */
import { describe, expect, it } from "vitest";
import { SIDE_REFS } from "../../src/core/protocol/refs.ts";
import { KEY, TRAILER_KEYS } from "../../src/core/protocol/trailer-keys.ts";
import { listFiles, readText, splitSource } from "./source-files.ts";

interface SourceFile {
  readonly path: string;
  readonly text: string;
}

const files: readonly SourceFile[] = listFiles("src")
  .filter((path) => path.endsWith(".ts"))
  .map((path) => ({ path: path.slice("src/".length), text: readText(path) }));

const KEYS = new Set<string>(TRAILER_KEYS.map(({ key }) => key));

/** A key as a whole literal, or at the start of a line whose value is filled in. */
function literalKeys({ path, text }: SourceFile): string[] {
  if (path === "core/protocol/trailer-keys.ts") return [];
  // The brand of a type is not a key.
  const { strings } = splitSource(text.replace(/\bBrand<"\w+">/g, ""));
  return strings.flatMap((string) => {
    const [, filled = ""] = /^(?:\S*=|\\n)?([A-Za-z-]+): $/.exec(string) ?? [];
    return KEYS.has(string) || KEYS.has(filled) ? [`${path}: ${string}`] : [];
  });
}

/** A ref that begins a literal. In messages and shell scripts, refs stand within a sentence or command. */
function literalRefs({ path, text }: SourceFile): string[] {
  const tables = ["core/protocol/refs.ts", "core/protocol/ids.ts"];
  if (tables.includes(path)) return [];
  const { strings } = splitSource(text);
  return strings
    .filter((string) => /^[^\s`]*refs\/(?:heads|trailhand)\b/.test(string))
    .map((ref) => `${path}: ${ref}`);
}

const TIMING_TABLES = /(?:^|\/)(?:timing|limits|defaults|duration)\.ts$/;
/** Times and depths that only one file can have a use for. */
const LOCAL_TIMES = new Map([["queue/ref-watch.ts", "the rhythm of file-system events"]]);
const TIMES = [
  /\bconst \w*(?:_MS|DEPTH|PATIENCE|TTL|TRIES|ATTEMPTS|BACKOFF|GRACE|TIMEOUT)\b[^=\n]*=\s*[^;\n]*\d[^;\n]*/g,
  /\b\w*(?:Ms|Timeout)\b\s*[:=]\s*\d[\d_]+/g,
  /\b(?:wait|sleep|timeout|trail|readTrail)\((?:[^()\n]*,\s*)?\d[\d_]+/g,
];

function literalTimes({ path, text }: SourceFile): string[] {
  if (TIMING_TABLES.test(path) || LOCAL_TIMES.has(path)) return [];
  const { code } = splitSource(text);
  return TIMES.flatMap((pattern) => [...code.matchAll(pattern)].map(([found]) => `${path}: ${found}`));
}

/** Keys that are read as a list of values, or as one value. */
function keysReadBy(reader: "valueOf" | "valuesOf"): Set<string> {
  const calls = files.flatMap(({ text }) => [
    ...text.matchAll(new RegExp(`\\b${reader}\\((?:[^()]|\\([^()]*\\))*?, KEY\\.(\\w+)\\)`, "g")),
  ]);
  return new Set(calls.map(([, name = ""]) => KEY[name as keyof typeof KEY]));
}

it("finds the end of every literal", () => {
  const open = files.filter(({ text }) => /["'`]/.test(splitSource(text).code));
  expect(open.map(({ path }) => path)).toEqual([]);
});

describe("trailer keys", () => {
  it("are spelled out in their table only", () => {
    expect(files.flatMap(literalKeys)).toEqual([]);
  });

  it("are unique, without regard to case", () => {
    expect(new Set(TRAILER_KEYS.map(({ key }) => key.toLowerCase())).size).toBe(TRAILER_KEYS.length);
  });

  it("are read as a list if their row says that every value counts, and else as one value", () => {
    const lists = new Set(TRAILER_KEYS.filter(({ traits }) => traits.includes("list")).map(({ key }) => key));
    expect(keysReadBy("valuesOf").size).toBeGreaterThan(3);
    expect([...keysReadBy("valuesOf")].filter((key) => !lists.has(key))).toEqual([]);
    const ofOne = [...keysReadBy("valueOf")].filter((key) => lists.has(key));
    // All events of a request are searched for one of them; a reply goes to the last one.
    expect(ofOne).toEqual([KEY.event]);
  });

  it("include those that the scripts of packs leave out of a landed commit", () => {
    const script = readText("states/lib/trailhand.sh");
    const listed = [...script.matchAll(/^HAND_OFF=['"](?:\$HAND_OFF\|)?([^'"]+)['"]$/gm)];
    const names = listed.flatMap(([, text = ""]) => text.split("|"));
    const known = new Set([...KEYS].map((key) => key.toLowerCase()));
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !known.has(name))).toEqual([]);
  });
});

describe("refs", () => {
  it("are spelled out in their table only", () => {
    expect(files.flatMap(literalRefs)).toEqual([]);
  });

  it("have prefixes of which none begins with another", () => {
    const prefixes = SIDE_REFS.map(({ prefix }) => prefix);
    for (const prefix of prefixes)
      expect(prefixes.filter((other) => other.startsWith(prefix))).toEqual([prefix]);
  });
});

describe("times and depths", () => {
  it("are defined in the timing tables only", () => {
    expect(files.flatMap(literalTimes)).toEqual([]);
  });
});

it("notices a breach of each rule", () => {
  const breach = (line: string) => {
    const file = { path: "engine/planted.ts", text: `/** Planted. */\n${line}\n` };
    return [literalKeys(file).length, literalRefs(file).length, literalTimes(file).length];
  };
  expect(breach('valueOf(trailers, "Branch");')).toEqual([1, 0, 0]);
  expect(breach("const trailer = { key: 'Not-Before', value };")).toEqual([1, 0, 0]);
  expect(breach("const search = `--grep=Answers: ${id}`;")).toEqual([1, 0, 0]);
  expect(breach('const text = `on ${valueOf(trailers, "Branch")}`;')).toEqual([1, 0, 0]);
  expect(breach('const ref = "refs/trailhand/parked/x";')).toEqual([0, 1, 0]);
  expect(breach("const spec = `+refs/heads/*:${HEADS}`;")).toEqual([0, 1, 0]);
  expect(breach("const DEPTH = 400;")).toEqual([0, 0, 1]);
  expect(breach("export const RETRY_MS = 60 * 1000;")).toEqual([0, 0, 1]);
  expect(breach("start({ graceMs: 5000 });")).toEqual([0, 0, 1]);
  expect(breach("await wait(25);")).toEqual([0, 0, 1]);
  expect(breach("const trail = await ports.repository.trail(head, 200);")).toEqual([0, 0, 1]);
  expect(breach('// valueOf(trailers, "Branch"), refs/heads/x and const DEPTH = 1 in a comment')).toEqual([
    0, 0, 0,
  ]);
  expect(breach('const help = "The history below refs/trailhand/archive is kept.";')).toEqual([0, 0, 0]);
  expect(breach('const pattern = /"`/; const key = KEY.branch;')).toEqual([0, 0, 0]);
});
