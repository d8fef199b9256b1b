/**
 * Lists and reads the packs: ready-made workflows, each a folder of states with a README.md.
 *
 * Invariants:
 * - Every pack is installed with the same copy of lib/trailhand.sh.
 * - The page is installed as states/README.md. No state can have that name: state names are lower-case.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { suggest } from "../core/util/suggest.ts";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import type { StarterFile } from "./starter.ts";

/** A row of `trailhand packs`. */
export interface Pack {
  readonly name: string;
  /** The first sentence of the page. */
  readonly what: string;
}

/** The build copies both next to the program; a checkout uses them in place. */
const [FOLDER, LIBRARY] = (
  typeof BUILD === "string"
    ? ["packs", "packs/trailhand.sh"]
    : ["../../states/packs", "../../states/lib/trailhand.sh"]
).map((path) => join(import.meta.dirname, path)) as [string, string];

/** Sorted by name. */
export function listPacks(): Pack[] {
  return packNames().map((name) => ({ name, what: firstSentence(readPage(name)) }));
}

export function packNames(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => existsSync(join(FOLDER, name, "README.md")))
    .toSorted();
}

/** The text of the pack's README.md. Throws a UserError that suggests the nearest name for an unknown pack. */
export const packPage = (name: string): string => readPage(requirePack(name));

/** The files to write below `states/`, including the library. Throws like `packPage`. */
export function packFiles(name: string): StarterFile[] {
  const folder = join(FOLDER, requirePack(name));
  const own = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => statSync(join(folder, path)).isFile());
  return [
    ...own.toSorted().map((path) => fileOf(join(folder, path), path)),
    fileOf(LIBRARY, "lib/trailhand.sh"),
  ];
}

/** The shell commands of a page, in order: install, commit, request, run. */
export const startCommands = (page: string): string[] =>
  (/^```sh\n([\s\S]*?)^```$/m.exec(page)?.[1] ?? "")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line !== "");

function fileOf(from: string, path: string): StarterFile {
  const executable = (statSync(from).mode & 0o111) !== 0;
  return { path: `states/${path}`, text: readFileSync(from, "utf8"), executable };
}

const readPage = (name: string): string => readFileSync(join(FOLDER, name, "README.md"), "utf8");

function requirePack(name: string): string {
  const known = packNames();
  if (known.includes(name)) return name;
  throw new UserError(MESSAGES.noPack(name, suggest(name, known)));
}

/** The first sentence of the first paragraph below the title, on one line. */
function firstSentence(page: string): string {
  const paragraph = page
    .replace(/^# .*\n+/, "")
    .split(/\n\s*\n/)[0]
    ?.replaceAll(/\s+/g, " ")
    .trim();
  return /^.*?[.!?](?= |$)/.exec(paragraph ?? "")?.[0] ?? paragraph ?? "";
}
