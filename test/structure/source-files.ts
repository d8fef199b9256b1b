/** Reads the source files, and separates what the compiler reads from what people read. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Tracked and new files under these folders, as paths from the root. */
export function listFiles(...folders: readonly string[]): string[] {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", ...folders];
  const listed = execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).split("\0").filter(Boolean);
  const deleted = execFileSync("git", ["ls-files", "--deleted", "-z"], { cwd: ROOT, encoding: "utf8" });
  const gone = new Set(deleted.split("\0"));
  return listed.filter((path) => !gone.has(path)).toSorted();
}

export const readText = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** The parts of a TypeScript file. Strings are without their quotes and template expressions. */
export interface Parts {
  readonly comments: string[];
  readonly strings: string[];
  /** What is left: identifiers, keywords, punctuation. */
  readonly code: string;
}

const TOKEN =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|(?<=[=(,:[!&|?{};]\s*|return\s+)\/(?![/*])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*|`/g;

/** Splits a TypeScript file. */
export function splitSource(text: string): Parts {
  const comments: string[] = [];
  const strings: string[] = [];
  let code = "";
  let at = 0;
  /** Brace depth at which each open template expression ends. */
  const open: number[] = [];
  const readTemplate = (from: number): number => {
    let end = from;
    while (end < text.length && text[end] !== "`" && !text.startsWith("${", end)) {
      end += text[end] === "\\" ? 2 : 1;
    }
    strings.push(text.slice(from, end));
    if (text[end] === "`") return end + 1;
    open.push(0);
    return end + 2;
  };
  while (at < text.length) {
    const character = text[at] as string;
    const depth = open.at(-1);
    if (character === "}" && depth === 0) {
      open.pop();
      at = readTemplate(at + 1);
      continue;
    }
    if (depth !== undefined && (character === "{" || character === "}"))
      open[open.length - 1] = depth + (character === "{" ? 1 : -1);
    TOKEN.lastIndex = at;
    const token = /[/"'`]/.test(character) ? TOKEN.exec(text) : null;
    if (token?.index !== at) {
      code += character;
      at += 1;
      continue;
    }
    const [found] = token;
    code += " ";
    if (found === "`") at = readTemplate(at + 1);
    else {
      if (found.startsWith("//") || found.startsWith("/*")) comments.push(found);
      else if (/^["']/.test(found)) strings.push(found.slice(1, -1));
      at += found.length;
    }
  }
  return { comments, strings, code };
}
