/**
 * Reads every branch head and side ref of a repository.
 *
 * Invariants:
 * - Ids are listed first, and only the commits of refs that moved are read.
 * - Neither starts a git process, unless only git can read a ref or a commit.
 */
import { SCANNED_REFS } from "../core/protocol/refs.ts";
import { buildListing, readEntry, type RefEntry, type FullListing } from "./build-listing.ts";
import type { GitLocation } from "./open-repository.ts";
import { contentsOf } from "./parse-commit.ts";
import { parseCommitFields, parseRecords, recordReader, requireSha } from "./parse-output.ts";
import { listRefFiles } from "./ref-files.ts";
import { sessionsOf } from "./sessions.ts";
import type { Sha } from "../core/protocol/ids.ts";

const ORIGIN_HEAD = "refs/remotes/origin/HEAD";
const ID_FORMAT = "%(refname)%00%(objectname)%00%(symref)%00";
const COMMIT_FORMAT =
  "%(refname)%00%(symref)%00%(objectname)%00%(parent)%00%(committerdate:unix)%00%(contents)%00";
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
  #originHead: string | undefined;

  constructor(location: Location) {
    this.#location = location;
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
    for (const { ref, id, symref } of await this.#list()) {
      if (ref === ORIGIN_HEAD) this.#originHead = symref?.replace(/^refs\/remotes\/origin\//, "");
      // A symbolic branch is another name of a listed branch.
      if (ref === ORIGIN_HEAD || id === undefined) continue;
      present.add(ref);
      if (this.#entries.get(ref)?.commit !== id) changed.set(ref, id);
    }
    let hasMoved = changed.size > 0;
    for (const ref of this.#entries.keys()) {
      if (!present.has(ref)) hasMoved = this.#entries.delete(ref);
    }
    for (const ref of changed.keys()) this.#entries.delete(ref);
    await this.#readCommits(changed);
    return hasMoved;
  }

  async #list(): Promise<readonly ListedRef[]> {
    const { commonDir, git } = this.#location;
    const patterns = [...SCANNED_REFS, ORIGIN_HEAD];
    const files = listRefFiles(commonDir, patterns);
    if (files) return files;
    const output = await git.text(["for-each-ref", `--format=${ID_FORMAT}`, ...patterns]);
    return parseRecords(output, 3).map(([ref = "", value = "", symref = ""]) =>
      symref === "" ? { ref, id: requireSha(value) } : { ref, id: undefined, symref },
    );
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
    const onText = recordReader(6, (record) => this.#addRecord(record));
    await this.#location.git.run(["for-each-ref", `--format=${COMMIT_FORMAT}`, ...patterns], { onText });
  }

  #addRecord(record: readonly string[]): void {
    const [ref = "", symref = ""] = record;
    if (symref === "") this.#entries.set(ref, readEntry(ref, parseCommitFields(record, 2)));
  }
}
