/**
 * A person's clone: fetches branches, writes commits and pushes them.
 *
 * Invariants:
 * - A push names the values that it replaces, so that the log of pushes is exact.
 * - A rejected push changes nothing and is not an error.
 */
import { join } from "node:path";
import { git, type TrialDirectory } from "./trial-directory.ts";
import { appendEntry } from "./trial-log.ts";
import { leaseOf } from "./check/ref-history.ts";

export interface Head {
  readonly branch: string;
  readonly ref: string;
  readonly commit: string;
  /** Empty for a commit that is not a request. */
  readonly state: string;
  /** True when the branch has a lease. */
  readonly isLeased: boolean;
}

export interface Change {
  readonly ref: string;
  readonly old: string | null;
  readonly new: string | null;
}

const FORMAT =
  "--format=%(refname)%00%(objectname)%00%(contents:trailers:key=State,valueonly,separator=%2C)%00";

export class PersonClone {
  readonly name: string;
  readonly #directory: TrialDirectory;
  readonly #dir: string;

  private constructor(lab: TrialDirectory, name: string) {
    this.#directory = lab;
    this.name = name;
    this.#dir = join(lab.root, `${name}.git`);
  }

  static async open(lab: TrialDirectory, name: string): Promise<PersonClone> {
    const clone = new PersonClone(lab, name);
    await git(lab.root, ["init", "-q", "--bare", "-b", "main", clone.#dir]);
    await clone.#git("remote", "add", "origin", lab.remote);
    return clone;
  }

  #git(...args: string[]): Promise<string> {
    return git(this.#dir, args);
  }

  /** Fetches the branches of the remote, without `main`. */
  async fetchHeads(): Promise<Head[]> {
    const specs = ["+refs/heads/*:refs/heads/*", "+refs/trailhand/leases/*:refs/trailhand/leases/*"];
    await this.#git("fetch", "-q", "--prune", "--no-auto-maintenance", "origin", ...specs);
    const output = await this.#git("for-each-ref", FORMAT, "refs/heads", "refs/trailhand/leases");
    const records = output.split("\0\n").map((record) => record.split("\0"));
    const refs = new Set(records.map(([ref]) => ref));
    return records.flatMap(([ref = "", commit = "", state = ""]) =>
      ref.startsWith("refs/heads/") && ref !== "refs/heads/main"
        ? [
            {
              branch: ref.replace("refs/heads/", ""),
              ref,
              commit,
              state: state.replaceAll("\0", "").trim(),
              isLeased: refs.has(leaseOf(ref)),
            },
          ]
        : [],
    );
  }

  /** Writes a commit with one more file. */
  async commit(parent: string, message: string, file: string): Promise<string> {
    const blob = await git(this.#dir, ["hash-object", "-w", "--stdin"], message);
    const entries = await this.#git("ls-tree", parent);
    const tree = await git(this.#dir, ["mktree"], `${entries}\n100644 blob ${blob}\t${file}\n`);
    return git(this.#dir, ["commit-tree", "-p", parent, "-F", "-", tree], message);
  }

  /** The commits below a head that are not on main, newest first. */
  async commitsBelow(commit: string): Promise<string[]> {
    const output = await this.#git("rev-list", "--first-parent", commit, "^refs/heads/main");
    return output.split("\n").slice(1).filter(Boolean);
  }

  main(): Promise<string> {
    return this.#git("rev-parse", "refs/heads/main");
  }

  /** An atomic push. Recorded, and true, when the remote accepts it. */
  async push(kind: string, changes: readonly Change[]): Promise<boolean> {
    const leases = changes.map(({ ref, old }) => `--force-with-lease=${ref}:${old ?? ""}`);
    const specs = changes.map(({ ref, new: next }) => `${next ?? ""}:${ref}`);
    try {
      await this.#git("push", "-q", "--atomic", ...leases, "origin", ...specs);
    } catch {
      return false;
    }
    for (const change of changes) {
      appendEntry(this.#directory.pushes, { at: Date.now(), by: this.name, kind, ...change });
    }
    return true;
  }
}
