/**
 * The Repository of one process: what it asks of the remote, and what it does on its own disk.
 *
 * What must hold: it answers what the real one answers, and each answer comes through `deliver`.
 */
import { HEADS, refOf, type Branch, type Ref, type Sha } from "../../src/core/protocol/ids.ts";
import { SALVAGE } from "../../src/core/protocol/refs.ts";
import { DECIDING_REFS } from "../../src/core/protocol/refs.ts";
import type { Push } from "../../src/core/policy/push-identity.ts";
import { parseRequest, type Commit, type Request } from "../../src/core/protocol/request.ts";
import type { Head } from "../../src/core/scheduling/snapshot.ts";
import { UserError, type UserMessage } from "../../src/core/messages/messages.ts";
import { isTerminal } from "../../src/core/workflow/workflow.ts";
import { buildListing, readEntry, type RefEntry } from "../../src/git/build-listing.ts";
import type { LeaseRef, RefListing, Repository, Swap, Update } from "../../src/engine/ports.ts";
import { Link } from "./network-link.ts";
import type { Proc } from "./simulated-machine.ts";
import { EMPTY_TREE } from "./object-store.ts";
import { isHealed, type World } from "./world.ts";

const LOOKED_AT = [HEADS, ...DECIDING_REFS];
const LOCAL_MS = 12;
const DISK_FULL: UserMessage = { what: "Cannot write: the disk is full." };

export class Desk implements Repository {
  readonly #world: World;
  readonly #proc: Proc;
  readonly #link: Link;
  readonly #entries: Map<string, RefEntry>;
  #last = "";

  /** `entries` are commits that were read before, by anyone: they never change. */
  constructor(world: World, proc: Proc, entries: Map<string, RefEntry>) {
    this.#world = world;
    this.#proc = proc;
    this.#link = new Link(world, proc);
    this.#entries = entries;
  }

