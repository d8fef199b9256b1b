/** Holds everything that people read to plain English: no form of our former private language. */
import { describe, expect, it } from "vitest";
import { listFiles, readText, splitSource } from "../structure/source-files.ts";

/** A form that a native reader stumbles over, and what to write instead. */
const FORMS: readonly (readonly [form: RegExp, instead: string])[] = [
  [/(?<!\b(?:there|There) )\b(?:is|are|was) no (?!longer\b)[a-z]/, "is not a …"],
  [/\b(?:[Ww]hoever|[Nn]obody|[Ss]omebody|[Aa]nybody)\b/, "name the actor"],
  [/(?:^|[.:;!?] |\* |"|`)Who (?!(?:is|was|may|can|owns|has|writes|pushed|asked|approves|reads|decides)\b)[a-z]+s? /, "name the actor"],
  [/[Ww]hat must hold/, "Invariants:"],
  [/\b[Mm]end(?:s|ed|ing)?\b/, "fix"],
  [/\bwhen left out\b/, "default"],
  [/\bmay be given again\b/, "repeatable"],
  [/\bvery same\b/, "identical"],
  [/\bby halves\b/, "only partly"],
  [/\bfor ever\b/, "forever, or a time"],
  [/\banew\b/, "again"],
  [/\bdear\b/, "expensive"],
  [/\b[Ww]ork(?:s|ed|ing)? off\b/, "process"],
  [/\bso often\b/, "say how many times"],
  [/\b(?:lays?|laid) down\b/, "writes, restores"],
  [/\bput(?:s|ting)? in(?:to)? (?:its|their) place\b/, "applies, places at …"],
  [/\b(?:is|are|was|were) no more\b/, "does not exist any more"],
  [/\b(?:is|are|be|was|were|been) told\b/, "name what the reader receives"],
  [/\b(?:comes?|came) to rest\b/, "stops, settles"],
  [/\bstands? in the way\b/, "blocks"],
  [/\bat its door\b|\bthe door\b|\bthe desk\b|\bthe hub\b|\bthe station\b|\bthe notary\b/, "the technical noun"],
  [/\b(?:left over|leftovers?)\b/, "stale, orphaned"],
  [/\blets? go of\b/, "releases"],
  [/\bas it were\b/, "delete"],
  [/\bwhat (?:came|comes) of\b/, "the result of"],
  [/\b(?:what|that) (?:was|is) handed out\b/, "child branches"],
  [/\bneighbours?\b/, "peers"],
];

interface Text {
  readonly path: string;
  readonly text: string;
}

const withoutCode = (markdown: string): string =>
  markdown.replace(/^ *```[\s\S]*?^ *```/gm, "").replace(/`[^`\n]*`/g, "`…`");

/** What people read of a source file: comments, and strings that have words. */
function proseOf(path: string, text: string): string[] {
  if (path.endsWith(".md")) return [withoutCode(text)];
  if (!/\.(?:ts|mjs)$/.test(path)) return text.split("\n").filter((line) => /^\s*(?:#|echo|printf|.*description:)/.test(line));
  const { comments, strings } = splitSource(text);
  return [...comments.map((comment) => comment.replace(/\n\s*\* ?/g, "\n")), ...strings.filter((part) => /[a-z] [a-z]/.test(part))];
}

/** Each form that is found, with the words around it. */
function breaches({ path, text }: Text): string[] {
  return proseOf(path, text).flatMap((prose) => {
    const flat = prose.replace(/\s+/g, " ");
    return FORMS.flatMap(([form, instead]) =>
      [...flat.matchAll(new RegExp(form.source, "g"))].map(
        ({ index }) => `${path}: …${flat.slice(Math.max(0, index - 40), index + 40)}… (${instead})`,
      ),
    );
  });
}

/** Files that are not rewritten yet, with the forms that each may still have. A number may only fall. */
const RATCHET = JSON.parse(readText("test/docs/prose-ratchet.json")) as Readonly<Record<string, number>>;

/** The files that define the forms and the words. */
const OWN = /^test\/(?:docs\/prose|structure\/names)\.test\.ts$/;
const PAGES = ["README.md", "CONTRIBUTING.md", "app.yml", "action.yml"];

const files = listFiles("src", "docs", "states", "bench", "scripts", "test", ...PAGES).filter(
  (path) => !/^test\/fixtures\/|\.json$/.test(path) && !OWN.test(path),
);

describe("prose", () => {
  it("has none of the forms that readers stumble over", () => {
    const found = files.flatMap((path) => {
      const list = breaches({ path, text: readText(path) });
      return list.length > (RATCHET[path] ?? 0) ? list : [];
    });
    expect(found).toEqual([]);
  });

  it("improves: a file with fewer forms than its number gets a lower number", () => {
    const counts = Object.entries(RATCHET).map(([path, most]) => {
      const count = files.includes(path) ? breaches({ path, text: readText(path) }).length : 0;
      return { path, most, count };
    });
    expect(counts.filter(({ most, count }) => count < most)).toEqual([]);
  });

  it("is read from comments, strings, pages and scripts, and not from code", () => {
    const read = (path: string, text: string) => breaches({ path, text }).length;
    expect(read("a.ts", "/** It is no key. */")).toBe(1);
    expect(read("a.ts", 'const text = "whoever comes first";')).toBe(1);
    expect(read("a.ts", "const nobody = { somebody: 1 };")).toBe(0);
    expect(read("a.md", "There is no key. `is no key`\n```sh\nis no key\n```\n")).toBe(0);
    expect(read("a.md", "It is no key.")).toBe(1);
    expect(read("a", "#!/bin/sh\n# What must hold: a\nmend_it\n")).toBe(1);
  });
});
