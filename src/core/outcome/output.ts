/**
 * Parses the output of a script: the file `TRAILHAND_OUTPUT`, or an AYNIG `SET_STATE` line.
 *
 * Invariants:
 * - All forms share one schema.
 * - An unknown, reserved or contradictory key is an error, never ignored.
 */
import * as z from "zod";
import { cleanLine } from "../util/redact.ts";
import { childrenSchema } from "./create-children.ts";
import { isTrailerKey } from "../protocol/compose.ts";
import { isForbiddenToScripts } from "../protocol/trailer-keys.ts";
import { parseDuration } from "../util/duration.ts";
import { parseSha, type Sha } from "../protocol/ids.ts";
import { didYouMean } from "../util/suggest.ts";
import { planSchema } from "../workflow/plan.ts";
import { separatorAt, type Trailer } from "../protocol/trailer-block.ts";
import { deepestIssue } from "../messages/schema-errors.ts";
import { jsonList } from "../util/lists.ts";
import { LEASE_LIMITS } from "../protocol/limits.ts";

const numberText = z
  .string()
  .trim()
  .regex(/^\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i, { error: "is not a number" });
const amount = z.union([z.number(), numberText.transform(Number)]).pipe(z.number().min(0));
const trailer = z.strictObject({ key: z.string(), value: z.string() });

const wordList = z
  .union([z.string().transform((text) => text.split(/[\s,]+/)), z.array(z.string())])
  .transform((words) => words.filter((word) => word !== ""));

const otherAnswerSchema = z.strictObject({
  branch: z.string(),
  commit: z.string(),
  state: z.string(),
  subject: z.string().max(2000).optional(),
  summary: z.string().optional(),
});

/** An answer to the request of another branch. */
export type OtherAnswer = z.infer<typeof otherAnswerSchema>;

const otherAnswersSchema = jsonList.pipe(z.array(otherAnswerSchema).max(100));

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
  cancel: wordList.optional().describe("Keys of the children to cancel"),
  plan: planSchema.optional().describe("Steps that later answers must follow"),
  risk: z.string().max(40).optional().describe("A tier of the state's `risk`"),
  evidence: wordList.optional().describe("What the script has proven of the resulting tree"),
  land: z
    .string()
    .refine((text) => parseSha(text) !== undefined, { error: "is not a full object id" })
    .transform((text) => text as Sha)
    .optional()
    .describe("The commit to which the trusted branch moves"),
  answers: otherAnswersSchema.optional().describe("Answers to requests on other branches"),
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

/** Reads the output file: JSON if it starts with `{`, else `key=value` and `key<<END` lines. */
export function readOutput(text: string): OutputReading {
  const trimmed = text.trim();
  if (trimmed === "") return { output: { trailers: [] } };
  const raw = trimmed.startsWith("{") ? readJson(trimmed) : readLines(text);
  return "problem" in raw ? raw : validate(raw.value);
}

/** Reads the last `SET_STATE {…}` line of an AYNIG command's standard output; undefined without one. */
export function readSetState(stdout: string): OutputReading | undefined {
  const line = stdout.split("\n").findLast((text) => text.startsWith("SET_STATE {"));
  if (line === undefined) return undefined;
  const raw = readJson(line.slice("SET_STATE ".length));
  if ("problem" in raw) return raw;
  const { body, ...rest } = raw.value;
  return validate(body === undefined ? rest : { ...rest, summary: body });
}

type RawOutput = { readonly value: Record<string, unknown> } | { readonly problem: string };

function readJson(text: string): RawOutput {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? { value: { ...value } } : { problem: "the output is JSON, but not an object" };
  } catch (error) {
    return {
      problem: `the output is not valid JSON: ${cleanLine(error instanceof Error ? error.message : "")}`,
    };
  }
}

function readLines(text: string): RawOutput {
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
    let content = rest;
    if (sign === "<<") {
      const end = lines.indexOf(rest.trim(), at + 1);
      if (rest.trim() === "" || end < 0) return { problem: `"${key}<<${rest}" is not closed` };
      content = lines.slice(at + 1, end).join("\n");
      at = end;
    }
    if (Object.hasOwn(value, key) && value[key] !== content) return { problem: `"${key}" has two values` };
    value[key] = content;
  }
  return { value };
}

function validate(value: Record<string, unknown>): OutputReading {
  const result = outputSchema.safeParse(value);
  if (!result.success) {
    return { problem: result.error.issues.map(explain).join("; ") };
  }
  const reserved = result.data.trailers.find(({ key }) => isForbiddenToScripts(key));
  if (reserved) return { problem: `the trailer "${reserved.key}" is reserved: scripts may not write it` };
  const invalid = result.data.trailers.find(({ key }) => !isTrailerKey(key));
  if (invalid) {
    const name = cleanLine(invalid.key, 80);
    return { problem: `"${name}" is not a valid trailer key: use letters, digits and "-"` };
  }
  return { output: result.data };
}

function explain(outerIssue: z.core.$ZodIssue): string {
  const issue = deepestIssue(outerIssue);
  if (issue.code !== "unrecognized_keys") return `"${issue.path.map(String).join(".")}": ${issue.message}`;
  const validKeys = Object.keys(outputSchema.shape);
  return issue.keys.map((key) => `unknown key "${key}"${didYouMean(key, validKeys)}`).join("; ");
}

function toMilliseconds(value: string | number, context: z.RefinementCtx): number {
  const text = String(value);
  const milliseconds = /^\d+$/.test(text) ? Number(text) * 1000 : parseDuration(text);
  if (milliseconds !== undefined) return Math.min(milliseconds, LEASE_LIMITS.longestBackoffMs);
  context.addIssue({
    code: "custom",
    message: `"${text}" is not a valid duration: write seconds, or 30s, 5m`,
  });
  return z.NEVER;
}

function readTrailerLines(text: string, context: z.RefinementCtx): Trailer[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const at = separatorAt(line, 0);
      if (at < 1) context.addIssue({ code: "custom", message: `"${line.slice(0, 80)}" is not a trailer` });
      return { key: line.slice(0, at).trim(), value: line.slice(at + 1).trim() };
    });
}

function toTrailers(record: Record<string, string>): Trailer[] {
  return Object.entries(record).map(([key, value]) => ({ key, value }));
}