  /** A step on this machine, which takes a moment, and fails where the disk does; some more often. */
  work<T>(step: () => T, often = 1): Promise<T> {
    const { scheduler, random, plan } = this.#world;
    const fails = !isHealed(this.#world) && random.chance(plan.disk * often);
    if (fails) this.#proc.trouble(scheduler.now);
    for (const hazard of this.#world.hazards) hazard(this.#proc);
    return new Promise((resolve, reject) => {
      scheduler.after(random.next() * LOCAL_MS, () =>
        this.#proc.deliver(() => (fails ? reject(new UserError(DISK_FULL)) : resolve(step()))),
      );
    });
  }

  listRefs(): Promise<RefListing> {
    const { random, remote, plan, scheduler, target } = this.#world;
    const began = scheduler.now;
    const moments = random.count(1, 4);
    const places = new Map<Ref, number>();
    const values = new Map<Ref, Sha>();
    const read = (moment: number) => {
      for (const [ref, value] of remote.refs) {
        if (!places.has(ref)) places.set(ref, random.below(moments));
        if (places.get(ref) === moment) values.set(ref, value);
      }
    };
    const steps = Array.from({ length: moments }, (_, moment) => () => read(moment));
    return this.#link.ask("look", steps, plan.lookMs, () => {
      const seen = [...values]
        .filter(([ref]) => LOOKED_AT.some((place) => ref.startsWith(place)))
        .toSorted(([a], [b]) => (a < b ? -1 : 1));
      const digest = seen.flat().join(" ");
      const entries = new Map(seen.map(([ref, value]) => [ref as string, this.#entry(ref, value)]));
      const whole = buildListing(entries, undefined, digest === this.#last);
      this.#last = digest;
      this.#proc.looked(began);
      const look = { ...whole, target };
      this.#proc.machine.cache = look;
      return look;
    });
  }

  #entry(ref: Ref, value: Sha): RefEntry {
    const id = `${ref} ${value}`;
    const found = this.#entries.get(id) ?? readEntry(ref, this.#world.objects.get(value));
    this.#entries.set(id, found);
    return found;
  }

  read(refs: readonly Ref[]): Promise<ReadonlyMap<Ref, Sha | null>> {
    const { random, remote, plan } = this.#world;
    const values = new Map<Ref, Sha | null>();
    const steps = random.shuffled(refs).map((ref) => () => void values.set(ref, remote.value(ref)));
    return this.#link.ask("read", steps, plan.lookMs, () => values);
  }

  async readLease(ref: Ref): Promise<LeaseRef | undefined> {
    const { objects } = this.#world;
    const value = (await this.read([ref])).get(ref);
    return value
      ? { ref, value, lease: objects.lease(value), committed: objects.get(value).committed }
      : undefined;
  }

  swap(updates: readonly Update[], why: string): Promise<Swap> {
    return this.#link.send(updates, why);
  }

  note(message: string, parent?: Sha): Promise<Sha> {
    return this.#write(EMPTY_TREE, parent ? [parent] : [], message);
  }

  commit(tree: Sha, parent: Sha, message: string): Promise<Sha> {
    return this.#write(tree, [parent], message);
  }

  #write(tree: Sha, parents: readonly Sha[], message: string): Promise<Sha> {
    const { objects } = this.#world;
    return this.work(() => objects.write(tree, parents, message, Math.floor(this.#proc.wall() / 1000)));
  }

  isAncestor(older: Sha, newer: Sha): Promise<boolean> {
    return this.work(() => this.#world.objects.isAncestor(older, newer));
  }

  /** Nothing lands here. */
  landedBranches(): Promise<ReadonlySet<Branch>> {
    return Promise.resolve(new Set());
  }

  contains(commit: Sha, name: string): Promise<boolean> {
    return this.work(() => [...this.#world.objects.line(commit)].some((one) => one.commit.startsWith(name)));
  }

  changedPaths(from: Sha, to: Sha): Promise<readonly string[]> {
    const { objects } = this.#world;
    return this.work(() => {
      const [old, now] = [objects.pathsOf(from), objects.pathsOf(to)];
      return [...[...old].filter((path) => !now.has(path)), ...[...now].filter((path) => !old.has(path))];
    });
  }

  hashText(text: string): Promise<Sha> {
    return this.work(() => this.#world.objects.blob(text));
  }

  /** There is no server here that tells who pushed. */
  pushes(): Promise<readonly Push[]> {
    return this.work(() => []);
  }

  /** Nobody signs here. */
  signer(): Promise<string | undefined> {
    return this.work(() => undefined);
  }

  trail(commit: Sha, limit: number): Promise<readonly Commit[]> {
    return this.work(() => [...this.#world.objects.line(commit)].slice(0, limit));
  }

  salvageRefs(branch: Branch, request: Sha): Promise<readonly Ref[]> {
    const { objects, remote } = this.#world;
    const place = `${SALVAGE}${branch}/`;
    const find = () =>
      [...remote.refs]
        .filter(([ref, value]) => ref.startsWith(place) && objects.value(value, "Request") === request)
        .map(([ref]) => ref);
    return this.#link.ask("fetch salvage", [], 0, find);
  }

  keepLocally(_ref: Ref, value: Sha): Promise<void> {
    return this.work(() => {
      for (const check of this.#world.checks) check.keeps?.(value);
    });
  }

  blocker(branch: Branch): Promise<string | undefined> {
    const { remote, plan } = this.#world;
    const isForeseen = plan.foreseen && remote.closed.has(refOf(branch));
    return this.work(() => (isForeseen ? "its checkout has changes" : undefined));
  }

  answeredElsewhere(request: Request, target: Branch): Promise<Branch | undefined> {
    const heads = this.#proc.machine.cache?.heads ?? [];
    return this.work(() => findElsewhere(this.#world, request, target, heads));
  }

  takenOver(target: Branch, heads: readonly Head[]): Promise<ReadonlyMap<string, Request>> {
    return this.work(() => findTakenOver(this.#world, target, heads));
  }
}

/** Another branch that holds the answer to a request that names none. */
export function findElsewhere(
  { objects }: World,
  { bound, commit, branch }: Request,
  target: Branch,
  heads: readonly Head[],
): Branch | undefined {
  if (bound) return undefined;
  for (const head of heads) {
    if (head.branch === branch || head.branch === target || head.commit === commit) continue;
    if (!objects.isAncestor(commit, head.commit)) continue;
    for (const { commit: at } of objects.line(head.commit)) {
      if (at === commit) break;
      if (objects.value(at, "Answers") === commit) return head.branch;
    }
  }
  return undefined;
}

/** The request below each head that a person put a plain commit on. */
export function findTakenOver(
  { objects }: World,
  target: Branch,
  heads: readonly Head[],
): ReadonlyMap<string, Request> {
  const trusted = heads.find(({ branch }) => branch === target)?.commit;
  const found = new Map<string, Request>();
  for (const { reading, branch, key, commit } of heads) {
    if (reading.kind !== "none" || reading.reason !== "no-state" || branch === target) continue;
    for (const below of objects.line(commit)) {
      if (trusted && objects.isAncestor(below.commit, trusted)) break;
      const one = parseRequest(branch, below);
      if (one.kind === "none" && one.reason === "no-state") continue;
      if (one.kind === "request" && !isTerminal(one.state)) found.set(key, one);
      break;
    }
  }
  return found;
}
