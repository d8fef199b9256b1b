import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { PARTS, type Part } from "./generated.ts";
import { compareWithFile } from "./compare.ts";

test.each(PARTS.map((part) => [`${part.file}${part.marker ? `, ${part.marker}` : ""}`, part] as const))(
  "%s is what the code says",
  (_name, part: Part) => compareWithFile(part),
);

test("no page names a file that does not exist", () => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const pages = readdirSync(`${root}docs`, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".md"));
  for (const page of ["README.md", "CONTRIBUTING.md", ...pages.map((name) => `docs/${name}`)]) {
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
