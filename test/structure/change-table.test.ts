/** Checks that CONTRIBUTING's table "Where a change begins" names files and exports that exist. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readText, ROOT } from "./source-files.ts";

interface Place {
  readonly path: string;
  readonly exports: readonly string[];
}

const PATH = /^(?:src|states|test|docs|scripts|bench)\/[\w./<>-]*$/;

/** The rows of the table: what changes, and every file with the exports in brackets behind it. */
function readRows(page: string): { readonly change: string; readonly places: Place[] }[] {
  const section = page.split("## Where a change begins")[1] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(2).map((row) => {
    const [, change = "", ...cells] = row.split("|").map((cell) => cell.trim());
    const places: Place[] = [];
    for (const [, path = "", names = ""] of cells
      .join(" ")
      .matchAll(/`([^`]+)`(?: \(((?:`\w+`(?:, )?)+)\))?/g)) {
      const exports = [...names.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name);
      if (PATH.test(path) && !path.includes("<")) places.push({ path, exports });
    }
    return { change, places };
  });
}

function problems({ path, exports }: Place): string[] {
  if (!existsSync(join(ROOT, path))) return [`${path} does not exist`];
  if (exports.length === 0) return [];
  const text = readText(path);
  return exports
    .filter(
      (name) =>
        !new RegExp(`\\bexport (?:async )?(?:const|function|class|interface|type) ${name}\\b`).test(text),
    )
    .map((name) => `${path} does not export ${name}`);
}

const rows = readRows(readText("CONTRIBUTING.md"));

describe("the table of where a change begins", () => {
  it("covers the kinds of change", () => {
    const text = rows.map(({ change }) => change.toLowerCase()).join("\n");
    const kinds =
      "trailer, ref, timing, exit code, message, workflow key, lane, comment command, github shows, merge queue, pack, command";
    expect(kinds.split(", ").filter((kind) => !text.includes(kind))).toEqual([]);
  });

  it("names a file in each row, and only what exists", () => {
    expect(rows.filter(({ places }) => places.length === 0).map(({ change }) => change)).toEqual([]);
    expect(rows.flatMap(({ places }) => places.flatMap(problems))).toEqual([]);
  });

  it("is read with its exports, and a wrong one is found", () => {
    const page =
      "## Where a change begins\n\n| a | b |\n| - | - |\n| x | `src/core/protocol/ids.ts` (`refOf`, `nothing`), `src/no.ts` |\n";
    const [row] = readRows(page);
    expect(row?.places.flatMap(problems)).toEqual([
      "src/core/protocol/ids.ts does not export nothing",
      "src/no.ts does not exist",
    ]);
  });
});
