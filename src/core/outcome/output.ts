/**
 * What a script declared: the file TRAILHAND_OUTPUT, or an AYNIG `SET_STATE` line.
 *
 * What must hold: one schema for every form; a key that is unknown, written twice in different
 * words, or reserved is a refusal with a sentence, never passed over.
 */
import * as z from "zod";
import { cleanLine } from "../util/redact.ts";
import { childrenSchema } from "./create-children.ts";
import { isTrailerKey } from "../protocol/compose.ts";
import { isForbiddenToScripts } from "../protocol/trailer-keys.ts";
import { parseDuration } from "../util/duration.ts";
import { parseSha, type Sha } from "../protocol/ids.ts";
import { suggest } from "../util/suggest.ts";
import { planSchema } from "../workflow/plan.ts";
import { separatorAt, type Trailer } from "../protocol/trailer-block.ts";
import { deepestIssue } from "../messages/schema-errors.ts";
import { jsonList } from "../util/lists.ts";
import { LEASE_LIMITS } from "../protocol/limits.ts";

const written = z
  .string()
  .trim()
  .regex(/^\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i, { error: "is no number" });
const amount = z.union([z.number(), written.transform(Number)]).pipe(z.number().min(0));
const trailer = z.strictObject({ key: z.string(), value: z.string() });

const wordList = z
  .union([z.string().transform((text) => text.split(/[\s,]+/)), z.array(z.string())])
  .transform((words) => words.filter((word) => word !== ""));

const verdictSchema = z.strictObject({
  branch: z.string(),
  commit: z.string(),
  state: z.string(),
  subject: z.string().max(2000).optional(),
  summary: z.string().optional(),
});

/** An answer to the request of another branch, as a script declares it. */
export type OtherAnswer = z.infer<typeof verdictSchema>;

/** A list of them, or the JSON text of one. */
const verdictsSchema = jsonList.pipe(z.array(verdictSchema).max(100));

/** What a script may declare. */
export const outputSchema = z.strictObject({
  state: z.string().optional(),
  subject: z.string().max(2000).optional(),
  summary: z.string().optional(),
  cost: amount.optional().describe("USD"),
  tokens: amount.optional(),
  turns: amount.optional().describe("Turns of an agent"),
  model: z.string().max(200).optional(),
  "retry-after": z.union([z.string(), z.number()]).transform(toMilliseconds).optional(),
  children: childrenSchema.optional(),
  cancel: wordList.optional().describe("Keys of children to call off"),
  plan: planSchema.optional().describe("Steps that the answers after this one must follow"),
  risk: z.string().max(40).optional().describe("A tier of the state's `risk`"),
  evidence: wordList.optional().describe("What was proven of the tree as it is left"),
  land: z
    .string()
    .refine((text) => parseSha(text) !== undefined, { error: "is no full object id" })
    .transform((text) => text as Sha)
    .optional()
    .describe("The commit that the trusted branch moves to"),
  answers: verdictsSchema.optional().describe("Answers to requests of other branches"),
  trailers: z
    .union([
      z.string().transform(readTrailerLines),
      z.array(trailer),
      z.record(z.string(), z.string()).transform(toTrailers),
    ])
    .default([]),
});

/** `retry-after` is in milliseconds here. */
export type Output = z.infer<typeof outputSchema>;
export type OutputReading = { readonly output: Output } | { readonly problem: string };

/** Reads the output file: JSON when it starts with `{`, else `key=value` and `key<<EOF` lines. */
export function readOutput(text: string): OutputReading {
  const trimmed = text.trim();
  if (trimmed === "") return { output: { trailers: [] } };
  const raw = trimmed.startsWith("{") ? readJson(trimmed) : readLines(text);
  return "problem" in raw ? raw : validate(raw.value);
}

/** The last `SET_STATE {…}` line of an AYNIG command's standard output; undefined without one. */
export function readSetState(stdout: string): OutputReading | undefined {
  const line = stdout.split("\n").findLast((one) => one.startsWith("SET_STATE {"));
  if (line === undefined) return undefined;
  const raw = readJson(line.slice("SET_STATE ".length));
  if ("problem" in raw) return raw;
  const { body, ...rest } = raw.value;
  return validate(body === undefined ? rest : { ...rest, summary: body });
}

type Raw = { readonly value: Record<string, unknown> } | { readonly problem: string };

function readJson(text: string): Raw {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? { value: { ...value } } : { problem: "the output is JSON, but no object" };
  } catch (error) {
    return { problem: `the output is no JSON: ${cleanLine(error instanceof Error ? error.message : "")}` };
  }
}

function readLines(text: string): Raw {
  const value: Record<string, unknown> = {};
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (line.trim() === "") continue;
    const match = /^([A-Za-z][A-Za-z0-9-]*)(=|<<)(.*)$/.exec(line);
    if (!match)
      return {
        problem: `line ${at + 1} of the output is neither key=value nor key<<END: "${line.slice(0, 80)}"`,
      };
    const [, key = "", sign, rest = ""] = match;
    let found = rest;
    if (sign === "<<") {
      const end = lines.indexOf(rest.trim(), at + 1);
      if (rest.trim() === "" || end < 0) return { problem: `"${key}<<${rest}" is never closed` };
      found = lines.slice(at + 1, end).join("\n");
      at = end;
    }
    if (Object.hasOwn(value, key) && value[key] !== found) return { problem: `"${key}" has two values` };
    value[key] = found;
  }
  return { value };
}

function validate(value: Record<string, unknown>): OutputReading {
  const result = outputSchema.safeParse(value);
  if (!result.success) {
    return { problem: result.error.issues.map(explain).join("; ") };
  }
  const reserved = result.data.trailers.find(({ key }) => isForbiddenToScripts(key));
  if (reserved) return { problem: `the trailer "${reserved.key}" is not for scripts to write` };
  const bad = result.data.trailers.find(({ key }) => !isTrailerKey(key));
  if (bad) return { problem: `"${cleanLine(bad.key, 80)}" is no trailer key: letters, digits and "-"` };
  return { output: result.data };
}

function explain(given: z.core.$ZodIssue): string {
  const issue = deepestIssue(given);
  if (issue.code !== "unrecognized_keys") return `"${issue.path.map(String).join(".")}": ${issue.message}`;
  return issue.keys
    .map((key) => {
      const near = suggest(key, Object.keys(outputSchema.shape));
      return `unknown key "${key}"${near === undefined ? "" : `; did you mean "${near}"?`}`;
    })
    .join("; ");
}

function toMilliseconds(value: string | number, context: z.RefinementCtx): number {
  const text = String(value);
  const milliseconds = /^\d+$/.test(text) ? Number(text) * 1000 : parseDuration(text);
  if (milliseconds !== undefined) return Math.min(milliseconds, LEASE_LIMITS.longestBackoffMs);
  context.addIssue({ code: "custom", message: `"${text}" is no duration; write seconds or 30s, 5m` });
  return z.NEVER;
}

function readTrailerLines(text: string, context: z.RefinementCtx): Trailer[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const at = separatorAt(line, 0);
      if (at < 1) context.addIssue({ code: "custom", message: `"${line.slice(0, 80)}" is no trailer` });
      return { key: line.slice(0, at).trim(), value: line.slice(at + 1).trim() };
    });
}

function toTrailers(record: Record<string, string>): Trailer[] {
  return Object.entries(record).map(([key, value]) => ({ key, value }));
}
