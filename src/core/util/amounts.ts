/**
 * What work has used, and what it may use: money, tokens, turns of agents, time of attempts.
 *
 * What must hold: what is written reads back as the same amounts; an amount that is left out of a
 * budget is no limit, and left out of what was spent it is zero.
 */
import { formatDuration, parseDuration } from "./duration.ts";

export interface Amounts {
  /** USD. */
  readonly cost: number;
  readonly tokens: number;
  /** Turns of agents. */
  readonly turns: number;
  /** Milliseconds that attempts took. */
  readonly time: number;
}

export type Budget = Partial<Amounts>;

export const NO_AMOUNTS: Amounts = { cost: 0, tokens: 0, turns: 0, time: 0 };

/** Adds up. */
export function addAmounts(one: Amounts, other: Budget): Amounts {
  return {
    cost: round(one.cost + (other.cost ?? 0)),
    tokens: one.tokens + (other.tokens ?? 0),
    turns: one.turns + (other.turns ?? 0),
    time: one.time + (other.time ?? 0),
  };
}

/** Sums of money that computers add have long tails. */
const round = (usd: number): number => Math.round(usd * 1e6) / 1e6;

/** `0.36 USD, 12000 tokens, 3 turns, 5m`; undefined when there is nothing to say. */
export function formatAmounts({ cost, tokens, turns, time }: Budget): string | undefined {
  const parts = [
    cost ? `${cost} USD` : "",
    tokens ? `${tokens} tokens` : "",
    turns ? `${turns} turns` : "",
    time ? formatTime(time) : "",
  ].filter((part) => part !== "");
  return parts.length > 0 ? parts.join(", ") : undefined;
}

/** Whole, unlike a duration for people: what is summed must not be rounded again and again. */
const formatTime = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000}s` : `${Math.round(ms)}ms`);

/** Reads amounts back; undefined when some part is none. */
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

/** The first amount that is used up, in words; undefined while there is some left of each. */
export function exhaustedAmount(spent: Amounts, budget: Budget): string | undefined {
  const { cost, tokens, turns, time } = budget;
  if (cost !== undefined && spent.cost >= cost) return `${spent.cost} USD of ${cost} are spent`;
  if (tokens !== undefined && spent.tokens >= tokens) return `${spent.tokens} of ${tokens} tokens are used`;
  if (turns !== undefined && spent.turns >= turns) return `${spent.turns} of ${turns} turns are used`;
  if (time !== undefined && spent.time >= time)
    return `its attempts took ${formatDuration(spent.time)} of ${formatDuration(time)}`;
  return undefined;
}
