/** Checks the pages that are lists: decisions and glossary. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, "utf8");
const headingsOf = (text: string, level: string): string[] =>
  text.split("\n").flatMap((line) => (line.startsWith(`${level} `) ? [line.slice(level.length + 1)] : []));

describe("decisions", () => {
  const files = readdirSync(`${root}docs/decisions`).filter((name) => name !== "README.md").toSorted();
  const list = read("docs/decisions/README.md");

  it("are numbered without a gap", () => {
    expect(files.map((name) => Number(name.slice(0, 4)))).toEqual(files.map((_, index) => index + 1));
  });

  it.each(files)("%s is listed once, and says context, decision and consequence", (file) => {
    const text = read(`docs/decisions/${file}`);
    expect(headingsOf(text, "##")).toEqual(["Context", "Decision", "Consequence"]);
    const title = headingsOf(text, "#").join("").replace(/^\d+\. /, "");
    expect(list.split(`- [${file.slice(0, 4)} ${title}](${file})`)).toHaveLength(2);
  });
});

describe("the glossary", () => {
  const words = headingsOf(read("docs/glossary.md"), "##");

  it("is in alphabetical order", () => expect(words).toEqual(words.toSorted((a, b) => a.localeCompare(b))));

  it("explains each word that other pages take for granted", () => {
    const needed =
      "ref branch head commit trailer worktree remote state transition workflow script request response lease claim " +
      "run attempt outcome lane slot park salvage hand-off pack";
    const known = new Set(words.map((word) => word.toLowerCase()));
    expect(needed.split(" ").filter((word) => !known.has(word))).toEqual([]);
  });
});

describe("the page about security", () => {
  const rows = read("docs/security.md")
    .split("\n")
    .filter((line) => /^\| .* \|$/.test(line))
    .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "")));
  const promises = rows.filter((cells) => cells.length === 4 && !cells[0]?.startsWith("a script") && cells[0] !== "---");
  const tests = readdirSync(`${root}test/integration`, { recursive: true }).map(String);

  it.each(promises)("names a test for: %s", (_, inside, _outside, test) => {
    if (test === "not held back") return expect(inside).toBe("works");
    expect(tests.some((path) => path.endsWith(`/${test?.replaceAll("`", "")}`))).toBe(true);
  });
});
