import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadCommands } from "../../src/cli/commands.ts";
import { PARTS, type Part } from "./generated.ts";
import { compareWithFile } from "./compare.ts";

test.each(PARTS.map((part) => [`${part.file}${part.marker ? `, ${part.marker}` : ""}`, part] as const))(
  "%s is what the code says",
  (_name, part: Part) => compareWithFile(part),
);

const root = fileURLToPath(new URL("../../", import.meta.url));
const PAGES: readonly string[] = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(`${root}docs`, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

test("no page names a command that does not exist", async () => {
  const known = new Set((await loadCommands()).map(({ name }) => name));
  const unknown = PAGES.flatMap((page) => {
    const code = readFileSync(`${root}${page}`, "utf8").match(/```[^]*?```|`[^`\n]+`/g) ?? [];
    const names = code.flatMap((part) =>
      [...part.matchAll(/(?<![\w/.:-] ?)trailhand ([a-z][a-z-]*)/g)].map(([, name = ""]) => name),
    );
    return names.filter((name) => !known.has(name)).map((name) => `${page}: trailhand ${name}`);
  });
  expect(unknown).toEqual([]);
});

test("no page names a file that does not exist", () => {
  for (const page of PAGES) {
    const text = readFileSync(`${root}${page}`, "utf8");
    const folder = `${root}${page.slice(0, page.lastIndexOf("/") + 1)}`;
    for (const [, link = ""] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      expect(existsSync(`${folder}${link}`), `${page} links to ${link}`).toBe(true);
    }
    for (const [, path = ""] of text.matchAll(/`((?:src|test|bench|states|docs|scripts)\/[\w./-]+\w)`/g)) {
      // Other states, and folders such as `src/db`, are those of a reader.
      const isOurs = /^(?:src\/.*\.ts$|(?:test|bench|docs|scripts)\/|states\/(?:packs|lib)\/)/.test(path);
      const known = !isOurs || existsSync(`${root}${path}`);
      expect(known, `${page} names ${path}`).toBe(true);
    }
  }
});
