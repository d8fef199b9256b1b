/** Compares a generated part with its file. With UPDATE_DOCS=1 it writes the file instead. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import type { Part } from "./generated.ts";

export function compareWithFile({ file, marker, make }: Part): void {
  const path = fileURLToPath(new URL(`../../${file}`, import.meta.url));
  const present = existsSync(path) ? readFileSync(path, "utf8") : "";
  const wanted = marker === undefined ? make() : between(present, marker, make(), file);
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(path, wanted);
  else expect(present, `${file} is out of date; run npm run docs`).toBe(wanted);
}

function between(text: string, marker: string, made: string, file: string): string {
  const start = `<!-- ${marker}:start -->`;
  const end = `<!-- ${marker}:end -->`;
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${file} has no markers ${start} and ${end}`);
  return `${text.slice(0, from)}${start}\n\n${made}\n\n${text.slice(to)}`;
}
