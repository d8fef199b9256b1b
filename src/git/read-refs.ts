/**
 * Reads every branch head and side ref of a repository.
 *
 * Invariants:
 * - The first read is one git process, whatever the number of branches.
 * - A later read lists ids first, and reads only the commits of refs that moved.
 */
import { SCANNED_REFS } from "../core/protocol/refs.ts";
import { buildListing, readEntry, type RefEntry, type FullListing } from "./build-listing.ts";
import type { Git } from "./git.ts";
import { forEachRef, type UnreadableRef } from "./for-each-ref.ts";
import { parseCommitFields, parseRecords } from "./parse-output.ts";

const ORIGIN_HEAD = "refs/remotes/origin/HEAD";
const ID_FORMAT = "%(refname)%00%(objectname)%00%(symref)%00";
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

export class RefReader {
  readonly #git: Git;
  readonly #entries = new Map<string, RefEntry>();
  readonly #unreadable = new Map<string, UnreadableRef>();
  #originHead: string | undefined;
  #isCold = true;
  #firstRead: Promise<void> | undefined;

  constructor(git: Git) {
    this.#git = git;
  }

  /** Starts the first read early, in parallel to other work. A failure shows in `read`. */
  start(): void {
    this.#firstRead = this.#readAll();
    this.#firstRead.catch(() => undefined);
  }

  /** The refs of the last read that were left out. */
  get unreadable(): readonly UnreadableRef[] {
    return [...this.#unreadable.values()];
  }

  async read(): Promise<FullListing> {
    let isUnchanged = false;
    if (this.#isCold) await (this.#firstRead ?? this.#readAll());
    else isUnchanged = !(await this.#readChanges());
    this.#isCold = false;
    return buildListing(this.#entries, this.#originHead, isUnchanged);
  }

  async #readAll(): Promise<void> {
    this.#entries.clear();
    this.#unreadable.clear();
    this.#originHead = undefined;
    await this.#read([...SCANNED_REFS, ORIGIN_HEAD]);
  }

  /** Parses the commits while git prints them, because both take long with many branches. */
  async #read(patterns: readonly string[]): Promise<void> {
    const take = (record: readonly string[]) => this.#addRecord(record);
    const unreadable = await forEachRef(this.#git, { fields: COMMIT_FIELDS, patterns, take });
    for (const one of unreadable) this.#unreadable.set(one.ref, one);
  }

  #addRecord(record: readonly string[]): void {
    const [ref = "", symref = ""] = record;
    if (ref === ORIGIN_HEAD) this.#originHead = symref.replace(/^refs\/remotes\/origin\//, "");
    // A symbolic branch is another name of a listed branch.
    else if (symref === "") this.#entries.set(ref, readEntry(ref, parseCommitFields(record, 2)));
  }

  /** True when any ref has moved. */
  async #readChanges(): Promise<boolean> {
    const output = await this.#git.text(["for-each-ref", `--format=${ID_FORMAT}`, ...SCANNED_REFS]);
    const present = new Set<string>();
    const changed: string[] = [];
    for (const [ref = "", value = "", symref = ""] of parseRecords(output, 3)) {
      if (symref !== "") continue;
      present.add(ref);
      const known = this.#entries.get(ref)?.commit ?? this.#unreadable.get(ref)?.value;
      if (known !== value) changed.push(ref);
    }
    let hasMoved = changed.length > 0;
    for (const ref of this.#unreadable.keys()) if (!present.has(ref)) this.#unreadable.delete(ref);
    for (const ref of this.#entries.keys()) {
      if (!present.has(ref)) hasMoved = this.#entries.delete(ref);
    }
    if (changed.length > MAX_NAMED_REFS) await this.#readAll();
    else if (changed.length > 0) {
      for (const ref of changed) {
        this.#entries.delete(ref);
        this.#unreadable.delete(ref);
      }
      await this.#read(changed);
    }
    return hasMoved;
  }
}
