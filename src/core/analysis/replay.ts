/**
 * Compares the answer of a replay with the recorded one.
 *
 * Invariants:
 * - Measurements of a run, such as its duration and cost, are listed but never compared.
 */
import { parseMessage, valueOf } from "../protocol/message.ts";
import { ownReading } from "./hand-off-report.ts";
import type { Commit } from "../protocol/request.ts";
import { isMeasured, KEY } from "../protocol/trailer-keys.ts";

/** The message without its measurements. */
export function comparableText(message: string): string {
  const { header, body, trailers } = parseMessage(message);
  const compared = trailers.filter(({ key }) => !isMeasured(key));
  const block = compared.map(({ key, value }) => `${key}: ${value}`).join("\n");
  return `${[header, body, block].filter((part) => part !== "").join("\n\n")}\n`;
}

/** The recorded value and the replayed one. */
export interface ValuePair {
  readonly was: string | undefined;
  readonly now: string | undefined;
}

/** The measurements that at least one of the two messages has. */
export function readMeasurements(recorded: string, replayed: string): Readonly<Record<string, ValuePair>> {
  const [oldTrailers = [], newTrailers = []] = [recorded, replayed].map(
    (message) => parseMessage(message).trailers,
  );
  const pairs = [KEY.took, KEY.cost, KEY.tokens, KEY.model, KEY.attempt].map((key): [string, ValuePair] => [
    key.toLowerCase(),
    { was: valueOf(oldTrailers, key), now: valueOf(newTrailers, key) },
  ]);
  return Object.fromEntries(pairs.filter(([, { was, now }]) => was !== undefined || now !== undefined));
}

/** The state to which an answer led. */
export function finalStateIn(answer: Commit): string | undefined {
  const reading = ownReading(answer);
  return reading.kind === "request" ? reading.state : undefined;
}
