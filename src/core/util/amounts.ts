/**
 * Amounts that work has spent or may spend: money, tokens, agent turns and time.
 *
 * Invariants:
 * - Formatted amounts parse as the same amounts.
 * - An amount that a budget does not name is unlimited.
 */
import { formatDuration, parseDuration } from "./duration.ts";

export interface Amounts {
  /** USD. */
  readonly cost: number;
  readonly tokens: number;
  /** Turns that agents took. */
  readonly turns: number;
  /** The time that attempts took, in milliseconds. */
  readonly time: number;
}

export type Budget = Partial<Amounts>;

export const NO_AMOUNTS: Amounts = { cost: 0, tokens: 0, turns: 0, time: 0 };

export function addAmounts(one: Amounts, other: Budget): Amounts {
  return {
    cost: round(one.cost + (other.cost ?? 0)),
    tokens: one.tokens + (other.tokens ?? 0),
    turns: one.turns + (other.turns ?? 0),
    time: one.time + (other.time ?? 0),
  };
}

/** Removes the rounding errors of floating-point sums. */
const round = (usd: number): number => Math.round(usd * 1e6) / 1e6;

/** Formats as `0.36 USD, 12000 tokens, 3 turns, 5m`. Undefined if all amounts are zero. */
export function formatAmounts({ cost, tokens, turns, time }: Budget): string | undefined {
  const parts = [
    cost ? `${cost} USD` : "",
    tokens ? `${tokens} tokens` : "",
    turns ? `${turns} turns` : "",
    time ? formatTime(time) : "",
  ].filter((part) => part !== "");
  return parts.length > 0 ? parts.join(", ") : undefined;
}

/** Exact, unlike formatDuration: rounding errors would add up. */
const formatTime = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000}s` : `${Math.round(ms)}ms`);

/** Undefined if any part is not an amount. */
export function parseAmounts(text: string): Budget | undefined {
  const found: { cost?: number; tokens?: number; turns?: number; time?: number } = {};
  for (const part of text.split(",")) {
    const [, number = "", unit = ""] = /^\s*(\d+(?:\.\d+)?)\s+(usd|tokens?|turns?)\s*$/i.exec(part) ?? [];
    const time = number === "" ? parseDuration(part.trim().replaceAll(" ", "")) : undefined;
    if (time !== undefined) found.time = time;
    else if (/^usd$/i.test(unit)) found.cost = Number(number);
    else if (/^token/i.test(unit)) found.tokens = Number(number);
    else if (/^turn/i.test(unit)) found.turns = Number(number);
    else return undefined;
  }
  return found;
}

/** Says which amount of the budget is used up. Undefined while some of each is left. */
export function exhaustedAmount(spent: Amounts, budget: Budget): string | undefined {
  const { cost, tokens, turns, time } = budget;
  if (cost !== undefined && spent.cost >= cost) return `${spent.cost} USD of ${cost} are spent`;
  if (tokens !== undefined && spent.tokens >= tokens) return `${spent.tokens} of ${tokens} tokens are used`;
  if (turns !== undefined && spent.turns >= turns) return `${spent.turns} of ${turns} turns are used`;
  if (time !== undefined && spent.time >= time)
    return `its attempts took ${formatDuration(spent.time)} of ${formatDuration(time)}`;
  return undefined;
}
