/**
 * Reads the trailers that a person gives a request.
 *
 * What must hold: what the runner could not read later is refused now, while its author is there;
 * nobody writes a request that would wait for itself.
 */
import { parseAmounts } from "../core/util/amounts.ts";
import { isReserved } from "../core/protocol/compose.ts";
import type { Branch } from "../core/protocol/ids.ts";
import { parseInstant } from "../core/util/time.ts";
import { separatorAt, type Trailer } from "../core/protocol/trailer-block.ts";
import { FORMS, parseDependency } from "../core/workflow/wait.ts";
import { ringWith, sceneOf } from "../core/scheduling/waits.ts";
import { Fault, words, type Sentence } from "../core/messages/messages.ts";
import { present, survey } from "./branch-listing.ts";
import type { Site } from "./workspace.ts";

/** What is wrong with the values of keys that we read ourselves. */
const CHECKS: Readonly<Record<string, (value: string) => Sentence | undefined>> = {
  budget: (value) => (parseAmounts(value) ? undefined : words.badBudget(value)),
  "depends-on": (value) => (parseDependency(value) ? undefined : words.badDependency(value, FORMS)),
  "not-before": (value) => (parseInstant(value) === undefined ? words.badInstant(value) : undefined),
};

/** Reads `Key: value`. Throws a Fault when it is no trailer, one of ours, or has a value that means nothing. */
export function readTrailer(text: string): Trailer {
  const at = separatorAt(text, 0);
  if (at < 1) throw new Fault(text.includes(":") ? words.badTrailerKey(text) : words.noTrailer(text));
  const key = text.slice(0, at).trim();
  if (isReserved(key)) throw new Fault(words.reservedKey(key));
  const value = text.slice(at + 1).trim();
  const bad = CHECKS[key.toLowerCase()]?.(value);
  if (bad) throw new Fault(bad);
  return { key, value };
}

/** Throws a Fault with the ring that `Depends-On` among these trailers would close. */
export async function requireNoRing(site: Site, branch: Branch, trailers: readonly Trailer[]): Promise<void> {
  const wanted = trailers.flatMap(({ key, value }) => (key.toLowerCase() === "depends-on" ? [value] : []));
  if (wanted.length === 0) return;
  const { view, contract, now } = await survey(site, present());
  const ring = ringWith(branch, wanted, sceneOf(view, contract.workflow, now));
  if (ring) throw new Fault(words.wouldRing(ring));
}
