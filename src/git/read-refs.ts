/**
 * One look at every branch head and side ref.
 *
 * What must hold: one git process, whatever the number of branches; a head that has not moved is
 * not read again: the next look asks for names and ids only, and then for what changed.
 */
import { SCANNED_REFS } from "../core/protocol/refs.ts";
import { buildListing, readEntry, type RefEntry, type FullListing } from "./build-snapshot.ts";
import type { Git } from "./git.ts";
import { parseCommitFields, parseRecords, recordReader } from "./parse-output.ts";

const ORIGIN_HEAD = "refs/remotes/origin/HEAD";
const NAMES = "%(refname)%00%(objectname)%00%(symref)%00";
const WHOLE = "%(refname)%00%(symref)%00%(objectname)%00%(parent)%00%(committerdate:unix)%00%(contents)%00";
/** More refs than this are read as a whole look; fewer are named on the command line. */
const FEW = 200;

/** Looks again and again at one repository, remembering what it has read. */
export class RefReader {
  readonly #git: Git;
  readonly #entries = new Map<string, RefEntry>();
  #originHead: string | undefined;
  #cold = true;
  #first: Promise<void> | undefined;

  constructor(git: Git) {
    this.#git = git;
  }

  /** Starts the first look, so that its git runs beside others; a failure shows in `look`. */
  start(): void {
    this.#first = this.#readAll();
    this.#first.catch(() => undefined);
  }

  /** The refs as they are now. */
  async read(): Promise<FullListing> {
    let unchanged = false;
    if (this.#cold) await (this.#first ?? this.#readAll());
    else unchanged = !(await this.#readChanges());
    this.#cold = false;
    return buildListing(this.#entries, this.#originHead, unchanged);
  }

  async #readAll(): Promise<void> {
    this.#entries.clear();
    this.#originHead = undefined;
    await this.#read([...SCANNED_REFS, ORIGIN_HEAD]);
  }

  /** Reads refs and their commits. At many branches git and we take as long, so we work side by side. */
  async #read(places: readonly string[]): Promise<void> {
    const onText = recordReader(6, (record) => this.#take(record));
    await this.#git.run(["for-each-ref", `--format=${WHOLE}`, ...places], { onText });
  }

  #take(record: readonly string[]): void {
    const [ref = "", symref = ""] = record;
    if (ref === ORIGIN_HEAD) this.#originHead = symref.replace(/^refs\/remotes\/origin\//, "");
    // A symbolic branch is another name of a branch that is listed itself.
    else if (symref === "") this.#entries.set(ref, readEntry(ref, parseCommitFields(record, 2)));
  }

  /** True when there were some. */
  async #readChanges(): Promise<boolean> {
    const output = await this.#git.text(["for-each-ref", `--format=${NAMES}`, ...SCANNED_REFS]);
    const present = new Set<string>();
    const changed: string[] = [];
    for (const [ref = "", value = "", symref = ""] of parseRecords(output, 3)) {
      if (symref !== "") continue;
      present.add(ref);
      if (this.#entries.get(ref)?.commit !== value) changed.push(ref);
    }
    let moved = changed.length > 0;
    for (const ref of this.#entries.keys()) {
      if (!present.has(ref)) moved = this.#entries.delete(ref);
    }
    if (changed.length > FEW) await this.#readAll();
    else if (changed.length > 0) {
      for (const ref of changed) this.#entries.delete(ref);
      await this.#read(changed);
    }
    return moved;
  }
}
