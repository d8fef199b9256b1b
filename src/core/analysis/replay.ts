/**
 * How the answer of today differs from the one that was recorded.
 *
 * What must hold: pure; what was measured of one run, such as its time or its price, is shown beside
 * the comparison and is no part of it.
 */
import { parseMessage, valueOf } from "../protocol/message.ts";
import { ownReading } from "./hand-off-report.ts";
import type { Commit } from "../protocol/request.ts";
import { isMeasured, KEY } from "../protocol/trailer-keys.ts";

/** What a message says but for what was measured. */
export function comparableText(message: string): string {
  const { header, body, trailers } = parseMessage(message);
  const kept = trailers.filter(({ key }) => !isMeasured(key));
  const block = kept.map(({ key, value }) => `${key}: ${value}`).join("\n");
  return `${[header, body, block].filter((part) => part !== "").join("\n\n")}\n`;
}

/** A value of then and now. */
export interface ValuePair {
  readonly was: string | undefined;
  readonly now: string | undefined;
}

/** What was measured, where one of the two says it. */
export function readMeasurements(recorded: string, replayed: string): Readonly<Record<string, ValuePair>> {
  const [then, today] = [recorded, replayed].map((message) => parseMessage(message).trailers);
  const pairs = [KEY.took, KEY.cost, KEY.tokens, KEY.model, KEY.attempt].map((key): [string, ValuePair] => [
    key.toLowerCase(),
    { was: valueOf(then ?? [], key), now: valueOf(today ?? [], key) },
  ]);
  return Object.fromEntries(pairs.filter(([, { was, now }]) => was !== undefined || now !== undefined));
}

/** The state that an answer led to. */
export function finalStateIn(answer: Commit): string | undefined {
  const asked = ownReading(answer);
  return asked.kind === "request" ? asked.state : undefined;
}
