/**
 * What a schema found wrong, said as near to the mistake as possible.
 *
 * What must hold: pure; a sentence says what is expected in words that people write, and what is there.
 */
import type * as z from "zod";
import { cleanLine } from "../util/redact.ts";
import { suggest } from "../util/suggest.ts";

/** What people call the types of a schema. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ["array", "a list"],
  ["boolean", "true or false"],
  ["int", "a whole number"],
  ["number", "a number"],
  ["object", "a map"],
  ["record", "a map"],
  ["string", "text"],
]);
/** So much of a wrong value is shown. */
const SHOWN = 60;

/** The sentences of a schema, in place of its own; what is not here is left to it. */
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

/** "expected a list, not 3". */
export const expected = (what: string, input: unknown): string =>
  input === undefined ? `is missing; expected ${what}` : `expected ${what}, not ${named(input)}`;

/** "expected true, false or draft, not "drafts"", and which of them was meant. */
export function expectedOne(values: readonly unknown[], input: unknown): string {
  const words = values.map(String);
  const [last = "", ...others] = words.toReversed();
  const what = others.length === 0 ? last : `${others.toReversed().join(", ")} or ${last}`;
  const near = typeof input === "string" ? suggest(input, words) : undefined;
  return `${expected(what, input)}${near === undefined ? "" : `; did you mean "${near}"?`}`;
}

function named(input: unknown): string {
  if (input === null) return "nothing";
  if (Array.isArray(input)) return "a list";
  if (typeof input === "object") return "a map";
  if (typeof input === "string") return `"${cleanLine(input, SHOWN)}"`;
  return typeof input === "number" || typeof input === "boolean" ? String(input) : typeof input;
}

/** Of the forms that a value may have, what is wrong with the one that came nearest. */
export function deepestIssue(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  const inner =
    issue.code === "invalid_union" ? issue.errors.flat() : issue.code === "invalid_key" ? issue.issues : [];
  const nearest = inner.toSorted((a, b) => nearness(b) - nearness(a))[0];
  return nearest ? deepestIssue({ ...nearest, path: [...issue.path, ...nearest.path] }) : issue;
}

/** Right in its type is nearer than wrong in it. */
const nearness = (issue: z.core.$ZodIssue): number =>
  issue.path.length + (issue.code === "invalid_type" ? 0 : 1);
