/** Holds file names, type names and identifiers to standard words: one word for one thing. */
import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { listFiles, readText, splitSource } from "./source-files.ts";

/** Words of our former private vocabulary, and household words for technical things. */
const BANNED = new Set(
  (
    "beside bell birth births beyond came desk door hub inquire inquirer insist inquiry neighbour neighbours " +
    "nobody notary offspring seat sight somebody spool station tale weigh whoever wish wishes mend tidy " +
    "conclude rehearse rehearsal permit study errand bay"
  ).split(" "),
);

/** Folders that the isolation work replaces; their count may only fall. */
const RATCHET: Readonly<Record<string, number>> = {};

const sources = listFiles("src").filter((path) => path.endsWith(".ts"));
const others = listFiles("test", "bench", "scripts").filter((path) => /\.(ts|mjs)$/.test(path));

const layerOf = (path: string): string => path.split("/")[1] ?? "";

function duplicates<T>(entries: readonly T[], keyOf: (entry: T) => string): string[] {
  const seen = new Set<string>();
  return entries.flatMap((entry) => {
    const key = keyOf(entry);
    if (seen.has(key)) return [key];
    seen.add(key);
    return [];
  });
}

const exportedTypes = (code: string): string[] =>
  [...code.matchAll(/\bexport\s+(?:abstract\s+)?(?:interface|type|class)\s+(\w+)/g)].map(
    ([, name = ""]) => name,
  );

/** The lower-case words of a camel-case, snake-case or dashed name. */
const wordsOf = (name: string): string[] =>
  name
    .replaceAll("GitHub", "Github")
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .split(/[^A-Za-z]+/)
    .map((word) => word.toLowerCase());

function bannedIn(path: string, text: string): string[] {
  const identifiers = new Set(splitSource(text).code.match(/[A-Za-z_$][\w$]*/g));
  const names = [basename(path).replace(/\..*$/, ""), ...identifiers];
  return names.filter((name) => wordsOf(name).some((word) => BANNED.has(word)));
}

describe("names", () => {
  it("of files occur once in a layer", () => {
    expect(duplicates(sources, (path) => `${layerOf(path)}: ${basename(path)}`)).toEqual([]);
  });

  it("of exported types occur once", () => {
    expect(
      duplicates(
        sources.flatMap((path) => exportedTypes(splitSource(readText(path)).code)),
        (name) => name,
      ),
    ).toEqual([]);
  });

  it("use standard words", () => {
    const counts: Record<string, string[]> = {};
    for (const path of [...sources, ...others]) {
      const banned = bannedIn(path, readText(path));
      if (banned.length > (RATCHET[path] ?? 0)) counts[path] = banned;
    }
    expect(counts).toEqual({});
  });

  it("are read from code alone, and in each part of a name", () => {
    const text = 'const openDesk = 1; // a desk\nconst title = "the desk"; const page = `hub ${HUB_URL}`;';
    expect(bannedIn("src/a.ts", text)).toEqual(["openDesk", "HUB_URL"]);
    expect(bannedIn("src/desk.ts", "")).toEqual(["desk"]);
    expect(exportedTypes("export interface A {} export type B = A; export class C {}")).toEqual([
      "A",
      "B",
      "C",
    ]);
    expect(duplicates(["a", "b", "a"], (name) => name)).toEqual(["a"]);
  });
});
