/**
 * Reads refs from the files of a repository, without a git process. See gitrepository-layout(5) and
 * git-pack-refs(1).
 *
 * Invariants:
 * - Loose refs are read before packed ones, as git does: a ref that is packed meanwhile is in both or in
 *   the second.
 * - Anything but plain refs, such as another ref format, a link or a broken ref, is left to git.
 */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  type Dirent,
} from "node:fs";
import { join } from "node:path";
import { HEADS, parseBranch, parseSha, type Sha } from "../core/protocol/ids.ts";

export interface RefFile {
  readonly ref: string;
  /** Undefined for a symbolic ref. */
  readonly id: Sha | undefined;
  /** The ref that a symbolic ref names. */
  readonly symref?: string;
  /** What a packed tag points to; null: it is not a tag; undefined: unknown. */
  readonly peeled?: Sha | null;
}

type Refs = Map<string, RefFile>;

interface PackedRefs {
  readonly signature: string;
  readonly refs: ReadonlyMap<string, RefFile>;
}

/** What stands for bytes that are not UTF-8. */
const NOT_UTF8 = "\uFFFD";

class NotPlain extends Error {}

const packedRefs = new Map<string, PackedRefs>();
/** How many repositories keep their packed refs in memory. */
const MAX_REPOSITORIES = 32;

/** The refs below these prefixes, or with these names, in the order of git; undefined: only git can tell. */
export function listRefFiles(commonDir: string, patterns: readonly string[]): RefFile[] | undefined {
  return unlessNotPlain(() => {
    requireFiles(commonDir);
    const loose: Refs = new Map();
    for (const pattern of patterns) {
      if (pattern.endsWith("/")) readFolder(commonDir, pattern.slice(0, -1), loose);
      else readLoose(commonDir, pattern, loose);
    }
    const isListed = (ref: string) =>
      patterns.some((pattern) => (pattern.endsWith("/") ? ref.startsWith(pattern) : ref === pattern));
    const refs: Refs = new Map();
    for (const [ref, file] of readPacked(commonDir)) if (isListed(ref)) refs.set(ref, file);
    for (const [ref, file] of loose) refs.set(ref, file);
    return sorted([...refs.values()]);
  });
}

/** The values of these refs, null for a missing one; undefined: only git can tell. */
export function readRefFiles<Name extends string>(
  commonDir: string,
  refs: readonly Name[],
): Map<Name, Sha | null> | undefined {
  return unlessNotPlain(() => {
    requireFiles(commonDir);
    const loose: Refs = new Map();
    for (const ref of refs) readLoose(commonDir, ref, loose);
    const packed = readPacked(commonDir);
    return new Map(
      refs.map((ref) => {
        const file = loose.get(ref) ?? packed.get(ref);
        if (file && file.id === undefined) throw new NotPlain();
        return [ref, file?.id ?? null];
      }),
    );
  });
}

function unlessNotPlain<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    // A file that cannot be read is git's to report.
    if (error instanceof NotPlain || (error instanceof Error && "code" in error)) return undefined;
    throw error;
  }
}

/** Other formats keep a file in the place of the folder of branches. */
function requireFiles(commonDir: string): void {
  const isFiles = statSync(join(commonDir, HEADS), { throwIfNoEntry: false })?.isDirectory() === true;
  if (!isFiles || statSync(join(commonDir, "reftable"), { throwIfNoEntry: false })) throw new NotPlain();
}

function readFolder(commonDir: string, folder: string, into: Refs): void {
  for (const entry of entriesOf(join(commonDir, folder))) {
    const { name } = entry;
    if (name.startsWith(".") || name.endsWith(".lock")) continue;
    const ref = `${folder}/${name}`;
    if (entry.isDirectory()) readFolder(commonDir, ref, into);
    else if (entry.isFile()) readLoose(commonDir, ref, into);
    else throw new NotPlain();
  }
}

/** Codes of a file that is not there, or that is a folder of refs or below another ref. */
const ABSENT = new Set(["ENOENT", "EISDIR", "ENOTDIR"]);

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}

function readLoose(commonDir: string, ref: string, into: Refs): void {
  // The rules for names are the same for every ref. A name that is not UTF-8 has no exact text here.
  if (parseBranch(ref.slice(ref.indexOf("/") + 1)) === undefined || ref.includes(NOT_UTF8))
    throw new NotPlain();
  const text = readPlainFile(join(commonDir, ref));
  if (text === undefined) return;
  const [, symref] = /^ref:\s*(\S+)\s*$/.exec(text) ?? [];
  const id = parseSha(text.trimEnd());
  if (symref === undefined && (id === undefined || /^0+$/.test(id))) throw new NotPlain();
  into.set(ref, symref === undefined ? { ref, id } : { ref, id: undefined, symref });
}

/** Undefined when it is not there. A named pipe would block. */
function readPlainFile(path: string): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = fstatSync(file);
    if (stats.isDirectory()) return undefined;
    if (!stats.isFile()) throw new NotPlain();
    return readFileSync(file, "utf8");
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function readPacked(commonDir: string): ReadonlyMap<string, RefFile> {
  const file = join(commonDir, "packed-refs");
  for (;;) {
    const signature = signatureOf(file);
    if (signature === undefined) return new Map();
    const known = packedRefs.get(commonDir);
    if (known?.signature === signature) return known.refs;
    const refs = parsePacked(readFileSync(file, "utf8"));
    // Another process may have replaced the file between the two calls.
    if (signatureOf(file) !== signature) continue;
    packedRefs.delete(commonDir);
    packedRefs.set(commonDir, { signature, refs });
    const [oldest] = packedRefs.keys();
    if (oldest !== undefined && packedRefs.size > MAX_REPOSITORIES) packedRefs.delete(oldest);
    return refs;
  }
}

function signatureOf(file: string): string | undefined {
  const stats = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stats && `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}`;
}

function parsePacked(text: string): Map<string, RefFile> {
  const refs: Refs = new Map();
  const isPeeled = /^# pack-refs with:.* fully-peeled /.test(text);
  let last: RefFile | undefined;
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("^")) {
      const peeled = parseSha(line.slice(1));
      if (last && peeled) refs.set(last.ref, { ...last, peeled });
      continue;
    }
    const space = line.indexOf(" ");
    const id = parseSha(line.slice(0, space));
    const ref = line.slice(space + 1);
    if (id === undefined || !ref.startsWith("refs/") || ref.includes(NOT_UTF8)) throw new NotPlain();
    last = isPeeled ? { ref, id, peeled: null } : { ref, id };
    refs.set(ref, last);
  }
  return refs;
}

/** git sorts by bytes, and strings compare by code units. */
function sorted(refs: RefFile[]): RefFile[] {
  const isAscii = refs.every(({ ref }) => /^[\x20-\x7e]*$/.test(ref));
  if (isAscii) return refs.toSorted((a, b) => (a.ref < b.ref ? -1 : 1));
  return refs
    .map((file) => [Buffer.from(file.ref), file] as const)
    .toSorted(([a], [b]) => Buffer.compare(a, b))
    .map(([, file]) => file);
}
