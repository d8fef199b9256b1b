/**
 * Reads commits and other objects of one repository, and keeps commits in memory.
 *
 * Invariants:
 * - What needs git to be read right, such as another encoding or a shallow history, is left to git.
 * - Objects never change, so a commit in memory is never stale.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseSha, type Sha } from "../core/protocol/ids.ts";
import type { Commit } from "../core/protocol/request.ts";
import type { Git } from "./git.ts";
import { ObjectSession, type GitObject } from "./object-session.ts";
import { LOG_FORMAT, parseLog } from "./parse-output.ts";
import { parseCommit } from "./parse-commit.ts";
import { listRefFiles } from "./ref-files.ts";
import { COMMIT_CACHE } from "./timing.ts";

const REPLACED = "refs/replace/";
/** A larger commit is read by `git log`. */
const MAX_COMMIT_BYTES = 16 * 1024 * 1024;

export class ObjectReader {
  readonly session: ObjectSession;
  readonly #git: Git;
  readonly #commits = new Map<Sha, Commit>();

  constructor(git: Git) {
    this.#git = git;
    this.session = new ObjectSession(git);
  }

  /** The commits among these ids that need no more than their plain text. `commonDir`: of the repository. */
  async commits(commonDir: string, ids: readonly Sha[]): Promise<ReadonlyMap<Sha, Commit>> {
    if (hasOtherParents(commonDir)) return new Map();
    const found = new Map<Sha, Commit>();
    const unread: Sha[] = [];
    for (const id of new Set(ids)) {
      const commit = this.#commits.get(id);
      if (commit) found.set(id, commit);
      else unread.push(id);
    }
    for (const object of await this.#readCommits(unread)) {
      const id = parseSha(object.id);
      const commit = id && parseCommit(id, object.bytes);
      if (!commit) continue;
      found.set(commit.commit, commit);
      this.#keep(commit);
    }
    return found;
  }

  /** First-parent history of a commit, newest first. */
  async trail(commonDir: string, commit: Sha, limit: number): Promise<Commit[]> {
    const trail: Commit[] = [];
    let next: Sha | undefined = commit;
    for (let steps = 0; next && trail.length < limit;) {
      if (!this.#commits.has(next)) steps++;
      const id: Sha = next;
      const read: Commit | undefined =
        steps > COMMIT_CACHE.steps ? undefined : (await this.commits(commonDir, [id])).get(id);
      if (!read) return [...trail, ...(await this.#log(id, limit - trail.length, commonDir))];
      trail.push(read);
      [next] = read.parents;
    }
    return trail;
  }

  /** True when a few steps along the first parents lead from `newer` to `older`; false says nothing. */
  async isNear(commonDir: string, older: Sha, newer: Sha): Promise<boolean> {
    let next: Sha | undefined = newer;
    for (let steps = 0; next && steps < COMMIT_CACHE.steps; steps++) {
      if (next === older) return true;
      const id: Sha = next;
      const commit: Commit | undefined = (await this.commits(commonDir, [id])).get(id);
      [next] = commit?.parents ?? [];
    }
    return false;
  }

  async #log(commit: Sha, limit: number, commonDir: string): Promise<Commit[]> {
    const args = ["log", "--first-parent", "-n", String(limit), LOG_FORMAT, "--end-of-options", commit, "--"];
    const commits = parseLog(await this.#git.text(args));
    if (!hasOtherParents(commonDir)) for (const one of commits) this.#keep(one);
    return commits;
  }

  async #readCommits(ids: readonly Sha[]): Promise<GitObject[]> {
    const isCommit = (await this.session.info(ids)).map(
      (object, at) => object?.type === "commit" && object.id === ids[at] && object.size <= MAX_COMMIT_BYTES,
    );
    const objects = await this.session.contents(ids.filter((_, at) => isCommit[at]));
    return objects.flatMap((object) => object ?? []);
  }

  #keep(commit: Commit): void {
    if (commit.message.length > COMMIT_CACHE.messageLength) return;
    this.#commits.set(commit.commit, commit);
    const [oldest] = this.#commits.keys();
    if (oldest !== undefined && this.#commits.size > COMMIT_CACHE.count) this.#commits.delete(oldest);
  }
}

/** A shallow history ends before its parents, grafts replace them, and `git replace` replaces any object. */
const hasOtherParents = (commonDir: string): boolean =>
  ["shallow", "info/grafts"].some((name) => existsSync(join(commonDir, name))) ||
  listRefFiles(commonDir, [REPLACED])?.length !== 0;
