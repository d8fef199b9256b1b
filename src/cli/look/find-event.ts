/**
 * Whether an event from outside has asked for something before.
 *
 * What must hold: a webhook that is delivered twice asks once. Who comes second either finds the
 * event here, or its swap finds that the branch has moved.
 */
import type { Sha } from "../../core/text/ids.ts";
import { parseMessage, valuesOf } from "../../core/text/message.ts";
import type { Head } from "../../core/decide/view.ts";
import { readTrail } from "../../git/repository.ts";
import type { Look } from "../../runner/ports.ts";
import type { Site } from "../../site.ts";

const DEPTH = 100_000;

/** The commit of the branch above the trusted branch that carries the event; undefined: there is none. */
export async function findEvent(
  { place }: Site,
  { target, heads }: Pick<Look, "target" | "heads">,
  { branch, commit }: Head,
  event: string,
): Promise<Sha | undefined> {
  const trusted = heads.find((one) => one.branch === target)?.commit;
  const range = trusted === undefined || branch === target ? commit : `${trusted}..${commit}`;
  const trail = await readTrail(place, range, DEPTH);
  return trail.find(({ message }) => valuesOf(parseMessage(message).trailers, "Event").includes(event))
    ?.commit;
}
