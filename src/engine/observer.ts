/**
 * Builds the snapshot of one poll: adds to the listing when this observer first saw each lease,
 * and which lease holders are dead.
 *
 * Invariants:
 * - First sight is measured on this observer's own monotonic clock. A restarted observer starts over.
 * - No date in a commit makes a lease expire.
 */
import type { Branch, Ref, Sha } from "../core/protocol/ids.ts";
import type {
  HistoryFacts,
  ObservedLease,
  ObservedSlot,
  RunningAttempt,
  Snapshot,
} from "../core/scheduling/snapshot.ts";
import type { Clock, Machine, RefListing } from "./ports.ts";

interface ObserverPorts {
  readonly clock: Pick<Clock, "mono">;
  readonly machine: Pick<Machine, "isDead">;
}

export class Observer {
  readonly #ports: ObserverPorts;
  readonly #firstSeen = new Map<Sha, number>();
  /** The values of leases and lane slots in the previous poll. */
  #previous: ReadonlyMap<Ref, Sha> = new Map();

  constructor(ports: ObserverPorts) {
    this.#ports = ports;
  }

  /** `runningAttempts` holds the branches that this process works on. */
  observe(
    listing: RefListing,
    takeovers: Snapshot["takeovers"],
    runningAttempts: ReadonlyMap<Branch, RunningAttempt>,
    facts: HistoryFacts,
  ): Snapshot {
    const { clock, machine } = this.#ports;
    const now = clock.mono();
    const present = new Set<Sha>();
    const firstSeenAt = (value: Sha): number => {
      present.add(value);
      const firstSeen = this.#firstSeen.get(value) ?? now;
      this.#firstSeen.set(value, firstSeen);
      return firstSeen;
    };
    const leases = new Map<string, ObservedLease>();
    for (const [key, leaseRef] of listing.leases) {
      const { ref, value, lease } = leaseRef;
      const wasSeenBefore = this.#previous.get(ref) === value;
      const isHolderDead = lease?.holder !== undefined && machine.isDead(lease.holder);
      leases.set(key, { ...leaseRef, wasSeenBefore, firstSeen: firstSeenAt(value), isHolderDead });
    }
    const slots = new Map<Ref, ObservedSlot>();
    for (const { ref, value, lease } of listing.slots.values()) {
      slots.set(ref, { ref, value, run: lease?.run, wasSeenBefore: this.#previous.get(ref) === value });
    }
    this.#previous = new Map([...leases.values(), ...slots.values()].map(({ ref, value }) => [ref, value]));
    const firstSightings = new Map<Sha, number>();
    for (const { commit, reading } of listing.heads) {
      if (reading.kind === "request" && reading.state === "working")
        firstSightings.set(commit, firstSeenAt(commit));
    }
    for (const value of this.#firstSeen.keys()) if (!present.has(value)) this.#firstSeen.delete(value);
    const { target, heads, parkedResponses, sideRefs } = listing;
    return {
      target,
      heads,
      leases,
      slots,
      parkedResponses,
      takeovers,
      firstSightings,
      runningAttempts,
      sideRefs,
      facts,
    };
  }
}
