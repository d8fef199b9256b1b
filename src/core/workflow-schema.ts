/**
 * The shape of `states/workflow.yml`, its defaults, and one line for each key of its reference.
 *
 * What must hold: a key that is not here is an error; the reference page is made from here.
 */
import * as z from "zod";
import { parseDuration } from "./duration.ts";
import { parseBranch, parseStateName } from "./ids.ts";

const duration = z.string().transform((text, context) => {
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined) return milliseconds;
  context.addIssue({ code: "custom", message: `"${text}" is no duration; write 30s, 5m or 1h30m` });
  return z.NEVER;
});
/** Kinds of refs that belong to everybody. */
const ROOTS = new Set(["refs/heads", "refs/tags", "refs/remotes", "refs/notes", "refs/pull"]);
const count = (low: number, high: number) => z.int().min(low).max(high);
const name = z.string().refine((text) => parseStateName(text) !== undefined, {
  error: "a state name has lower-case letters, digits, '.', '_', '-', and at most 64 of them",
});

/** A lane's name is a part of ref names, and none of those ends in `.lock` (git-check-ref-format(1)). */
const lane = z.string().refine((text) => parseStateName(text) !== undefined && !text.endsWith(".lock"), {
  error: "a lane's name has at most 64 lower-case letters, digits, '.', '_', '-', and does not end in .lock",
});

export const stateSchema = z.strictObject({
  description: z.string().optional().describe("One line for `graph` and `status`."),
  next: z
    .union([name.transform((one) => [one]), z.array(name)])
    .prefault(["done"])
    .describe("The states that may follow. A script that names none gets the only one."),
  human: z.boolean().default(false).describe("A person answers, by a commit; nothing is run."),
  timeout: duration.prefault("30m").describe("How long one attempt may take."),
  retries: count(0, 100).default(2).describe("Further attempts after a failed one."),
  backoff: duration.prefault("2s").describe("Wait before the first retry; doubles each time, at most 10m."),
  "on-failure": name
    .optional()
    .describe("The state that follows the last failed attempt, in place of `failed`."),
  lane: lane.default("default").describe("The lane that an attempt takes a place in."),
  env: z
    .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/))
    .default([])
    .describe("Names of the runner's variables that this script may see; their values are redacted."),
});

const prefix = z
  .string()
  .refine(
    (text) => /^refs\/[^/]+\/[^/]/.test(`${text}/x`) && parseBranch(text) !== undefined && !ROOTS.has(text),
    {
      error: "a prefix is a ref name such as refs/tags/trailhand, and not a whole kind of refs",
    },
  );

export const workflowSchema = z.strictObject({
  start: z
    .union([name.transform((one) => [one]), z.array(name)])
    .optional()
    .describe("Where work begins; the first state when left out. Used for checks and drawings."),
  branches: z
    .array(z.string().min(1))
    .default(["**"])
    .describe("Globs of branches to look at; one that starts with `!` takes branches out."),
  "on-plain-commit": z
    .enum(["park", "continue"])
    .default("park")
    .describe("What a commit without a state on top of a hand-off means."),
  target: z
    .enum(["ignore", "work"])
    .default("ignore")
    .describe("Whether requests on the trusted branch itself are run."),
  limits: z
    .strictObject({
      hops: count(1, 10_000).optional().describe("Hand-offs in a row without a person; 50 when left out."),
      concurrency: count(1, 256).optional().describe("Attempts at once in one runner; 4 when left out."),
    })
    .default({})
    .describe("Bounds on the whole workflow."),
  refs: z
    .strictObject({
      prefix: prefix
        .default("refs/trailhand")
        .describe(
          "Where leases and other side refs are at a remote, for hosts that refuse refs of their own kind.",
        ),
    })
    .prefault({})
    .describe("Names of refs."),
  lanes: z
    .record(lane, count(1, 1000))
    .default({})
    .describe("How many attempts a lane holds at once; a lane that is not listed holds any number."),
  states: z.record(name, stateSchema).describe("The states, in reading order."),
});

/** What the file says, with defaults. */
export type WorkflowFile = z.infer<typeof workflowSchema>;
