/**
 * Lists the refs of a remote and keeps their commits in the cache.
 *
 * Invariants:
 * - A poll is one `ls-remote`; only moved refs are fetched.
 * - The listing comes from the remote, never from refs of the cache, which other runners move too.
 * - A commit counts as present only if its ref was fetched or it was written here. After a crash, an
 *   object may exist without its tree.
 */
import { HEADS, type Ref, type Sha } from "../../core/protocol/ids.ts";
import { DECIDING_REFS, JOURNAL, NAMESPACE } from "../../core/protocol/refs.ts";
import type { Commit } from "../../core/protocol/request.ts";
import type { Update } from "../../engine/ports.ts";
import { buildListing, readEntry, type RefEntry, type FullListing } from "../build-listing.ts";
import { isGitProblem } from "../bounded-git.ts";
import type { GitLocation } from "../open-repository.ts";
import { LOG_FORMAT, parseLog, parseRecords, requireSha } from "../parse-output.ts";
import { closeSessions, sessionsOf } from "../sessions.ts";
import type { Transport, Listing } from "./transport.ts";
import type { RefPrefix } from "./ref-prefix.ts";

/** More refs than this are fetched by pattern instead of by name. */
const MAX_NAMED_REFS = 200;

const isDeciding = (ref: Ref): boolean =>
  !ref.startsWith(NAMESPACE) || DECIDING_REFS.some((refPrefix) => ref.startsWith(refPrefix));

type Location = Pick<GitLocation, "commonDir" | "git">;

/** A command of `git update-ref -z` without an expected value. */
const deletionOf = (ref: Ref): string => `delete ${ref}\0`;

export class FetchCache {
  readonly #location: Location;
  readonly #transport: Transport;
  /** The prefix of side refs at the remote. */
  prefix: RefPrefix;
  /** Commits that are present with their whole history. */
  readonly #complete = new Set<Sha>();
  /** The refs of the cache that this process knows. */
  #cachedRefs: Map<Ref, Sha> | undefined;
  readonly #entries = new Map<Ref, RefEntry>();
  #listing: Listing | undefined;
  /** The digest of the last listing with unreadable commits. */
  #incompleteDigest: string | undefined;
  #lastResult: FullListing | undefined;

  constructor(location: Location, transport: Transport, prefix: RefPrefix) {
    this.#location = location;
    this.#transport = transport;
    this.prefix = prefix;
  }

