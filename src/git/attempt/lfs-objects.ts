/**
 * Takes over the content that pointers of git-lfs in a script's commits and files stand for.
 *
 * Invariants:
 * - A pointer becomes part of a response only if its content is in the trusted store, or if others have the
 *   pointer. The content would be gone with the attempt.
 * - Content is taken over only if it has the hash of its pointer, and from no folder that a link leads to.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Sha } from "../../core/protocol/ids.ts";
import type { BoundedGit } from "../bounded-git.ts";
import type { Setting } from "../git.ts";
import { isFolder, isPlainFile, statOf, type AttemptFolder } from "./attempt-folder.ts";
import { newPointers, type PointerBlob } from "./lfs-pointer.ts";

/** Where git-lfs keeps content in the repository of an attempt. */
const OWN_STORE = "lfs/objects";

export interface LfsAccess {
  /** The drivers that may run and are git-lfs, by any name. */
  readonly drivers: readonly string[];
  /** The folder of the trusted repository's content. */
  readonly store: string;
  /** Sends content to the remote, and returns what is wrong; undefined where a person pushes later. */
  readonly send: ((oids: readonly string[]) => Promise<string | undefined>) | undefined;
}

/** The drivers whose program is git-lfs. */
export function lfsDrivers(settings: readonly Setting[]): string[] {
  const names = settings.flatMap(([key, value]) => {
    const [, name] = /^filter\.(.+)\.(?:clean|process)$/s.exec(key) ?? [];
    return name !== undefined && /^(?:\S*\/)?git[- ]lfs\b/.test(value) ? [name] : [];
  });
  return [...new Set(names)];
}

/** The folder of content, see `lfs.storage` in git-lfs-config(5). */
export function lfsStore(settings: readonly Setting[], commonDir: string): string {
  const storage = settings.findLast(([key]) => key === "lfs.storage")?.[1] ?? "lfs";
  return join(storage.startsWith("/") ? storage : join(commonDir, storage), "objects");
}

/** Takes over the content of new pointers below these commits and trees, or says what is wrong. */
export async function takeLfsObjects(
  git: BoundedGit,
  { drivers, store, send }: LfsAccess,
  { gitDir }: Pick<AttemptFolder, "gitDir">,
  tips: readonly Sha[],
  base: Sha | undefined,
): Promise<string | undefined> {
  const isAllowed = drivers.length > 0;
  if (!isAllowed && !isFolder(join(gitDir, OWN_STORE))) return undefined;
  const present: string[] = [];
  for (const pointer of await newPointers(git, tips, base)) {
    const isPresent =
      statOf(join(store, placeOf(pointer)))?.size === pointer.size ||
      (isAllowed && (await takeObject(store, gitDir, pointer)));
    if (isPresent && isAllowed) present.push(pointer.oid);
    else if (!(await isKnown(git, pointer)))
      return isAllowed
        ? `${pointer.path} is a pointer of git-lfs to ${pointer.oid}, and that content is not there; add the file itself`
        : `${pointer.path} is stored through the filter "lfs", which may not run here, so its content would be gone; list lfs under filters in states/workflow.yml, or leave the file alone`;
  }
  return present.length === 0 ? undefined : send?.([...new Set(present)]);
}

const placeOf = ({ oid }: PointerBlob): string => join(oid.slice(0, 2), oid.slice(2, 4), oid);

/** Copies content of the attempt into the trusted store. False when it is not what the pointer says. */
async function takeObject(store: string, gitDir: string, pointer: PointerBlob): Promise<boolean> {
  const place = placeOf(pointer);
  const path = join(OWN_STORE, place);
  if (!isPlainFile(gitDir, path) || statOf(join(gitDir, path))?.size !== pointer.size) return false;
  const target = join(store, place);
  const temporary = `${target}.${process.pid}`;
  mkdirSync(dirname(target), { recursive: true });
  const hash = createHash("sha256");
  try {
    await pipeline(
      createReadStream(join(gitDir, path)),
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(temporary, { flush: true }),
    );
    if (hash.digest("hex") !== pointer.oid) return false;
    renameSync(temporary, target);
    return true;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** True when a commit of a trusted ref brought the same pointer, as when a script reverts a change. */
async function isKnown(git: BoundedGit, { blob }: PointerBlob): Promise<boolean> {
  const search = ["log", "-n", "1", "-m", "--format=%H", `--find-object=${blob}`];
  return (await git.text([...search, "--branches", "--tags", "--remotes"])) !== "";
}
