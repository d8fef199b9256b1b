/**
 * Makes a view of a look: adds when this observer first saw each lease, and which holders are dead.
 *
 * What must hold: first sight is on this observer's own clock that only goes forward; an observer
 * that starts again counts again; no time in a commit is ever used.
 */
import type { Branch, Sha } from "../core/ids.ts";
import type { SeenLease, View } from "../core/view.ts";
import type { Look, Ports } from "./ports.ts";

export class Observer {
  readonly #ports: Pick<Ports, "clock" | "machine">;
  readonly #firstSeen = new Map<Sha, number>();

  constructor(ports: Pick<Ports, "clock" | "machine">) {
    this.#ports = ports;
  }

  /** `going` are the branches that this process works on, with their lanes. */
  observe(look: Look, takenOver: View["takenOver"], going: ReadonlyMap<Branch, string>): View {
    const { clock, machine } = this.#ports;
    const now = clock.mono();
    const present = new Set<Sha>();
    const seenAt = (value: Sha): number => {
      present.add(value);
      const first = this.#firstSeen.get(value) ?? now;
      this.#firstSeen.set(value, first);
      return first;
    };
    const leases = new Map<string, SeenLease>();
    for (const [key, { ref, value, lease }] of look.leases) {
      const dead = lease?.holder !== undefined && machine.isDead(lease.holder);
      leases.set(key, { ref, value, lease, firstSeen: seenAt(value), dead });
    }
    const sightings = new Map<Sha, number>();
    for (const { commit, asked } of look.heads) {
      if (asked.kind === "request" && asked.state === "working") sightings.set(commit, seenAt(commit));
    }
    for (const value of this.#firstSeen.keys()) if (!present.has(value)) this.#firstSeen.delete(value);
    const { target, heads, parked } = look;
    return { target, heads, leases, parked, takenOver, sightings, going };
  }
}
