/**
 * Fills the submodules of an attempt, where the trusted workflow says so.
 *
 * Invariants:
 * - Addresses are those of the trusted commit, and inside a submodule those of the commit that the trusted
 *   one links to. A submodule that only the worked branch has starts empty.
 * - The script finds the layout of `git submodule update`, and what it does there ends with the attempt.
 */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { HEADS, parseSha, type RunId, type Sha } from "../../core/protocol/ids.ts";
import { BoundedGit, isGitProblem } from "../bounded-git.ts";
import type { Git, Setting } from "../git.ts";
import { isFolder } from "./attempt-folder.ts";
import { parseSubmodules, resolveAddress, type Submodule } from "./submodule-remotes.ts";
import { BRANCHES_REFSPEC, type SubmoduleStore } from "./submodule-store.ts";
import { allowedVariables, checkOut, LINK } from "./tree-git.ts";
import { configText, withoutSecrets } from "./write-repository.ts";

/** Ends a circle of submodules. */
const DEEPEST = 5;

/** A repository whose submodules are filled. */
export interface Superproject {
  /** The trusted git directory that has both commits. */
  readonly commonDir: string;
  readonly trusted: Sha;
  readonly commit: Sha;
  /** The address to which others are relative. */
  readonly origin: string;
  readonly tree: string;
  /** The git directory of the tree. */
  readonly gitDir: string;
}

export interface FillOptions {
  readonly git: Git;
  readonly store: SubmoduleStore;
  readonly run: RunId;
  readonly settings: readonly Setting[];
}

/** Returns the settings that name the filled submodules, or what is wrong. */
export async function fillSubmodules(
  options: FillOptions,
  project: Superproject,
  depth = 1,
): Promise<readonly Setting[] | string> {
  const { commonDir, trusted, commit, origin, tree } = project;
  const git = readerOf(options.git, commonDir);
  const declared = await trustedSubmodules(git, trusted);
  if (declared.size === 0) return [];
  const links = await readLinks(git, commit, [...declared.keys()]);
  const trustedLinks = commit === trusted ? links : await readLinks(git, trusted, [...declared.keys()]);
  const settings: Setting[] = [];
  for (const [path, { name, url }] of declared) {
    const id = links.get(path);
    if (id === undefined || !isEmptyFolder(tree, path)) continue;
    const address = resolveAddress(url, origin);
    const problem = await options.store.fetch(address, id);
    if (problem !== undefined) return `the submodule ${path} could not be filled: ${problem}`;
    settings.push([`submodule.${name}.active`, "true"], [`submodule.${name}.url`, withoutSecrets(address)]);
    const inner = await fillOne(options, project, { path, name, id, address }, trustedLinks.get(path), depth);
    if (typeof inner === "string") return `${path}: ${inner}`;
  }
  return settings;
}

interface Filled {
  readonly path: string;
  readonly name: string;
  readonly id: Sha;
  readonly address: string;
}

async function fillOne(
  options: FillOptions,
  { tree, gitDir }: Superproject,
  { path, name, id, address }: Filled,
  trusted: Sha | undefined,
  depth: number,
): Promise<readonly Setting[] | string> {
  const { git, store, run, settings } = options;
  const folder = join(tree, path);
  const module = join(gitDir, "modules", name);
  const commonDir = store.folderOf(address);
  for (const below of ["objects/info", "objects/pack", HEADS, "refs/tags", "info"])
    mkdirSync(join(module, below), { recursive: true });
  try {
    await checkOut(
      { git, commonDir },
      { tree: folder, index: join(module, "index") },
      { run, commit: id },
      settings,
      [],
    );
  } catch (error) {
    if (isGitProblem(error)) return `its files could not be checked out: ${error.message}`;
    throw error;
  }
  const refs = await readerOf(git, commonDir).text(["for-each-ref", "--format=%(objectname) %(refname)"]);
  const inner =
    trusted === undefined || depth >= DEEPEST || (await store.fetch(address, trusted)) !== undefined
      ? []
      : await fillSubmodules(
          options,
          { commonDir, trusted, commit: id, origin: address, tree: folder, gitDir: module },
          depth + 1,
        );
  if (typeof inner === "string") return inner;
  const isSha256 = id.length === 64;
  writeFileSync(join(module, "packed-refs"), `# pack-refs with:\n${refs}`);
  writeFileSync(join(module, "objects/info/alternates"), `${join(commonDir, "objects")}\n`);
  writeFileSync(
    join(module, "config"),
    configText([
      ["core.repositoryformatversion", isSha256 ? "1" : "0"],
      ...(isSha256 ? [["extensions.objectformat", "sha256"] as const] : []),
      ["core.bare", "false"],
      ["core.worktree", relative(module, folder)],
      ["gc.auto", "0"],
      ["maintenance.auto", "false"],
      ["remote.origin.url", withoutSecrets(address)],
      ["remote.origin.fetch", BRANCHES_REFSPEC],
      ...inner,
    ]),
  );
  writeFileSync(join(module, "HEAD"), `${id}\n`);
  writeFileSync(join(folder, ".git"), `gitdir: ${relative(folder, module)}\n`);
  return inner;
}

/** The submodules that a trusted commit declares, by their paths. */
export async function trustedSubmodules(
  git: BoundedGit,
  commit: Sha,
): Promise<ReadonlyMap<string, Submodule>> {
  const args = ["config", "--blob", `${commit}:.gitmodules`, "--list", "-z"];
  const { code, stdout } = await git.run(args, { allowedCodes: [1, 128] });
  const all = code === 0 ? parseSubmodules(stdout) : new Map<string, Submodule>();
  // As git does: a name is a folder below `modules`, and must not lead out of it.
  const isSafe = (name: string) => name.split(/[/\\]/).every((part) => part !== "" && part !== "..");
  return new Map([...all].filter(([path, { name }]) => isSafe(name) && isSafe(path)));
}

export const readerOf = (git: Git, commonDir: string): BoundedGit =>
  new BoundedGit({
    dir: dirname(commonDir),
    env: { ...allowedVariables(git.target.env), GIT_DIR: commonDir, GIT_NO_REPLACE_OBJECTS: "1" },
    settings: [],
  });

/** The commits that a commit links to at these paths. */
async function readLinks(git: BoundedGit, commit: Sha, paths: readonly string[]): Promise<Map<string, Sha>> {
  const args = ["ls-tree", "-z", "--full-tree", commit, "--", ...paths];
  const lines = (await git.text(args)).split("\0");
  return new Map(
    lines.flatMap((line) => {
      const [, id = "", path = ""] = new RegExp(`^${LINK} commit ([0-9a-f]+)\\t([^]+)$`).exec(line) ?? [];
      const link = parseSha(id);
      return link === undefined ? [] : [[path, link] as const];
    }),
  );
}

/** True for the folder that git makes for a submodule. */
function isEmptyFolder(tree: string, path: string): boolean {
  const parts = path.split("/");
  const isPlain = parts.every((_, at) => isFolder(join(tree, ...parts.slice(0, at + 1))));
  return isPlain && readdirSync(join(tree, path)).length === 0;
}
