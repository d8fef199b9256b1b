/**
 * Stores commits and trees by their content.
 *
 * Invariants:
 * - As in git, identical content, including the date, has an identical id.
 * - Objects are never changed or lost.
 */
import { hash } from "node:crypto";
import type { Sha } from "../../src/core/protocol/ids.ts";
import { parseLease, type Lease } from "../../src/core/protocol/lease.ts";
import { parseMessage, valueOf } from "../../src/core/protocol/message.ts";
import type { Commit } from "../../src/core/protocol/request.ts";

export interface StoredCommit extends Commit {
  readonly tree: Sha;
  /** The number of first-parent ancestors. */
  readonly depth: number;
  /** The commit without the signature; undefined: this one has none. */
  readonly signs?: Sha;
}

const idOf = (content: string): Sha => hash("sha1", content) as Sha;
export const EMPTY_TREE = idOf("an empty tree");

export class ObjectStore {
  /** Trees that contain a password. */
  readonly secrets = new Set<Sha>();
  readonly #commits = new Map<Sha, StoredCommit>();
  /** The paths in each tree. */
  readonly #paths = new Map<Sha, ReadonlySet<string>>();
  readonly #leases = new Map<Sha, Lease | undefined>();

  write(tree: Sha, parents: readonly Sha[], message: string, committed: number): Sha {
    const id = idOf(`commit ${tree} ${parents.join(" ")} ${committed}\n${message}`);
    const [parent] = parents;
    const depth = parent ? this.get(parent).depth + 1 : 0;
    if (!this.#commits.has(id)) {
      this.#commits.set(id, { commit: id, parents, committed, message, tree: this.treeOf(tree), depth });
    }
    return id;
  }

  /** The commit with a signature, which differs each time. */
  sign(id: Sha, salt: string): Sha {
    const signed = idOf(`signed ${id} ${salt}`);
    this.#commits.set(signed, { ...this.get(id), commit: signed, signs: id });
    return signed;
  }

  /** A tree with one more file. */
  addFile(tree: Sha, path: string): Sha {
    const before = this.treeOf(tree);
    const id = idOf(`tree ${before}\n${path}`);
    this.#paths.set(id, new Set([...this.pathsOf(before), path]));
    return id;
  }

  /** The paths of a tree or of a commit. */
  pathsOf(id: Sha): ReadonlySet<string> {
    return this.#paths.get(this.treeOf(id)) ?? new Set();
  }

  blobId(text: string): Sha {
    return idOf(`blob ${text}`);
  }

  /** The tree of a commit, or the given tree. */
  treeOf(id: Sha): Sha {
    return this.#commits.get(id)?.tree ?? id;
  }

  get(id: Sha): StoredCommit {
    const commit = this.#commits.get(id);
    if (!commit) throw new Error(`no commit ${id}`);
    return commit;
  }

  /** First-parent history, newest first, including the commit itself. */
  *firstParents(id: Sha | undefined): Generator<StoredCommit> {
    for (let at = id; at !== undefined;) {
      const commit = this.get(at);
      yield commit;
      [at] = commit.parents;
    }
  }

  isAncestor(older: Sha, newer: Sha): boolean {
    const { depth } = this.get(older);
    for (const commit of this.firstParents(newer)) {
      if (commit.commit === older) return true;
      if (commit.depth <= depth) return false;
    }
    return false;
  }

  /** True when a push of this commit, on top of `ancestor`, would send a secret. */
  hasSecret(id: Sha, ancestor: Sha | null): boolean {
    if (this.secrets.size === 0) return false;
    for (const { commit, tree } of this.firstParents(id)) {
      if (commit === ancestor) return false;
      if (this.secrets.has(tree)) return true;
    }
    return false;
  }

  /** The lease in a commit, if it is one. */
  lease(id: Sha | null | undefined): Lease | undefined {
    if (!id) return undefined;
    if (!this.#leases.has(id)) this.#leases.set(id, parseLease(this.get(id).message));
    return this.#leases.get(id);
  }

  trailer(id: Sha, key: string): string | undefined {
    const { message } = this.get(id);
    return message.includes(`${key}: `) ? valueOf(parseMessage(message).trailers, key) : undefined;
  }
}
