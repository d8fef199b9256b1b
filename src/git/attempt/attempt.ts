/** An attempt that is open: its folder, and the gits that work on it. */
import { join, relative } from "node:path";
import type { BoundedGit } from "../bounded-git.ts";
import type { LfsAccess } from "./lfs-objects.ts";
import type { ObjectReader } from "../object-reader.ts";
import { statOf, type AttemptFolder, type RunRecord } from "./attempt-folder.ts";

export interface AttemptGits {
  /** git in the repository of the attempt. */
  readonly own: BoundedGit;
  /** The trusted git for the tree. */
  readonly trusted: BoundedGit;
  /** The trusted git on commits, which has no tree whose files it could read. */
  readonly objects: BoundedGit;
  /** Reads commits of the trusted repository. */
  readonly reader: ObjectReader;
  readonly commonDir: string;
  /** False where the disk does not tell programs from other files. */
  readonly hasFileModes: boolean;
  /** The address of the trusted repository, to which addresses of submodules are relative. */
  readonly origin: string;
  /** The filter drivers in the configuration. */
  readonly drivers: readonly string[];
  /** Those whose programs are switched off. */
  readonly offDrivers: readonly string[];
  readonly lfs: LfsAccess;
  /**
   * Asks the remote of a submodule for a commit, as the person. Undefined for an address that the trusted
   * commit does not have at this path.
   */
  readonly askSubmodule: (
    link: { readonly path: string; readonly id: string },
    address: string,
  ) => Promise<boolean | undefined>;
}

export interface Attempt {
  readonly folder: AttemptFolder;
  readonly gits: AttemptGits;
  readonly record: RunRecord;
  /** Tells whether the script's index is still the one that it began with; undefined: unknown. */
  readonly firstIndex: string | undefined;
  /** True once git reached a limit on the files: it would reach it a second time. */
  readonly isStuck?: boolean;
}

/** Files of a git directory, and of a tree, that git reads before anything else. */
const FIRST_READ = [
  "HEAD",
  "config",
  "config.worktree",
  "index",
  "packed-refs",
  "commondir",
  "shallow",
  "info/exclude",
  "info/attributes",
  "objects/info/alternates",
];
const RULES = [".gitignore", ".gitattributes", ".gitmodules"];

/** The first file that would keep git waiting, such as a named pipe. The limit of time ends what this misses. */
export function findPipe({ tree, gitDir }: Pick<AttemptFolder, "gitDir" | "tree">): string | undefined {
  const files = [...FIRST_READ.map((name) => join(gitDir, name)), ...RULES.map((name) => join(tree, name))];
  const found = files.find((file) => {
    const stats = statOf(file);
    return stats !== undefined && !stats.isFile() && !stats.isSymbolicLink() && !stats.isDirectory();
  });
  return found && relative(tree, found);
}

/** Differs for every other content of the script's index; undefined: it is not a file. */
export function indexSignature({ gitDir }: AttemptFolder): string | undefined {
  const stats = statOf(join(gitDir, "index"));
  return stats?.isFile() ? `${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}` : undefined;
}
