/**
 * git inside the repository of an attempt, as the script could run it.
 *
 * Invariants:
 * - A script may have written the configuration and everything else that this git reads. It gets no secret
 *   and no network, and what it prints is data that trusted git checks.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { HEADS, refOf, parseSha, type Branch, type RunId, type Sha } from "../../core/protocol/ids.ts";
import { RUN_VARIABLE } from "../../core/protocol/run-variable.ts";
import { BoundedGit } from "../bounded-git.ts";
import { GitExit } from "../git.ts";
import type { AttemptFolder, RunRecord } from "./attempt-folder.ts";

const LONGEST_LINK = 1000;
const STASH = "refs/stash";

export function ownGit(path: string, { tree }: Pick<AttemptFolder, "tree">, run: RunId): BoundedGit {
  const env = {
    PATH: path,
    HOME: "/nonexistent",
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CEILING_DIRECTORIES: join(tree, ".."),
    GIT_TERMINAL_PROMPT: "0",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_NO_LAZY_FETCH: "1",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_ALLOW_PROTOCOL: "none",
    [RUN_VARIABLE]: run,
  };
  const settings = [
    ["core.hooksPath", "/dev/null"],
    ["core.fsmonitor", "false"],
    ["core.pager", "cat"],
  ] as const;
  return new BoundedGit({ dir: tree, env, settings });
}

/**
 * The commit of HEAD; undefined on a branch without commits. While HEAD and the branch hold what we wrote,
 * no git process is needed.
 */
export async function readOwnHead(
  git: BoundedGit,
  folder: AttemptFolder,
  record: RunRecord,
): Promise<Sha | undefined> {
  return readHeadFile(folder, record) === record.request ? record.request : resolveCommit(git, "HEAD");
}

/** The id in the file of the branch while HEAD names it. The script may have written any id there. */
export function readHeadFile(
  { gitDir }: AttemptFolder,
  { branch, request }: Pick<RunRecord, "branch" | "request">,
): Sha | undefined {
  const ref = refOf(branch as Branch);
  if (readSmall(join(gitDir, "HEAD")) !== `ref: ${ref}\n`) return undefined;
  const id = /^([0-9a-f]+)\n$/.exec(readSmall(join(gitDir, ref)) ?? "")?.[1] ?? "";
  return id.length === request.length ? parseSha(id) : undefined;
}

/** The id of a commit that this git knows by name. */
export async function resolveCommit(git: BoundedGit, name: string): Promise<Sha | undefined> {
  try {
    return parseSha((await git.text(["rev-parse", "--verify", "--quiet", `${name}^{commit}`])).trim());
  } catch (error) {
    if (error instanceof GitExit) return undefined;
    throw error;
  }
}

/** A short file that may be anything by now: a named pipe would block, and a link leads elsewhere. */
export function readSmall(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    if (!fstatSync(file).isFile()) return undefined;
    const buffer = Buffer.alloc(LONGEST_LINK);
    return buffer.toString("utf8", 0, readSync(file, buffer, 0, buffer.length, 0));
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}

/** The commits that branches, tags and stashes name now, and that none of the first refs named. */
export async function newCommits(git: BoundedGit, firstRefs: string): Promise<Sha[]> {
  const before = new Set(
    firstRefs.split("\n").flatMap((line) => parseSha(line.split(" ")[0]?.replace("^", "") ?? "") ?? []),
  );
  const format = "--format=%(refname) %(objectname) %(objecttype) %(*objectname) %(*objecttype)";
  const lines = (await git.text(["for-each-ref", format, HEADS, "refs/tags/", STASH])).split("\n");
  const named = lines.flatMap((line) => {
    const [, id = "", type, peeled = "", peeledType] = line.split(" ");
    return type === "commit" ? [id] : peeledType === "commit" ? [peeled] : [];
  });
  // Only the newest stash has a ref. The log of that ref names the others.
  const hasStash = lines.some((line) => line.startsWith(`${STASH} `));
  const stashes = hasStash ? (await git.text(["log", "-g", "--format=%H", STASH, "--"])).split("\n") : [];
  const original = await resolveCommit(git, "ORIG_HEAD");
  const ids = [...named, ...stashes, original ?? ""].flatMap((id) => parseSha(id) ?? []);
  return [...new Set(ids)].filter((id) => !before.has(id));
}