  /** Needed when the cache was deleted or the prefix changed. */
  async reset(): Promise<void> {
    // Commits in memory may be gone from the disk.
    await closeSessions(this.#location.git);
    this.#complete.clear();
    this.#entries.clear();
    this.#cachedRefs = undefined;
    this.#listing = undefined;
    this.#incompleteDigest = undefined;
    this.#lastResult = undefined;
  }

  async readListing(): Promise<FullListing> {
    const listing = await this.#transport.list(this.prefix);
    if (this.#lastResult && listing.digest === this.#listing?.digest)
      return { ...this.#lastResult, isUnchanged: true };
    const deciding = [...listing.refs].filter(([ref]) => isDeciding(ref));
    await this.#fetchMissing(new Map(deciding));
    const changed = deciding.filter(([ref, value]) => this.#entries.get(ref)?.commit !== value);
    const commits = await this.#readCommits(changed.map(([, value]) => value));
    for (const [ref, value] of changed) {
      const commit = commits.get(value);
      if (commit) this.#entries.set(ref, readEntry(ref, commit));
      else this.#entries.delete(ref);
    }
    for (const ref of this.#entries.keys()) if (!listing.refs.has(ref)) this.#entries.delete(ref);
    this.#forgetUnnamed(listing);
    this.#lastResult = buildListing(this.#entries, listing.head, false);
    // The next poll reads a ref that was force-pushed during the fetch. A value that is unreadable twice
    // is not a commit, and not a reason to poll again.
    const isComplete =
      changed.every(([, value]) => commits.has(value)) || this.#incompleteDigest === listing.digest;
    this.#incompleteDigest = listing.digest;
    this.#listing = isComplete ? listing : undefined;
    return this.#lastResult;
  }

  /** Reads refs and fetches their commits. */
  async read(refs: readonly Ref[]): Promise<Map<Ref, Sha | null>> {
    for (let tries = 1; ; tries++) {
      const values = await this.#transport.read(this.prefix, refs);
      const present = new Map([...values].flatMap(([ref, value]) => (value ? [[ref, value] as const] : [])));
      await this.#fetchMissing(present, false);
      if (tries === 3 || [...present.values()].every((value) => this.#complete.has(value))) return values;
    }
  }

  /** Fetches side refs of the last listing below a prefix. */
  async fetchBelow(refPrefix: string): Promise<void> {
    const below = [...(this.#listing?.refs ?? [])].filter(([ref]) => ref.startsWith(refPrefix));
    await this.#fetchMissing(new Map(below), false);
  }

  /** The refs of the last listing. */
  get listedRefs(): ReadonlyMap<Ref, Sha> {
    return this.#listing?.refs ?? new Map<Ref, Sha>();
  }

  /** Records a commit that was written on top of present commits. */
  recordWritten(commit: Sha): Sha {
    this.#complete.add(commit);
    return commit;
  }

  /** Moves the refs of the cache after a push. A locked ref follows later. */
  async recordPush(updates: readonly Update[]): Promise<void> {
    const commands = updates.map(({ ref, next }) =>
      next === null ? deletionOf(ref) : `update ${ref}\0${next}\0`,
    );
    const isUpdated = await this.#updateRefs(commands);
    for (const { ref, next } of isUpdated ? updates : []) {
      if (next === null) this.#cachedRefs?.delete(ref);
      else this.#cachedRefs?.set(ref, next);
    }
  }

  /** Fetches missing commits. `isComplete`: `refs` holds all deciding refs, so that others are deleted. */
  async #fetchMissing(refs: ReadonlyMap<Ref, Sha>, isComplete = true): Promise<void> {
    const cachedRefs = (this.#cachedRefs ??= await this.#readCachedRefs());
    if (isComplete) await this.#deleteGone(cachedRefs, refs);
    const missing = [...refs].filter(([, value]) => !this.#complete.has(value));
    if (missing.length === 0) return;
    const { prefix } = this;
    const specs = missing.map(([ref]) => `+${prefix.toRemote(ref)}:${ref}`);
    const isFetched = missing.length <= MAX_NAMED_REFS && (await this.#transport.fetch(specs, false));
    if (!isFetched) for (const all of this.#allRefspecs()) await this.#transport.fetch(all, true);
    const commits = await this.#readCommits(missing.map(([, value]) => value));
    for (const [ref, value] of missing) {
      if (!commits.has(value)) continue;
      this.#complete.add(value);
      cachedRefs.set(ref, value);
    }
  }

  /** Deletes refs that the remote no longer has: they could block the names of new refs. */
  async #deleteGone(cachedRefs: Map<Ref, Sha>, refs: ReadonlyMap<Ref, Sha>): Promise<void> {
    const gone = [...cachedRefs.keys()].filter((ref) => isDeciding(ref) && !refs.has(ref));
    if (gone.length === 0) return;
    await this.#updateRefs(gone.map(deletionOf));
    for (const ref of gone) cachedRefs.delete(ref);
  }

  /** The refspecs of all deciding refs, for one fetch each. */
  #allRefspecs(): string[][] {
    const { value: prefix } = this.prefix;
    const heads = `+${HEADS}*:${HEADS}*`;
    // Always a pattern, because git fails on a plain name that does not exist.
    const sides = DECIDING_REFS.map((refPrefix) => `+${this.prefix.toRemote(refPrefix)}*:${refPrefix}*`);
    // An exclusion applies to every refspec of the same fetch.
    return prefix.startsWith(HEADS) ? [[heads, `^${prefix}/*`], sides] : [[heads, ...sides]];
  }

  async #readCachedRefs(): Promise<Map<Ref, Sha>> {
    const cachedRefs = new Map<Ref, Sha>();
    const output = await this.#location.git.text(["for-each-ref", "--format=%(refname)%00%(objectname)%00"]);
    for (const [ref = "", value = ""] of parseRecords(output, 2)) {
      if (ref.startsWith(JOURNAL)) continue;
      cachedRefs.set(ref as Ref, requireSha(value));
      this.#complete.add(requireSha(value));
    }
    return cachedRefs;
  }

  async #updateRefs(commands: readonly string[]): Promise<boolean> {
    try {
      await sessionsOf(this.#location.git).refs.commit(commands, "trailhand: cache");
      return true;
    } catch (error) {
      // Another runner of this machine may hold a lock on the same refs.
      if (isGitProblem(error)) return false;
      throw error;
    }
  }

  async #readCommits(values: readonly Sha[]): Promise<ReadonlyMap<Sha, Commit>> {
    if (values.length === 0) return new Map();
    const { commonDir, git } = this.#location;
    const commits = await sessionsOf(git).objects.commits(commonDir, values);
    const unread = values.filter((value) => !commits.has(value));
    if (unread.length === 0) return commits;
    const args = ["log", "--no-walk=unsorted", "--ignore-missing", "--stdin", LOG_FORMAT];
    const output = await git.text(args, { stdin: `${unread.join("\n")}\n` });
    return new Map([...commits, ...parseLog(output).map((commit) => [commit.commit, commit] as const)]);
  }

  /** Keeps the set of present commits small. A forgotten commit is fetched again when needed. */
  #forgetUnnamed(listing: Listing): void {
    const named = new Set(listing.refs.values());
    for (const value of this.#complete) if (!named.has(value)) this.#complete.delete(value);
  }
}
