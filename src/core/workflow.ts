/**
 * The contract in `states/workflow.yml`: its shape, its defaults, and reading it.
 *
 * What must hold: an unknown key is an error that names the nearest known one; every problem of a
 * file is reported at once, with its line; a workflow that leaves here has all defaults filled in.
 */
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import * as z from "zod";
import { parseDuration } from "./duration.ts";
import { parseStateName, type StateName } from "./ids.ts";
import { nearest } from "./nearest.ts";

/** States that no script may have: they end work, or say why it stands. */
export const RESERVED_STATES = ["done", "failed", "cancelled", "parked", "waiting", "stalled"] as const;
const ENDS = new Set<string>(["done", "failed", "cancelled"]);

export const isReservedState = (name: string): boolean =>
  (RESERVED_STATES as readonly string[]).includes(name);
export const isTerminal = (name: string): boolean => ENDS.has(name);

/** Keys that a later version will read; naming them today is an error that says so. */
export const LATER_KEYS = new Set(
  `prompt agent model by writes forbid evidence risk wait max owns children plan approve
   budget priority setup shadow`.split(/\s+/),
);

const duration = z.string().transform((text, context) => {
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined) return milliseconds;
  context.addIssue({ code: "custom", message: `"${text}" is no duration; write 30s, 5m or 1h30m` });
  return z.NEVER;
});
const count = (low: number, high: number) => z.int().min(low).max(high);
const name = z.string().refine((text) => parseStateName(text) !== undefined, {
  error: "a state name has lower-case letters, digits, '.', '_', '-', and at most 64 of them",
});

const stateSchema = z.strictObject({
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
  lane: z.string().default("default").describe("The lane that an attempt takes a place in."),
  env: z
    .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/))
    .default([])
    .describe("Names of the runner's variables that this script may see; their values are redacted."),
});

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
  lanes: z
    .record(z.string(), count(1, 1000))
    .default({})
    .describe("How many attempts a lane holds at once; a lane that is not listed holds any number."),
  states: z.record(name, stateSchema).describe("The states, in reading order."),
});

export type WorkflowFile = z.infer<typeof workflowSchema>;
export type State = WorkflowFile["states"][string];

export interface Workflow extends WorkflowFile {
  /** True when there is no file: every executable is a state and every transition is open. */
  readonly open: boolean;
}

export interface Problem {
  /** Counted from 1, where the file tells. */
  readonly line?: number;
  readonly path: string;
  readonly message: string;
}

export type WorkflowReading =
  | { readonly workflow: Workflow; readonly problems: readonly [] }
  | { readonly workflow?: undefined; readonly problems: readonly Problem[] };

export const DEFAULT_HOPS = 50;
export const DEFAULT_CONCURRENCY = 4;

/** Reads the text of a workflow file. Never throws; problems carry line and path. */
export function readWorkflow(text: string): WorkflowReading {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: "error",
  });
  if (document.errors.length > 0) {
    return {
      problems: document.errors.map((error) => ({
        line: lines.linePos(error.pos[0]).line,
        path: "",
        message: error.message.split("\n")[0] ?? "",
      })),
    };
  }
  const value = toValue(document);
  if ("problem" in value) return { problems: [{ path: "", message: value.problem }] };
  const result = workflowSchema.safeParse(value.value);
  if (result.success) return { workflow: complete(result.data, false), problems: [] };
  return {
    problems: result.error.issues.flatMap(explain).map((problem) => locate(problem, document, lines)),
  };
}

function locate({ path, message }: Explained, document: Document, lines: LineCounter): Problem {
  const offset = offsetOf(document, path);
  const line = offset === undefined ? {} : { line: lines.linePos(offset).line };
  return { ...line, path: path.map(String).join("."), message };
}

type Document = ReturnType<typeof parseDocument>;

/** Aliases are bounded, so that a few lines cannot become gigabytes. */
function toValue(document: Document): { readonly value: unknown } | { readonly problem: string } {
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : "cannot be read" };
  }
}

/** Where the last part of a path that the file has is written: the key itself, or the item. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const step of path) {
    let place: unknown;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      place = pair?.key;
      node = pair?.value;
    } else if (isSeq(node)) {
      place = node = node.items[Number(step)];
    }
    const { range } = (place ?? {}) as { range?: readonly [number, ...number[]] };
    if (!range) break;
    [offset] = range;
  }
  return offset;
}

function complete(file: WorkflowFile, open: boolean): Workflow {
  return { ...file, states: bare(file.states), lanes: bare(file.lanes), open };
}

/** Without a prototype: strangers choose the names that are looked up, and "constructor" is one. */
function bare<T>(record: Record<string, T>): Record<string, T> {
  return Object.assign(Object.create(null) as Record<string, T>, record);
}

interface Explained {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Of the forms that a value may have, what is wrong with the one that came nearest. */
export function innermost(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  const inner =
    issue.code === "invalid_union" ? issue.errors.flat() : issue.code === "invalid_key" ? issue.issues : [];
  const nearest = inner.toSorted((a, b) => nearness(b) - nearness(a))[0];
  return nearest ? innermost({ ...nearest, path: [...issue.path, ...nearest.path] }) : issue;
}

/** Right in its type is nearer than wrong in it. */
const nearness = (issue: z.core.$ZodIssue): number =>
  issue.path.length + (issue.code === "invalid_type" ? 0 : 1);

function explain(given: z.core.$ZodIssue): Explained[] {
  const issue = innermost(given);
  if (issue.code !== "unrecognized_keys") return [{ path: issue.path, message: issue.message }];
  return issue.keys.map((key) => {
    const path = [...issue.path, key];
    if (LATER_KEYS.has(key)) return { path, message: `"${key}" is reserved for a later version` };
    const near = nearest(key, knownKeys(issue.path));
    return { path, message: `unknown key "${key}"${near === undefined ? "" : `; did you mean "${near}"?`}` };
  });
}

function knownKeys(path: readonly PropertyKey[]): string[] {
  if (path.length === 0) return Object.keys(workflowSchema.shape);
  if (path[0] === "states") return Object.keys(stateSchema.shape);
  return ["hops", "concurrency"];
}

/** The workflow of a repository without a file. */
export function openWorkflow(states: readonly StateName[]): Workflow {
  const parsed = workflowSchema.parse({ states: Object.fromEntries(states.map((state) => [state, {}])) });
  return complete(parsed, true);
}

/** The answers that a state may give, without those that are always open to it. */
export function successors(workflow: Workflow, state: StateName): readonly string[] {
  if (workflow.open) return [...Object.keys(workflow.states), "done"];
  return workflow.states[state]?.next ?? [];
}
