/**
 * Looks at a remote: what its refs are, and the commits that they name.
 *
 * What must hold: one `ls-remote` for each look, and nothing more while nothing moved; only what
 * moved is fetched; what a look shows comes from that listing, never from the cache's refs, which
 * other runners of this machine move too. A commit counts as present only when its ref was fetched
 * or it was written here: an object alone may lack its tree after a crash.
 */
import { HEADS, type Ref, type Sha } from "../../core/protocol/ids.ts";
import { DECIDING_REFS, JOURNAL, NAMESPACE } from "../../core/protocol/refs.ts";
import type { Commit } from "../../core/protocol/request.ts";
import type { Update } from "../../engine/ports.ts";
import { buildListing, readEntry, type RefEntry, type FullListing } from "../build-snapshot.ts";
import { type Git, GitExit } from "../git.ts";
import { LOG_FORMAT, parseLog, parseRecords, requireSha } from "../parse-output.ts";
import type { Transport, Listing } from "./transport.ts";
import type { RefPrefix } from "./ref-prefix.ts";

/** More refs than this are fetched by pattern. */
const FEW = 200;

const decides = (ref: Ref): boolean =>
  !ref.startsWith(NAMESPACE) || DECIDING_REFS.some((place) => ref.startsWith(place));

export class FetchCache {
  readonly #git: Git;
  readonly #line: Transport;
  /** What the remote calls our refs. */
  prefix: RefPrefix;
  /** Commits that are here with everything below them. */
  readonly #have = new Set<Sha>();
  /** The refs of the cache, as far as this process knows. */
  #kept: Map<Ref, Sha> | undefined;
  readonly #entries = new Map<Ref, RefEntry>();
  #listing: Listing | undefined;
  /** The digest of the last listing that was read. */
  #doubted: string | undefined;
  #shown: FullListing | undefined;

  constructor(git: Git, line: Transport, names: RefPrefix) {
    this.#git = git;
    this.#line = line;
    this.prefix = names;
  }

  /** Forgets everything: the cache was deleted, or its refs are called otherwise. */
  reset(): void {
    this.#have.clear();
    this.#entries.clear();
    this.#kept = undefined;
    this.#listing = undefined;
    this.#doubted = undefined;
    this.#shown = undefined;
  }

