/**
 * A person's own repository: what the remote looks like from there, commits, and pushes.
 *
 * What must hold: a push names the values that it replaces, so that what was accepted is exactly
 * what the ledger says; a refusal changes nothing, and is no fault.
 */
import { join } from "node:path";
import { git, type Lab } from "./trial-directory.ts";
import { append } from "./trial-log.ts";
import { leaseOf } from "./check/ref-history.ts";

export interface Head {
  readonly branch: string;
  readonly ref: string;
  readonly commit: string;
  /** Empty when nothing is asked for. */
  readonly state: string;
  /** True when a lease is on it. */
  readonly busy: boolean;
}

export interface Change {
  readonly ref: string;
  readonly old: string | null;
  readonly new: string | null;
}

const FORMAT =
  "--format=%(refname)%00%(objectname)%00%(contents:trailers:key=State,valueonly,separator=%2C)%00";

export class Desk {
  readonly name: string;
  readonly #lab: Lab;
  readonly #dir: string;

  private constructor(lab: Lab, name: string) {
    this.#lab = lab;
    this.name = name;
    this.#dir = join(lab.root, `${name}.git`);
  }

  static async open(lab: Lab, name: string): Promise<Desk> {
    const desk = new Desk(lab, name);
    await git(lab.root, ["init", "-q", "--bare", "-b", "main", desk.#dir]);
    await desk.#git("remote", "add", "origin", lab.remote);
    return desk;
  }

  #git(...args: string[]): Promise<string> {
    return git(this.#dir, args);
  }

  /** The branches as they are at the remote now, without `main`. */
  async look(): Promise<Head[]> {
    const specs = ["+refs/heads/*:refs/heads/*", "+refs/trailhand/leases/*:refs/trailhand/leases/*"];
    await this.#git("fetch", "-q", "--prune", "--no-auto-maintenance", "origin", ...specs);
    const output = await this.#git("for-each-ref", FORMAT, "refs/heads", "refs/trailhand/leases");
    const found = output.split("\0\n").map((record) => record.split("\0"));
    const refs = new Set(found.map(([ref]) => ref));
    return found.flatMap(([ref = "", commit = "", state = ""]) =>
      ref.startsWith("refs/heads/") && ref !== "refs/heads/main"
        ? [
            {
              branch: ref.replace("refs/heads/", ""),
              ref,
              commit,
              state: state.replaceAll("\0", "").trim(),
              busy: refs.has(leaseOf(ref)),
            },
          ]
        : [],
    );
  }

  /** A commit with one more file; returns its id. */
  async commit(parent: string, message: string, file: string): Promise<string> {
    const blob = await git(this.#dir, ["hash-object", "-w", "--stdin"], message);
    const entries = await this.#git("ls-tree", parent);
    const tree = await git(this.#dir, ["mktree"], `${entries}\n100644 blob ${blob}\t${file}\n`);
    return git(this.#dir, ["commit-tree", "-p", parent, "-F", "-", tree], message);
  }

  /** Commits below a head that are not on main, newest first, the head left out. */
  async below(commit: string): Promise<string[]> {
    const output = await this.#git("rev-list", "--first-parent", commit, "^refs/heads/main");
    return output.split("\n").slice(1).filter(Boolean);
  }

  main(): Promise<string> {
    return this.#git("rev-parse", "refs/heads/main");
  }

  /** Pushes all of it or nothing. True, and in the ledger, when the remote took it. */
  async push(kind: string, changes: readonly Change[]): Promise<boolean> {
    const leases = changes.map(({ ref, old }) => `--force-with-lease=${ref}:${old ?? ""}`);
    const specs = changes.map(({ ref, new: next }) => `${next ?? ""}:${ref}`);
    try {
      await this.#git("push", "-q", "--atomic", ...leases, "origin", ...specs);
    } catch {
      return false;
    }
    for (const change of changes) {
      append(this.#lab.ledger, { at: Date.now(), by: this.name, kind, ...change });
    }
    return true;
  }
}
