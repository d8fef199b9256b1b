/**
 * The repository port of one process: it reads and pushes to the remote, and works on its own disk.
 *
 * Invariants:
 * - It returns what the real repository returns, and each result arrives through `deliver`.
 */
import { HEADS, refOf, type Branch, type Ref, type Sha } from "../../src/core/protocol/ids.ts";
import { SALVAGE } from "../../src/core/protocol/refs.ts";
import { DECIDING_REFS } from "../../src/core/protocol/refs.ts";
import type { Push } from "../../src/core/policy/push-identity.ts";
import { parseRequest, type Commit, type Request } from "../../src/core/protocol/request.ts";
import type { Head } from "../../src/core/scheduling/snapshot.ts";
import { CannotSign, UserError, type UserMessage } from "../../src/core/messages/messages.ts";
import { isTerminal } from "../../src/core/workflow/workflow.ts";
import { buildListing, readEntry, type RefEntry } from "../../src/git/build-listing.ts";
import type { LeaseRef, RefListing, Repository, Swap, Update } from "../../src/engine/ports.ts";
import { NetworkLink } from "./network-link.ts";
import type { RunnerProcess } from "./simulated-machine.ts";
import { EMPTY_TREE } from "./object-store.ts";
import { isHealed, type World } from "./world.ts";

const SCANNED_REFS = [HEADS, ...DECIDING_REFS];
const LOCAL_MS = 12;
const DISK_FULL: UserMessage = { what: "Cannot write: the disk is full." };

export class SimulatedRepository implements Repository {
  readonly #world: World;
  readonly #proc: RunnerProcess;
  readonly #link: NetworkLink;
  readonly #entries: Map<string, RefEntry>;
  #last = "";

  /** `entries` caches commits that any process has read: they never change. */
  constructor(world: World, proc: RunnerProcess, entries: Map<string, RefEntry>) {
    this.#world = world;
    this.#proc = proc;
    this.#link = new NetworkLink(world, proc);
    this.#entries = entries;
  }

  /** Runs a step on this machine. It takes a moment and may fail with the disk; `failureFactor` makes that likelier. */
  runLocally<T>(step: () => T, failureFactor = 1): Promise<T> {
    const { scheduler, random, scenario } = this.#world;
    const fails = !isHealed(this.#world) && random.chance(scenario.diskFailureChance * failureFactor);
    if (fails) this.#proc.recordTrouble(scheduler.now);
    for (const hazard of this.#world.onWait) hazard(this.#proc);
    return new Promise((resolve, reject) => {
      scheduler.after(random.next() * LOCAL_MS, () =>
        this.#proc.deliver(() => {
          if (fails) return reject(new UserError(DISK_FULL));
          try {
            resolve(step());
          } catch (error) {
            reject(error);
          }
        }),
      );
    });
  }

