/**
 * One look at every branch head and side ref.
 *
 * What must hold: one git process, whatever the number of branches; a head that has not moved is
 * not read again: the next look asks for names and ids only, and then for what changed.
 */
import { branchOf, type Branch, type Ref, type Sha } from "../core/ids.ts";
import { FOLLOW, LEASES, PARKED, parseLease } from "../core/lease.ts";
import { parseMessage, valueOf } from "../core/message.ts";
import { parseRequest, type Commit } from "../core/request.ts";
import type { Head, Parked } from "../core/view.ts";
import type { LeaseRef, Look } from "../runner/ports.ts";
import type { Git } from "./exec.ts";
import { branchKey } from "./key.ts";
import { parseCommitFields, parseRecords, recordReader } from "./parse.ts";

const PLACES = ["refs/heads", LEASES, PARKED, FOLLOW];
const ORIGIN_HEAD = "refs/remotes/origin/HEAD";
const NAMES = "%(refname)%00%(objectname)%00%(symref)%00";
const WHOLE = "%(refname)%00%(symref)%00%(objectname)%00%(parent)%00%(committerdate:unix)%00%(contents)%00";
/** More refs than this are read as a whole look; fewer are named on the command line. */
const FEW = 200;

/** A branch head, or the commit of a side ref. */
type Entry = Head | Commit;

/** A follow that is not finished: the branch moved, its checkout did not. */
export interface Follow {
  readonly ref: Ref;
  readonly from: Sha;
  readonly head: Head;
}

export interface WholeLook extends Omit<Look, "target"> {
  readonly follows: readonly Follow[];
  /** The branch that `origin/HEAD` names. */
  readonly originHead: string | undefined;
}

/** Looks again and again at one repository, remembering what it has read. */
export class Looker {
  readonly #git: Git;
  readonly #entries = new Map<string, Entry>();
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
  async look(): Promise<WholeLook> {
    if (this.#cold) await (this.#first ?? this.#readAll());
    else await this.#readChanges();
    this.#cold = false;
    return this.#assemble();
  }

  async #readAll(): Promise<void> {
    this.#entries.clear();
    this.#originHead = undefined;
    await this.#read([...PLACES, ORIGIN_HEAD]);
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

  async #readChanges(): Promise<void> {
    const output = await this.#git.text(["for-each-ref", `--format=${NAMES}`, ...PLACES]);
    const present = new Set<string>();
    const changed: string[] = [];
    for (const [ref = "", value = "", symref = ""] of parseRecords(output, 3)) {
      if (symref !== "") continue;
      present.add(ref);
      if (this.#entries.get(ref)?.commit !== value) changed.push(ref);
    }
    for (const ref of this.#entries.keys()) if (!present.has(ref)) this.#entries.delete(ref);
    if (changed.length > FEW) return this.#readAll();
    if (changed.length === 0) return;
    for (const ref of changed) this.#entries.delete(ref);
    await this.#read(changed);
  }

  #assemble(): WholeLook {
    const heads: Head[] = [];
    const leases = new Map<string, LeaseRef>();
    const parked = new Map<string, Parked>();
    const pending: { ref: Ref; key: string; from: Sha }[] = [];
    for (const [ref, entry] of this.#entries) {
      if ("asked" in entry) {
        heads.push(entry);
        continue;
      }
      const { commit: value, message } = entry;
      const key = ref.slice(ref.lastIndexOf("/") + 1);
      if (ref.startsWith(LEASES)) leases.set(key, { ref: ref as Ref, value, lease: parseLease(message) });
      else if (ref.startsWith(FOLLOW)) pending.push({ ref: ref as Ref, key, from: value });
      else {
        const answers = valueOf(parseMessage(message).trailers, "Answers") ?? "";
        parked.set(key, { value, answers });
      }
    }
    const follows = pending.flatMap(({ ref, key, from }) => {
      const head = heads.find((one) => one.key === key);
      return head ? [{ ref, from, head }] : [];
    });
    return { heads, leases, parked, follows, originHead: this.#originHead };
  }
}

function readEntry(ref: string, commit: Commit): Entry {
  const branch = branchOf(ref);
  return branch ? readHead(branch, commit) : commit;
}

/** A head; the text of one that asks for nothing is not kept. */
function readHead(branch: Branch, commit: Commit): Head {
  const asked = parseRequest(branch, commit);
  const message = asked.kind === "request" ? commit.message : commit.message.slice(0, 200);
  const { commit: id, parents, committed } = commit;
  return { branch, commit: id, key: branchKey(branch), parents, committed, message, asked };
}
