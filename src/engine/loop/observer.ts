/**
 * Makes a view of a look: adds when this observer first saw each lease, and which holders are dead.
 *
 * What must hold: first sight is on this observer's own clock that only goes forward; an observer
 * that starts again counts again; no time in a commit makes a lease expire.
 */
import type { Branch, Ref, Sha } from "../../core/protocol/ids.ts";
import type {
  HistoryFacts,
  RunningAttempt,
  ObservedLease,
  ObservedSlot,
  Snapshot,
} from "../../core/scheduling/snapshot.ts";
import type { RefListing, Ports } from "../ports.ts";

export class Observer {
  readonly #ports: Pick<Ports, "clock" | "machine">;
  readonly #firstSeen = new Map<Sha, number>();
  /** The leases and places of the look before. */
  #before: ReadonlyMap<Ref, Sha> = new Map();

  constructor(ports: Pick<Ports, "clock" | "machine">) {
    this.#ports = ports;
  }

  /** `going` are the branches that this process works on. */
  observe(
    look: RefListing,
    takenOver: Snapshot["takeovers"],
    going: ReadonlyMap<Branch, RunningAttempt>,
    facts: HistoryFacts,
  ): Snapshot {
    const { clock, machine } = this.#ports;
    const now = clock.mono();
    const present = new Set<Sha>();
    const seenAt = (value: Sha): number => {
      present.add(value);
      const first = this.#firstSeen.get(value) ?? now;
      this.#firstSeen.set(value, first);
      return first;
    };
    const leases = new Map<string, ObservedLease>();
    for (const [key, found] of look.leases) {
      const { holder } = found.lease ?? {};
      const known = this.#before.get(found.ref) === found.value;
      const dead = holder !== undefined && machine.isDead(holder);
      leases.set(key, { ...found, wasSeenBefore: known, firstSeen: seenAt(found.value), isHolderDead: dead });
    }
    const slots = new Map<Ref, ObservedSlot>();
    for (const { ref, value, lease } of look.slots.values()) {
      const known = this.#before.get(ref) === value;
      slots.set(ref, { ref, value, run: lease?.run, wasSeenBefore: known });
    }
    this.#before = new Map([...leases.values(), ...slots.values()].map(({ ref, value }) => [ref, value]));
    const sightings = new Map<Sha, number>();
    for (const { commit, reading } of look.heads) {
      if (reading.kind === "request" && reading.state === "working") sightings.set(commit, seenAt(commit));
    }
    for (const value of this.#firstSeen.keys()) if (!present.has(value)) this.#firstSeen.delete(value);
    const { target, heads, parkedResponses: parked, sideRefs } = look;
    return {
      target,
      heads,
      leases,
      slots,
      parkedResponses: parked,
      takeovers: takenOver,
      firstSightings: sightings,
      runningAttempts: going,
      sideRefs,
      facts,
    };
  }
}
