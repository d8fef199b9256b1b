/**
 * The packs: ready-made workflows to install, each a folder of states with a page about it.
 *
 * What must hold: what is listed is what can be installed; there is one copy of the library that
 * packs share, and every pack gets it; a file is executable where the pack's own is. The page is
 * installed too, as states/README.md: whoever opens the folder later, on a host or in an editor,
 * sees the drawing and what may be changed, and need not know what a pack is. No state can have
 * its name, because names of states are lower-case.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { suggest } from "../core/util/suggest.ts";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import type { StarterFile } from "./starter.ts";

/** A pack in one line. */
export interface Pack {
  readonly name: string;
  /** The first sentence of its page. */
  readonly what: string;
}

/** The build puts both beside the program; in a checkout they are where they are written. */
const [FOLDER, LIBRARY] = (
  typeof BUILD === "string"
    ? ["packs", "packs/trailhand.sh"]
    : ["../../states/packs", "../../states/lib/trailhand.sh"]
).map((path) => join(import.meta.dirname, path)) as [string, string];

/** Every pack, by name. */
export function listPacks(): Pack[] {
  return packNames().map((name) => ({ name, what: firstSentence(readPage(name)) }));
}

/** The names alone. */
export function packNames(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => existsSync(join(FOLDER, name, "README.md")))
    .toSorted();
}

/** The page of a pack. Throws a Fault that names the nearest when there is no such pack. */
export const packPage = (name: string): string => readPage(requirePack(name));

/** What is written below `states/`, the shared library included. Throws a Fault as `packPage` does. */
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

/** The one command of a page: what to type once the pack is committed. */
export const commandOf = (page: string): string | undefined =>
  /^```sh\n([\s\S]*?)^```$/m.exec(page)?.[1]?.trim();

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

/** Of the first paragraph below the title, on one line. */
function firstSentence(page: string): string {
  const paragraph = page
    .replace(/^# .*\n+/, "")
    .split(/\n\s*\n/)[0]
    ?.replaceAll(/\s+/g, " ")
    .trim();
  return /^.*?[.!?](?= |$)/.exec(paragraph ?? "")?.[0] ?? paragraph ?? "";
}
