/** Turns the issues of a zod schema into messages: what was expected, and what was found. */
import type * as z from "zod";
import { cleanLine } from "../util/redact.ts";
import { didYouMean } from "../util/suggest.ts";

/** The plain-English name of each zod type. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ["array", "a list"],
  ["boolean", "true or false"],
  ["int", "a whole number"],
  ["number", "a number"],
  ["object", "a map"],
  ["record", "a map"],
  ["string", "text"],
]);
/** At most this many characters of a wrong value are quoted. */
const MAX_QUOTED = 60;

/** Replaces zod's own messages. Returns undefined for an issue whose message zod words well. */
export const describeIssue: z.core.$ZodErrorMap = (issue) => {
  const { input } = issue;
  if (issue.code === "invalid_type") return expected(KINDS.get(issue.expected) ?? issue.expected, input);
  if (issue.code === "invalid_value") return expectedOne(issue.values, input);
  if (issue.code === "too_small" && issue.origin === "number") {
    return expected(`${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}`, input);
  }
  if (issue.code === "too_big" && issue.origin === "number") {
    return expected(`at most ${issue.maximum}`, input);
  }
  return undefined;
};

/** For example: expected a list, not 3. */
export function expected(what: string, input: unknown): string {
  if (input === undefined) return `is missing; expected ${what}`;
  return input === null ? `is empty; expected ${what}` : `expected ${what}, not ${describeValue(input)}`;
}

/** Names the values, and the nearest of them: expected true, false or draft, not "drafts"; did you mean "draft"? */
export function expectedOne(values: readonly unknown[], input: unknown): string {
  const words = values.map(String);
  const [last = "", ...others] = words.toReversed();
  const what = others.length === 0 ? last : `${others.toReversed().join(", ")} or ${last}`;
  return `${expected(what, input)}${typeof input === "string" ? didYouMean(input, words) : ""}`;
}

function describeValue(input: unknown): string {
  if (Array.isArray(input)) return "a list";
  if (typeof input === "object") return "a map";
  if (typeof input === "string") return `"${cleanLine(input, MAX_QUOTED)}"`;
  return typeof input === "number" || typeof input === "boolean" ? String(input) : typeof input;
}

/** For a value that matches none of several forms: the issue of the form that it matches best. */
export function deepestIssue(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  const inner =
    issue.code === "invalid_union" ? issue.errors.flat() : issue.code === "invalid_key" ? issue.issues : [];
  const nearest = inner.toSorted((a, b) => nearness(b) - nearness(a))[0];
  return nearest ? deepestIssue({ ...nearest, path: [...issue.path, ...nearest.path] }) : issue;
}

/** A value of the right type matches better than one of a wrong type. */
const nearness = (issue: z.core.$ZodIssue): number =>
  issue.path.length + (issue.code === "invalid_type" ? 0 : 1);
