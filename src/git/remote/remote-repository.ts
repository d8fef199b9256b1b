/**
 * The repository port of a runner at a remote.
 *
 * Invariants:
 * - Commits are written to the cache; refs are read and moved at the remote only.
 * - A swap is one atomic push with a lease on each ref.
 * - A push result counts only if git sent nothing or the server rejected it. Otherwise the refs are read.
 */
import type { Branch, Ref, Sha } from "../../core/protocol/ids.ts";
import { parseLease } from "../../core/protocol/lease.ts";
import { ARCHIVE, NAMESPACE, SALVAGE } from "../../core/protocol/refs.ts";
import type { Push } from "../../core/policy/push-identity.ts";
import { UserError, RemoteUnreachable, MESSAGES } from "../../core/messages/messages.ts";
import type { LeaseRef, RefListing, Swap, Update } from "../../engine/ports.ts";
import type { Person, GitLocation } from "../open-repository.ts";
import { branchesIn, LocalRepository, readTrail } from "../local-repository.ts";
import { requireTarget } from "../require-target.ts";
import type { CommitSigning } from "../commit-signing.ts";
import type { Setting } from "../git.ts";
import type { Transport } from "./transport.ts";
import { isCacheBroken, mayComeFromCache } from "./cache-health.ts";
import { FetchCache } from "./fetch-cache.ts";
import { RefPrefix } from "./ref-prefix.ts";
import { pushUpdates } from "./push.ts";
import { ServerSigning, type SigningOptions } from "./server-signing.ts";

export interface RemoteParts {
  /** The cache. */
  readonly location: GitLocation;
  readonly transport: Transport;
  /** Recreates the cache if it is missing; true when it was. */
  readonly restoreCache: () => Promise<boolean>;
  /** Moves the cache aside with this reason, and creates it again. */
  readonly recreateCache: (reason: string) => Promise<void>;
  /** The prefix for side refs in the workflow of a commit; undefined when the workflow is invalid. */
  readonly prefixOf: (commit: Sha) => Promise<string | undefined>;
  /** Set when the server should sign responses. */
  readonly signing?: SigningOptions | undefined;
  /** The key of this machine. */
  readonly ownSigning: CommitSigning;
  /** Reads the pushes to a branch; undefined when the server cannot tell. */
  readonly pushes?: ((branch: Branch) => Promise<readonly Push[]>) | undefined;
}

export class RemoteRepository extends LocalRepository {
  readonly transport: Transport;
  readonly #parts: RemoteParts;
  readonly #fetchCache: FetchCache;
  readonly #signing: ServerSigning | undefined;
  #isCacheChecked = false;

  constructor(parts: RemoteParts) {
    super(parts.location, parts.ownSigning);
    this.#parts = parts;
    this.transport = parts.transport;
    this.#fetchCache = new FetchCache(parts.location, parts.transport, new RefPrefix());
    const { location, transport, signing } = parts;
    this.#signing =
      signing &&
      new ServerSigning(signing, {
        git: location.git,
        transport,
        prefix: () => this.prefix,
        listedRefs: () => this.#fetchCache.listedRefs,
      });
  }

  /** The prefix of side refs at the remote. */
  get prefix(): RefPrefix {
    return this.#fetchCache.prefix;
  }

