/**
 * The runner's Repository at a remote.
 *
 * What must hold: commits are written in the cache, every ref is read and moved at the remote; a
 * swap is one push, atomic, with a lease on each ref; what a push came to is believed only when git
 * compared and sent nothing, or the server said no; otherwise the refs are read.
 */
import type { Branch, Ref, Sha } from "../../core/protocol/ids.ts";
import { parseLease } from "../../core/protocol/lease.ts";
import { ARCHIVE, NAMESPACE, SALVAGE } from "../../core/protocol/refs.ts";
import type { Push } from "../../core/policy/push-identity.ts";
import { UserError, RemoteUnreachable, MESSAGES } from "../../core/messages/messages.ts";
import type { LeaseRef, RefListing, Swap, Update } from "../../engine/ports.ts";
import type { Person, GitLocation } from "../open-repository.ts";
import { landedIn, LocalRepository, readTrail, requireTarget } from "../local-repository.ts";
import type { Transport } from "./transport.ts";
import { FetchCache } from "./fetch-cache.ts";
import { RefPrefix } from "./ref-prefix.ts";
import { pushUpdates } from "./push.ts";
import { ServerSigning, type SigningOptions } from "./server-signing.ts";

export interface RemoteParts {
  /** The cache, as a repository. */
  readonly location: GitLocation;
  readonly transport: Transport;
  /** Makes the cache where it is missing; true when it was. */
  readonly restore: () => Promise<boolean>;
  /** Where the workflow of a commit wants our refs to be; undefined when it cannot be used. */
  readonly prefixOf: (commit: Sha) => Promise<string | undefined>;
  /** Set where the server is to sign answers. */
  readonly signing?: SigningOptions | undefined;
  /** Who moved branches, as the server tells; undefined: it cannot be asked. */
  readonly pushes?: ((branch: Branch) => Promise<readonly Push[]>) | undefined;
}

export class RemoteRepository extends LocalRepository {
  readonly transport: Transport;
  readonly #parts: RemoteParts;
  readonly #mirror: FetchCache;
  /** Has the server make the commits of answers, where it is to sign them. */
  readonly #signing: ServerSigning | undefined;

  constructor(parts: RemoteParts) {
    super(parts.location);
    this.#parts = parts;
    this.transport = parts.transport;
    this.#mirror = new FetchCache(parts.location.git, parts.transport, new RefPrefix());
    const { location: place, transport: line, signing } = parts;
    this.#signing =
      signing &&
      new ServerSigning(signing, {
        git: place.git,
        transport: line,
        prefix: () => this.prefix,
        listedRefs: () => this.#mirror.listedRefs,
      });
  }

  /** What the remote calls our refs. */
  get prefix(): RefPrefix {
    return this.#mirror.prefix;
  }

  override async listRefs(): Promise<RefListing> {
    if (await this.#parts.restore()) this.#mirror.reset();
    for (;;) {
      const look = await this.#mirror.readListing();
      const target = requireTarget(this.location, look);
      const trusted = look.heads.find(({ branch }) => branch === target);
      const prefix = trusted && (await this.#parts.prefixOf(trusted.commit));
      if (prefix === undefined || prefix === this.prefix.value) return { ...look, target };
      this.#mirror.reset();
      this.#mirror.prefix = new RefPrefix(prefix);
    }
  }

  override read(refs: readonly Ref[]): Promise<ReadonlyMap<Ref, Sha | null>> {
    return refs.length === 0 ? Promise.resolve(new Map()) : this.#mirror.read(refs);
  }

  override async readLease(ref: Ref): Promise<LeaseRef | undefined> {
    const value = (await this.#mirror.read([ref])).get(ref);
    if (!value) return undefined;
    const [commit] = await readTrail(this.location, value, 1);
    return { ref, value, lease: parseLease(commit?.message ?? ""), committed: commit?.committed ?? 0 };
  }

  override async swap(updates: readonly Update[]): Promise<Swap> {
    if (updates.length === 0) return { kind: "landed" };
    const { prefix, transport } = this;
    const left = this.#signing?.pendingDeletions(updates) ?? [];
    let report = await pushUpdates(transport, prefix, [...updates, ...left]);
    // What signing left may be gone, or stand for good: that must keep no answer from its place.
    if (left.length > 0 && (report.kind === "refused" || report.kind === "blocked")) {
      report = await pushUpdates(transport, prefix, updates);
    }
    if (report.kind === "not-atomic") throw new UserError(MESSAGES.noAtomic(transport.address.name));
    const swap = report.kind === "doubtful" ? await this.#settle(updates, report.why) : (report as Swap);
    if (swap.kind === "landed") {
      this.#signing?.forget(left);
      await this.#mirror.recordPush(updates);
    }
    return swap;
  }

  /** After a doubtful end the refs themselves say what happened; unread, or as before, they say nothing. */
  async #settle(updates: readonly Update[], why: string): Promise<Swap> {
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
    // It may still be on its way, and then it lands later, or finds the refs changed.
    if (updates.every(({ ref, expected }) => values.get(ref) === expected)) return { kind: "unknown", why };
    return { kind: "refused" };
  }

  override landedBranches(branches: readonly Branch[]): Promise<ReadonlySet<Branch>> {
    const archived = [...this.#mirror.listedRefs.keys()].filter((ref) => ref.startsWith(ARCHIVE));
    return Promise.resolve(landedIn(archived, branches));
  }

  override moveWithoutCheckouts(updates: readonly Update[]): Promise<Swap> {
    return this.swap(updates);
  }

  /** Nobody's checkout is at a remote. */
  override blocker(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  override async salvageRefs(branch: Branch, request: Sha): Promise<readonly Ref[]> {
    await this.#mirror.fetchBelow(`${SALVAGE}${branch}/`);
    const there = this.#mirror.listedRefs;
    return (await super.salvageRefs(branch, request)).filter((ref) => there.has(ref));
  }

  /** Fetches every side ref, for whoever judges them all. */
  async fetchSideRefs(): Promise<void> {
    await this.#mirror.fetchBelow(NAMESPACE);
  }

  /** Drops a ref of this machine alone, such as salvage that the remote refused. */
  async dropLocally(ref: Ref, value: Sha): Promise<void> {
    if ((await this.read([ref])).get(ref) !== null) return;
    await this.location.git.run(["update-ref", "-d", ref, value]);
  }

  override async note(message: string, parent?: Sha): Promise<Sha> {
    return this.#mirror.recordWritten(await super.note(message, parent));
  }

  override async personNote(message: string, by: Person): Promise<Sha> {
    return this.#mirror.recordWritten(await super.personNote(message, by));
  }

  override get canReadPushes(): boolean {
    return this.#parts.pushes !== undefined;
  }

  override async pushes(branch: Branch): Promise<readonly Push[]> {
    return (await this.#parts.pushes?.(branch)) ?? [];
  }

  override async commit(tree: Sha, parent: Sha, message: string): Promise<Sha> {
    const commit = await super.commit(tree, parent, message);
    return this.#mirror.recordWritten((await this.#signing?.sign(commit)) ?? commit);
  }

  override async requestCommit(
    parent: Sha,
    message: string,
    by: Person,
    signing?: readonly string[],
  ): Promise<Sha> {
    return this.#mirror.recordWritten(await super.requestCommit(parent, message, by, signing));
  }
}
