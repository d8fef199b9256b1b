/** Reads pointers of git-lfs, which stand in git for content that is stored elsewhere. */
import type { Sha } from "../../core/protocol/ids.ts";
import type { BoundedGit } from "../bounded-git.ts";

/** A pointer is shorter. */
const LONGEST_POINTER = 1024;

export interface LfsPointer {
  /** The SHA-256 of the content. */
  readonly oid: string;
  readonly size: number;
}

export interface PointerBlob extends LfsPointer {
  readonly blob: string;
  readonly path: string;
}

const VERSIONS = [
  "https://git-lfs.github.com/spec/v1",
  "https://hawser.github.com/spec/v1",
  "http://git-media.io/v/2",
].map((version) => version.replaceAll(".", "\\."));
const POINTER = `version (?:${VERSIONS.join("|")})\\n(?:ext-[^\\n]*\\n)*oid sha256:([0-9a-f]{64})\\nsize (\\d+)\\n`;

/** The pointer that a blob is; undefined for any other blob. */
export async function readPointer(git: BoundedGit, blob: string): Promise<LfsPointer | undefined> {
  const size = Number(await git.text(["cat-file", "-s", blob]));
  if (!(size <= LONGEST_POINTER)) return undefined;
  const [, oid, length] =
    new RegExp(`^${POINTER}$`).exec(`${(await git.text(["cat-file", "blob", blob])).trimEnd()}\n`) ?? [];
  return oid === undefined ? undefined : { oid, size: Number(length) };
}

/** The pointers below commits and trees that no trusted ref has. */
export async function newPointers(
  git: BoundedGit,
  tips: readonly Sha[],
  base: Sha | undefined,
): Promise<PointerBlob[]> {
  const revisions = [...tips, ...(base === undefined ? [] : [`^${base}`]), ""].join("\n");
  const list = ["rev-list", "--objects", "--stdin", "--not", "--branches", "--tags", "--remotes"];
  const paths = new Map(
    (await git.text(list, { stdin: revisions })).split("\n").flatMap((line) => {
      const at = line.indexOf(" ");
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );
  const check = ["cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)"];
  const sizes = await git.text(check, { stdin: [...paths.keys(), ""].join("\n") });
  const small = sizes.split("\n").flatMap((line) => {
    const [id = "", type, size] = line.split(" ");
    return type === "blob" && Number(size) <= LONGEST_POINTER ? [id] : [];
  });
  if (small.length === 0) return [];
  const contents = await git.text(["cat-file", "--batch"], { stdin: [...small, ""].join("\n") });
  const pointers = contents.matchAll(new RegExp(`^([0-9a-f]{40,64}) blob \\d+\\n${POINTER}`, "gm"));
  return [...pointers].map(([, blob = "", oid = "", size]) => ({
    blob,
    oid,
    size: Number(size),
    path: paths.get(blob) ?? blob,
  }));
}