  /** The remote as it is now. */
  async readListing(): Promise<FullListing> {
    const listing = await this.#line.list(this.prefix);
    if (this.#shown && listing.digest === this.#listing?.digest) return { ...this.#shown, isUnchanged: true };
    const deciding = [...listing.refs].filter(([ref]) => decides(ref));
    await this.#bring(new Map(deciding));
    const unread = deciding.filter(([ref, value]) => this.#entries.get(ref)?.commit !== value);
    const commits = await this.#readCommits(unread.map(([, value]) => value));
    for (const [ref, value] of unread) {
      const commit = commits.get(value);
      if (commit) this.#entries.set(ref, readEntry(ref, commit));
      else this.#entries.delete(ref);
    }
    for (const ref of this.#entries.keys()) if (!listing.refs.has(ref)) this.#entries.delete(ref);
    this.#prune(listing);
    this.#shown = buildListing(this.#entries, listing.head, false);
    // A ref that was forced elsewhere while it was fetched is seen by the next look. What cannot be
    // read then either is no commit, and no reason to look for ever.
    const whole = unread.every(([, value]) => commits.has(value)) || this.#doubted === listing.digest;
    this.#doubted = listing.digest;
    this.#listing = whole ? listing : undefined;
    return this.#shown;
  }

  /** Values of refs, whose commits can then be read here. */
  async read(refs: readonly Ref[]): Promise<Map<Ref, Sha | null>> {
    for (let tries = 1; ; tries++) {
      const values = await this.#line.read(this.prefix, refs);
      const present = new Map([...values].flatMap(([ref, value]) => (value ? [[ref, value] as const] : [])));
      await this.#bring(present, false);
      if (tries === 3 || [...present.values()].every((value) => this.#have.has(value))) return values;
    }
  }

  /** Fetches side refs of the last listing that nobody needed so far. */
  async fetchBelow(place: string): Promise<void> {
    const below = [...(this.#listing?.refs ?? [])].filter(([ref]) => ref.startsWith(place));
    await this.#bring(new Map(below), false);
  }

  /** The branches that the last listing found. */
  get listedRefs(): ReadonlyMap<Ref, Sha> {
    return this.#listing?.refs ?? new Map<Ref, Sha>();
  }

  /** A commit that was written here, on top of commits that are here. */
  recordWritten(commit: Sha): Sha {
    this.#have.add(commit);
    return commit;
  }

  /** Lets the cache's own refs follow a push. A ref that cannot be written follows later. */
  async recordPush(updates: readonly Update[]): Promise<void> {
    const lines = updates.map(({ ref, next }) => (next === null ? `delete ${ref}` : `update ${ref} ${next}`));
    const landed = await this.#updateRefs(lines);
    for (const { ref, next } of landed ? updates : []) {
      if (next === null) this.#kept?.delete(ref);
      else this.#kept?.set(ref, next);
    }
  }

  /** Fetches what is not here; `whole`: the refs are all that decide, and others go from the cache. */
  async #bring(wanted: ReadonlyMap<Ref, Sha>, whole = true): Promise<void> {
    const kept = (this.#kept ??= await this.#readKept());
    if (whole) await this.#dropGone(kept, wanted);
    const missing = [...wanted].filter(([, value]) => !this.#have.has(value));
    if (missing.length === 0) return;
    const { prefix: names } = this;
    const specs = missing.map(([ref]) => `+${names.toRemote(ref)}:${ref}`);
    const few = missing.length <= FEW && (await this.#line.fetch(specs, false));
    if (!few) for (const all of this.#everything()) await this.#line.fetch(all, true);
    const found = await this.#readCommits(missing.map(([, value]) => value));
    for (const [ref, value] of missing) {
      if (!found.has(value)) continue;
      this.#have.add(value);
      kept.set(ref, value);
    }
  }

  /** Refs of the cache that are no longer at the remote would stand in the way of others, or answer for them. */
  async #dropGone(kept: Map<Ref, Sha>, wanted: ReadonlyMap<Ref, Sha>): Promise<void> {
    const gone = [...kept.keys()].filter((ref) => decides(ref) && !wanted.has(ref));
    if (gone.length === 0) return;
    await this.#updateRefs(gone.map((ref) => `delete ${ref}`));
    for (const ref of gone) kept.delete(ref);
  }

  /** Refspecs of all that decides, fetch by fetch. */
  #everything(): string[][] {
    const { value: prefix } = this.prefix;
    const heads = `+${HEADS}*:${HEADS}*`;
    // A pattern even where there is one ref: git fails when a plain name is not there.
    const sides = DECIDING_REFS.map((place) => `+${this.prefix.toRemote(place)}*:${place}*`);
    // What is left out is left out for every other refspec of the same fetch.
    return prefix.startsWith(HEADS) ? [[heads, `^${prefix}/*`], sides] : [[heads, ...sides]];
  }

  async #readKept(): Promise<Map<Ref, Sha>> {
    const kept = new Map<Ref, Sha>();
    const output = await this.#git.text(["for-each-ref", "--format=%(refname)%00%(objectname)%00"]);
    for (const [ref = "", value = ""] of parseRecords(output, 2)) {
      if (ref.startsWith(JOURNAL)) continue;
      kept.set(ref as Ref, requireSha(value));
      this.#have.add(requireSha(value));
    }
    return kept;
  }

  async #updateRefs(lines: readonly string[]): Promise<boolean> {
    try {
      await this.#git.run(["update-ref", "--stdin"], { stdin: `${lines.join("\n")}\n` });
      return true;
    } catch (error) {
      // Another runner of this machine moves the same refs.
      if (error instanceof GitExit) return false;
      throw error;
    }
  }

  async #readCommits(values: readonly Sha[]): Promise<ReadonlyMap<Sha, Commit>> {
    if (values.length === 0) return new Map();
    const args = ["log", "--no-walk=unsorted", "--ignore-missing", "--stdin", LOG_FORMAT];
    const output = await this.#git.text(args, { stdin: `${values.join("\n")}\n` });
    return new Map(parseLog(output).map((commit) => [commit.commit, commit]));
  }

  /** What no ref names is not asked for again, or is fetched once more. */
  #prune(listing: Listing): void {
    const named = new Set(listing.refs.values());
    for (const value of this.#have) if (!named.has(value)) this.#have.delete(value);
  }
}
