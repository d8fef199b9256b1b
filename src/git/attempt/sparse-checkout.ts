/**
 * Trees that hold only a part of the repository, as in git-sparse-checkout(1) in cone mode.
 *
 * Invariants:
 * - Which part it is stands in a git directory of the attempt, outside of the tree. Its objects, refs and
 *   settings are those of the repository.
 */
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sha } from "../../core/protocol/ids.ts";
import type { BoundedGit } from "../bounded-git.ts";
import type { Setting } from "../git.ts";
import { readJson } from "../read-json.ts";
import type { AttemptFolder } from "./attempt-folder.ts";

/** Undefined for a folder of a submodule, which is always whole. */
type Folder = Partial<Pick<AttemptFolder, "folder">>;

const DIRECTORY = "sparse";
const PATTERNS = "info/sparse-checkout";

/** Notes the folders that a tree holds. Without any, it holds all. */
export function writeSparse(
  { folder }: Pick<AttemptFolder, "folder">,
  folders: readonly string[],
  commit: Sha,
): void {
  if (folders.length === 0) return;
  const directory = join(folder, DIRECTORY);
  mkdirSync(join(directory, "info"), { recursive: true, mode: 0o700 });
  writeFileSync(join(directory, "HEAD"), `${commit}\n`);
  writeFileSync(join(directory, PATTERNS), conePatterns(folders));
  writeFileSync(join(directory, "folders.json"), JSON.stringify(folders));
}

/** The folders that a tree holds; undefined: all. */
export function readSparse({ folder }: Pick<AttemptFolder, "folder">): readonly string[] | undefined {
  return readJson(join(folder, DIRECTORY, "folders.json")) as readonly string[] | undefined;
}

/** The variables with which the trusted git sees only this part. */
export function sparseEnvironment(attempt: Folder, commonDir: string): Record<string, string> {
  const directory = directoryOf(attempt);
  return directory === undefined ? {} : { GIT_DIR: directory, GIT_COMMON_DIR: commonDir };
}

export const sparseSettings = (attempt: Folder): readonly Setting[] =>
  directoryOf(attempt) === undefined ? [] : SPARSE_SETTINGS;

function directoryOf({ folder }: Folder): string | undefined {
  const directory = folder === undefined ? undefined : join(folder, DIRECTORY);
  return directory !== undefined && existsSync(directory) ? directory : undefined;
}

/** The same for the git of the script. */
export function writeSparseInside({ folder, gitDir }: Pick<AttemptFolder, "folder" | "gitDir">): void {
  const patterns = join(folder, DIRECTORY, PATTERNS);
  if (existsSync(patterns)) copyFileSync(patterns, join(gitDir, PATTERNS));
}

/** A commit may add files outside of the folders. They are not in the tree, and not deleted. */
export async function skipAbsent(git: BoundedGit, folders: readonly string[]): Promise<void> {
  const absent = (await git.text(["ls-files", "-z", "--deleted"]))
    .split("\0")
    .filter((path) => path !== "" && !isInCone(folders, path));
  const stdin = absent.map((path) => `${path}\0`).join("");
  if (absent.length > 0) await git.run(["update-index", "-z", "--skip-worktree", "--stdin"], { stdin });
}

const SPARSE_SETTINGS: readonly Setting[] = [
  ["core.sparseCheckout", "true"],
  ["core.sparseCheckoutCone", "true"],
];

/** Cone mode takes whole folders, and the files beside and above them. */
export function conePatterns(folders: readonly string[]): string {
  const whole = folders.filter((folder) => !folders.some((other) => folder.startsWith(`${other}/`)));
  const parents = new Set(whole.flatMap((folder) => parentsOf(folder)));
  return [
    "/*",
    "!/*/",
    ...[...parents].toSorted().flatMap((parent) => [`/${escaped(parent)}/`, `!/${escaped(parent)}/*/`]),
    ...whole.map((folder) => `/${escaped(folder)}/`),
    "",
  ].join("\n");
}

/** True for a path that a tree with these folders holds. */
export function isInCone(folders: readonly string[], path: string): boolean {
  const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
  return (
    parent === "" ||
    folders.some(
      (folder) => path.startsWith(`${folder}/`) || parentsOf(folder).some((above) => above === parent),
    )
  );
}

/** `a/b/c` lies in `a` and `a/b`. */
const parentsOf = (folder: string): string[] =>
  folder.split("/").flatMap((_, at, parts) => (at === 0 ? [] : [parts.slice(0, at).join("/")]));

const escaped = (path: string): string => path.replace(/[\\*?[\]]/g, "\\$&");