  listRefs(): Promise<RefListing> {
    const { random, remote, scenario, scheduler, target } = this.#world;
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
    return this.#link.query("look", steps, scenario.readGapMs, () => {
      const seen = [...values]
        .filter(([ref]) => SCANNED_REFS.some((place) => ref.startsWith(place)))
        .toSorted(([a], [b]) => (a < b ? -1 : 1));
      const digest = seen.flat().join(" ");
      const entries = new Map(seen.map(([ref, value]) => [ref as string, this.#entry(ref, value)]));
      const whole = buildListing(entries, undefined, digest === this.#last);
      this.#last = digest;
      this.#proc.recordPoll(began);
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
    const { random, remote, scenario } = this.#world;
    const values = new Map<Ref, Sha | null>();
    const steps = random.shuffled(refs).map((ref) => () => void values.set(ref, remote.value(ref)));
    return this.#link.query("read", steps, scenario.readGapMs, () => values);
  }

  async readLease(ref: Ref): Promise<LeaseRef | undefined> {
    const { objects } = this.#world;
    const value = (await this.read([ref])).get(ref);
    return value
      ? { ref, value, lease: objects.lease(value), committed: objects.get(value).committed }
      : undefined;
  }

  swap(updates: readonly Update[], why: string): Promise<Swap> {
    return this.#link.push(updates, why);
  }

  note(message: string, parent?: Sha): Promise<Sha> {
    return this.#write(EMPTY_TREE, parent ? [parent] : [], message);
  }

  async commit(tree: Sha, parent: Sha, message: string): Promise<Sha> {
    const commit = await this.#write(tree, [parent], message);
    this.#proc.written.add(commit);
    return commit;
  }

  sign(commit: Sha): Promise<Sha> {
    const { objects, scenario } = this.#world;
    const { machine, written, random } = this.#proc;
    if (!scenario.workflow.sign) return Promise.resolve(commit);
    return this.runLocally(() => {
      if (objects.get(commit).signs) return commit;
      if (!written.has(commit) && !machine.unsigned.has(commit)) throw new CannotSign("it is not our own");
      if (machine.isKeyLocked) throw new CannotSign("the key is locked");
      return objects.sign(commit, random.hex(8));
    });
  }

  signLater(commit: Sha): Promise<void> {
    return this.runLocally(() => void this.#proc.machine.unsigned.add(commit));
  }

  unsignedCommits(from: Sha, head: Sha): Promise<readonly Sha[]> {
    const { objects } = this.#world;
    return this.runLocally(() => {
      const commits = [...objects.firstParents(head)];
      const end = commits.findIndex(({ commit }) => commit === from);
      return commits.slice(0, Math.max(0, end)).flatMap((one) => (one.signs ? [] : [one.commit]));
    });
  }

  #write(tree: Sha, parents: readonly Sha[], message: string): Promise<Sha> {
    const { objects } = this.#world;
    return this.runLocally(() => objects.write(tree, parents, message, Math.floor(this.#proc.wall() / 1000)));
  }

  isAncestor(older: Sha, newer: Sha): Promise<boolean> {
    return this.runLocally(() => this.#world.objects.isAncestor(older, newer));
  }

  /** No branch lands in a simulation. */
  landedBranches(): Promise<ReadonlySet<Branch>> {
    return Promise.resolve(new Set());
  }

  contains(commit: Sha, name: string): Promise<boolean> {
    return this.runLocally(() =>
      [...this.#world.objects.firstParents(commit)].some((one) => one.commit.startsWith(name)),
    );
  }

  changedPaths(from: Sha, to: Sha): Promise<readonly string[]> {
    const { objects } = this.#world;
    return this.runLocally(() => {
      const [old, now] = [objects.pathsOf(from), objects.pathsOf(to)];
      return [...[...old].filter((path) => !now.has(path)), ...[...now].filter((path) => !old.has(path))];
    });
  }

  hashText(text: string): Promise<Sha> {
    return this.runLocally(() => this.#world.objects.blobId(text));
  }

  /** The simulated server does not report pushes. */
  pushes(): Promise<readonly Push[]> {
    return this.runLocally(() => []);
  }

  /** No commit is signed in a simulation. */
  signer(): Promise<string | undefined> {
    return this.runLocally(() => undefined);
  }

  trail(commit: Sha, limit: number): Promise<readonly Commit[]> {
    return this.runLocally(() => [...this.#world.objects.firstParents(commit)].slice(0, limit));
  }

  salvageRefs(branch: Branch, request: Sha): Promise<readonly Ref[]> {
    const { objects, remote } = this.#world;
    const place = `${SALVAGE}${branch}/`;
    const find = () =>
      [...remote.refs]
        .filter(([ref, value]) => ref.startsWith(place) && objects.trailer(value, "Request") === request)
        .map(([ref]) => ref);
    return this.#link.query("fetch salvage", [], 0, find);
  }

  keepLocally(_ref: Ref, value: Sha): Promise<void> {
    return this.runLocally(() => {
      for (const check of this.#world.checks) check.onKeptLocally?.(value);
    });
  }

  blocker(branch: Branch): Promise<string | undefined> {
    const { remote, scenario } = this.#world;
    const isForeseen = scenario.areBlocksVisible && remote.protectedRefs.has(refOf(branch));
    return this.runLocally(() => (isForeseen ? "its checkout has changes" : undefined));
  }

  answeredElsewhere(request: Request, target: Branch): Promise<Branch | undefined> {
    const heads = this.#proc.machine.cache?.heads ?? [];
    return this.runLocally(() => findElsewhere(this.#world, request, target, heads));
  }

  takenOver(target: Branch, heads: readonly Head[]): Promise<ReadonlyMap<string, Request>> {
    return this.runLocally(() => findTakenOver(this.#world, target, heads));
  }
}

/** Another branch with the response to an unbound request. */
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
    for (const { commit: at } of objects.firstParents(head.commit)) {
      if (at === commit) break;
      if (objects.trailer(at, "Answers") === commit) return head.branch;
    }
  }
  return undefined;
}

/** The request below each head where a person pushed a plain commit. */
export function findTakenOver(
  { objects }: World,
  target: Branch,
  heads: readonly Head[],
): ReadonlyMap<string, Request> {
  const trusted = heads.find(({ branch }) => branch === target)?.commit;
  const found = new Map<string, Request>();
  for (const { reading, branch, key, commit } of heads) {
    if (reading.kind !== "none" || reading.reason !== "no-state" || branch === target) continue;
    for (const below of objects.firstParents(commit)) {
      if (trusted && objects.isAncestor(below.commit, trusted)) break;
      const one = parseRequest(branch, below);
      if (one.kind === "none" && one.reason === "no-state") continue;
      if (one.kind === "request" && !isTerminal(one.state)) found.set(key, one);
      break;
    }
  }
  return found;
}
