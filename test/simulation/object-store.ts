/**
 * Commits and trees by their content.
 *
 * What must hold: the same content has the same id, the date included, as in git; what was written
 * is never changed or lost.
 */
import { hash } from "node:crypto";
import type { Sha } from "../../src/core/protocol/ids.ts";
import { parseLease, type Lease } from "../../src/core/protocol/lease.ts";
import { parseMessage, valueOf } from "../../src/core/protocol/message.ts";
import type { Commit } from "../../src/core/protocol/request.ts";

export interface Stored extends Commit {
  readonly tree: Sha;
  /** How many first parents lie below. */
  readonly depth: number;
}

const idOf = (content: string): Sha => hash("sha1", content) as Sha;
export const EMPTY_TREE = idOf("an empty tree");

export class Objects {
  /** Trees that hold what no server takes. */
  readonly secrets = new Set<Sha>();
  readonly #commits = new Map<Sha, Stored>();
  /** The paths that trees have beside those of the empty one. */
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

  /** The tree of a script that changed another one: it has one more file. */
  changed(tree: Sha, what: string): Sha {
    const before = this.treeOf(tree);
    const id = idOf(`tree ${before}\n${what}`);
    this.#paths.set(id, new Set([...this.pathsOf(before), what]));
    return id;
  }

  /** The paths of a tree, or of the tree of a commit. */
  pathsOf(id: Sha): ReadonlySet<string> {
    return this.#paths.get(this.treeOf(id)) ?? new Set();
  }

  /** The id that a text has as a blob. */
  blob(text: string): Sha {
    return idOf(`blob ${text}`);
  }

  /** The tree of a commit; a tree is its own. */
  treeOf(id: Sha): Sha {
    return this.#commits.get(id)?.tree ?? id;
  }

  get(id: Sha): Stored {
    const found = this.#commits.get(id);
    if (!found) throw new Error(`no commit ${id}`);
    return found;
  }

  /** First parents, newest first, itself included. */
  *line(id: Sha | undefined): Generator<Stored> {
    for (let at = id; at !== undefined;) {
      const commit = this.get(at);
      yield commit;
      [at] = commit.parents;
    }
  }

  isAncestor(older: Sha, newer: Sha): boolean {
    const { depth } = this.get(older);
    for (const commit of this.line(newer)) {
      if (commit.commit === older) return true;
      if (commit.depth <= depth) return false;
    }
    return false;
  }

  /** True when a push of this commit, where that one is already, would carry a secret. */
  hasSecret(id: Sha, already: Sha | null): boolean {
    if (this.secrets.size === 0) return false;
    for (const { commit, tree } of this.line(id)) {
      if (commit === already) return false;
      if (this.secrets.has(tree)) return true;
    }
    return false;
  }

  /** The lease that a commit is, if it is one. */
  lease(id: Sha | null | undefined): Lease | undefined {
    if (!id) return undefined;
    if (!this.#leases.has(id)) this.#leases.set(id, parseLease(this.get(id).message));
    return this.#leases.get(id);
  }

  /** A trailer of a commit. */
  value(id: Sha, key: string): string | undefined {
    const { message } = this.get(id);
    return message.includes(`${key}: `) ? valueOf(parseMessage(message).trailers, key) : undefined;
  }
}