  override async listRefs(): Promise<RefListing> {
    this.notePoll();
    if (await this.#parts.restoreCache()) await this.#fetchCache.reset();
    try {
      return await this.#list();
    } catch (error) {
      if (!mayComeFromCache(error) || !(await this.checkCache())) throw error;
      return this.#list();
    }
  }

  /** Creates the cache again when it is broken, once in a process. True when it did. */
  async checkCache(): Promise<boolean> {
    if (this.#isCacheChecked) return false;
    this.#isCacheChecked = true;
    if (!(await isCacheBroken(this.location.git))) return false;
    await this.#parts.recreateCache("git fsck found objects or refs in it that cannot be read");
    await this.#fetchCache.reset();
    return true;
  }

  async #list(): Promise<RefListing> {
    for (;;) {
      const listing = await this.#fetchCache.readListing();
      const target = requireTarget(this.location, listing);
      const trusted = listing.heads.find(({ branch }) => branch === target);
      const prefix = trusted && (await this.#parts.prefixOf(trusted.commit));
      if (prefix === undefined || prefix === this.prefix.value) return { ...listing, target };
      await this.#fetchCache.reset();
      this.#fetchCache.prefix = new RefPrefix(prefix);
    }
  }

  override read(refs: readonly Ref[]): Promise<ReadonlyMap<Ref, Sha | null>> {
    return refs.length === 0 ? Promise.resolve(new Map()) : this.#fetchCache.read(refs);
  }

  override async readLease(ref: Ref): Promise<LeaseRef | undefined> {
    const value = (await this.#fetchCache.read([ref])).get(ref);
    if (!value) return undefined;
    const [commit] = await readTrail(this.location, value, 1);
    return { ref, value, lease: parseLease(commit?.message ?? ""), committed: commit?.committed ?? 0 };
  }

  override async swap(updates: readonly Update[]): Promise<Swap> {
    if (updates.length === 0) return { kind: "landed" };
    const { prefix, transport } = this;
    const pendingDeletions = this.#signing?.pendingDeletions(updates) ?? [];
    let report = await pushUpdates(transport, prefix, [...updates, ...pendingDeletions]);
    // Temporary refs of signing may be gone or undeletable. That must not hold up a response.
    if (pendingDeletions.length > 0 && (report.kind === "refused" || report.kind === "blocked")) {
      report = await pushUpdates(transport, prefix, updates);
    }
    if (report.kind === "not-atomic") throw new UserError(MESSAGES.noAtomic(transport.address.name));
    const swap =
      report.kind === "doubtful" ? await this.#resolveDoubt(updates, report.why) : (report as Swap);
    if (swap.kind === "landed") {
      this.#signing?.forgetDeleted(pendingDeletions);
      await this.#fetchCache.recordPush(updates);
    }
    return swap;
  }

  /** Reads the refs after a doubtful push. Unreadable or unchanged refs leave the result unknown. */
  async #resolveDoubt(updates: readonly Update[], why: string): Promise<Swap> {
    let values: ReadonlyMap<Ref, Sha | null>;
    try {
      values = await this.transport.read(
        this.prefix,
        updates.map(({ ref }) => ref),
      );
    } catch (error) {
      if (error instanceof RemoteUnreachable) return { kind: "unknown", why };
      throw error;
    }
    if (updates.every(({ ref, next }) => values.get(ref) === next)) return { kind: "landed" };
    // The push may still arrive, and then it lands or finds the refs changed.
    if (updates.every(({ ref, expected }) => values.get(ref) === expected)) return { kind: "unknown", why };
    return { kind: "refused" };
  }

  override landedBranches(branches: readonly Branch[]): Promise<ReadonlySet<Branch>> {
    const archived = [...this.#fetchCache.listedRefs.keys()].filter((ref) => ref.startsWith(ARCHIVE));
    return Promise.resolve(branchesIn(archived, branches));
  }

  override moveWithoutCheckouts(updates: readonly Update[]): Promise<Swap> {
    return this.swap(updates);
  }

  /** A remote has no checkouts. */
  override blocker(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  override async salvageRefs(branch: Branch, request: Sha): Promise<readonly Ref[]> {
    await this.#fetchCache.fetchBelow(`${SALVAGE}${branch}/`);
    const listed = this.#fetchCache.listedRefs;
    return (await super.salvageRefs(branch, request)).filter((ref) => listed.has(ref));
  }

  /** Fetches every side ref. */
  async fetchSideRefs(): Promise<void> {
    await this.#fetchCache.fetchBelow(NAMESPACE);
  }

  /** Deletes a ref that exists on this machine only, such as salvage that the remote rejected. */
  async dropLocally(ref: Ref, value: Sha): Promise<void> {
    if ((await this.read([ref])).get(ref) !== null) return;
    await this.location.git.run(["update-ref", "-d", ref, value]);
  }

  override async note(message: string, parent?: Sha): Promise<Sha> {
    return this.#fetchCache.recordWritten(await super.note(message, parent));
  }

  override async personNote(message: string, by: Person): Promise<Sha> {
    return this.#fetchCache.recordWritten(await super.personNote(message, by));
  }

  override get canReadPushes(): boolean {
    return this.#parts.pushes !== undefined;
  }

  override async pushes(branch: Branch): Promise<readonly Push[]> {
    return (await this.#parts.pushes?.(branch)) ?? [];
  }

  override async commit(tree: Sha, parent: Sha, message: string): Promise<Sha> {
    const commit = await super.commit(tree, parent, message);
    return this.#fetchCache.recordWritten((await this.#signing?.sign(commit)) ?? commit);
  }

  override async sign(commit: Sha): Promise<Sha> {
    return this.#fetchCache.recordWritten(await super.sign(commit));
  }

  /** The server signs, and the key of this machine is needed only if it does not. */
  override signingProblem(): Promise<string | undefined> {
    return this.#signing ? Promise.resolve(undefined) : super.signingProblem();
  }

  override async requestCommit(
    parent: Sha,
    message: string,
    by: Person,
    signing?: readonly Setting[],
  ): Promise<Sha> {
    return this.#fetchCache.recordWritten(await super.requestCommit(parent, message, by, signing));
  }
}
