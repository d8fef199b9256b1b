/**
 * Reads every branch head and side ref of a repository.
 *
 * Invariants:
 * - Ids are listed first, and only the commits of refs that moved are read.
 * - Neither starts a git process, unless only git can read a ref or a commit.
 */
import { SCANNED_REFS } from "../core/protocol/refs.ts";
import { buildListing, readEntry, type RefEntry, type FullListing } from "./build-listing.ts";
import { forEachRef, type UnreadableRef } from "./for-each-ref.ts";
import type { GitLocation } from "./open-repository.ts";
import { contentsOf } from "./parse-commit.ts";
import { parseCommitFields, requireSha } from "./parse-output.ts";
import { listRefFiles } from "./ref-files.ts";
import { sessionsOf } from "./sessions.ts";
import type { Sha } from "../core/protocol/ids.ts";

const ORIGIN_HEAD = "refs/remotes/origin/HEAD";
const ID_FIELDS = ["%(refname)", "%(objectname)", "%(symref)"];
const COMMIT_FIELDS = [
  "%(refname)",
  "%(symref)",
  "%(objectname)",
  "%(parent)",
  "%(committerdate:unix)",
  "%(contents)",
];
/** More changed refs than this are read with all others; fewer are named on the command line. */
const MAX_NAMED_REFS = 200;

type Location = Pick<GitLocation, "commonDir" | "git">;

interface ListedRef {
  readonly ref: string;
  /** Undefined for a symbolic ref. */
  readonly id: Sha | undefined;
  readonly symref?: string;
}

export class RefReader {
  readonly #location: Location;
  readonly #entries = new Map<string, RefEntry>();
  readonly #unreadable = new Map<string, UnreadableRef>();
  #originHead: string | undefined;

  constructor(location: Location) {
    this.#location = location;
  }

  /** The refs of the last read that were left out. */
  get unreadable(): readonly UnreadableRef[] {
    return [...this.#unreadable.values()];
  }

  async read(): Promise<FullListing> {
    const isUnchanged = !(await this.#readChanges());
    return buildListing(this.#entries, this.#originHead, isUnchanged);
  }

  /** True when any ref has moved. */
  async #readChanges(): Promise<boolean> {
    const present = new Set<string>();
    const changed = new Map<string, Sha>();
    this.#originHead = undefined;
    const { refs, broken } = await this.#list();
    for (const { ref, id, symref } of refs) {
      if (ref === ORIGIN_HEAD) this.#originHead = symref?.replace(/^refs\/remotes\/origin\//, "");
      // A symbolic branch is another name of a listed branch.
      if (ref === ORIGIN_HEAD || id === undefined) continue;
      present.add(ref);
      const known = this.#entries.get(ref)?.commit ?? this.#unreadable.get(ref)?.value;
      if (known !== id) changed.set(ref, id);
    }
    let hasMoved = changed.size > 0;
    for (const ref of this.#unreadable.keys()) if (!present.has(ref)) this.#unreadable.delete(ref);
    for (const one of broken) this.#unreadable.set(one.ref, one);
    for (const ref of this.#entries.keys()) {
      if (!present.has(ref)) hasMoved = this.#entries.delete(ref);
    }
    for (const ref of changed.keys()) {
      this.#entries.delete(ref);
      this.#unreadable.delete(ref);
    }
    await this.#readCommits(changed);
    return hasMoved;
  }

  async #list(): Promise<{ readonly refs: readonly ListedRef[]; readonly broken: readonly UnreadableRef[] }> {
    const { commonDir, git } = this.#location;
    const patterns = [...SCANNED_REFS, ORIGIN_HEAD];
    const files = listRefFiles(commonDir, patterns);
    if (files) return { refs: files, broken: [] };
    const refs = new Map<string, ListedRef>();
    const take = ([ref = "", value = "", symref = ""]: readonly string[]) =>
      void refs.set(ref, symref === "" ? { ref, id: requireSha(value) } : { ref, id: undefined, symref });
    const broken = await forEachRef(git, { fields: ID_FIELDS, patterns, take });
    return { refs: [...refs.values()], broken };
  }

  async #readCommits(changed: ReadonlyMap<string, Sha>): Promise<void> {
    if (changed.size === 0) return;
    const { commonDir, git } = this.#location;
    const commits = await sessionsOf(git).objects.commits(commonDir, [...changed.values()]);
    const unread: string[] = [];
    for (const [ref, id] of changed) {
      const commit = commits.get(id);
      if (commit) this.#entries.set(ref, readEntry(ref, { ...commit, message: contentsOf(commit) }));
      else unread.push(ref);
    }
    if (unread.length > 0) await this.#readByGit(unread.length > MAX_NAMED_REFS ? SCANNED_REFS : unread);
  }

  /** Parses the commits while git prints them, because both take long with many branches. */
  async #readByGit(patterns: readonly string[]): Promise<void> {
    const take = (record: readonly string[]) => this.#addRecord(record);
    const unreadable = await forEachRef(this.#location.git, { fields: COMMIT_FIELDS, patterns, take });
    for (const one of unreadable) this.#unreadable.set(one.ref, one);
  }

  #addRecord(record: readonly string[]): void {
    const [ref = "", symref = ""] = record;
    if (symref === "") this.#entries.set(ref, readEntry(ref, parseCommitFields(record, 2)));
  }
}
