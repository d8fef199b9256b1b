/**
 * Parses a task graph: tasks with their order, paths, risk and duration.
 *
 * Invariants:
 * - All mistakes are reported at once, each with its line.
 * - A parsed graph has no cycle and no unknown task.
 */
import { isNode, LineCounter, parseDocument } from "yaml";
import * as z from "zod";
import { parseStateName } from "../protocol/ids.ts";
import { deepestIssue, describeIssue } from "../messages/schema-errors.ts";
import { didYouMean } from "../util/suggest.ts";
import type { WorkflowProblem } from "../workflow/workflow.ts";

export const RISKS = ["low", "medium", "high"] as const;

const key = z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, {
  error: "a key has at most 40 lower-case letters, digits and '-'",
});
const minutes = z.number().positive().max(1_000_000);

const taskSchema = z.strictObject({
  key,
  after: z.array(z.string()).default([]),
  owns: z.array(z.string().min(1).max(200)).max(50).default([]),
  risk: z.enum(RISKS).default("low"),
  minutes: minutes.optional(),
  state: z
    .string()
    .refine((text) => parseStateName(text) !== undefined, { error: "is not a valid state name" })
    .optional(),
});

const graphSchema = z.strictObject({
  tasks: z.array(taskSchema).min(1).max(500),
  agents: z.int().min(1).max(1000).optional(),
  cost_per_minute: z.number().min(0).max(1_000_000).optional(),
});

export type Task = z.infer<typeof taskSchema>;
export type TaskGraph = z.infer<typeof graphSchema>;

export type GraphReading =
  | { readonly graph: TaskGraph; readonly problems: readonly [] }
  | { readonly graph?: undefined; readonly problems: readonly WorkflowProblem[] };

interface Mistake {
  /** Where it is in the document. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Never throws. */
export function readTaskGraph(text: string): GraphReading {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "error" });
  const locate = ({ path, message }: Mistake): WorkflowProblem => {
    const offset = offsetOf(document, path);
    const problem = { path: path.map(String).join("."), message };
    return offset === undefined ? problem : { line: lines.linePos(offset).line, ...problem };
  };
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ pos, message }) => {
      return { line: lines.linePos(pos[0]).line, path: "", message: message.split("\n")[0] ?? "" };
    });
    return { problems };
  }
  let value: unknown;
  try {
    // Limit aliases: a few lines of them can expand to gigabytes.
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return { problems: [{ path: "", message: error instanceof Error ? error.message : "cannot be read" }] };
  }
  const result = graphSchema.safeParse(value, { error: describeIssue });
  if (!result.success) return { problems: result.error.issues.flatMap(explain).map(locate) };
  const mistakes = checkTasks(result.data.tasks);
  if (mistakes.length > 0) return { problems: mistakes.map(locate) };
  return { graph: result.data, problems: [] };
}

function explain(outerIssue: z.core.$ZodIssue): Mistake[] {
  const issue = deepestIssue(outerIssue);
  if (issue.code !== "unrecognized_keys") return [{ path: issue.path, message: issue.message }];
  const validKeys = Object.keys((issue.path.length === 0 ? graphSchema : taskSchema).shape);
  return issue.keys.map((name) => ({
    path: [...issue.path, name],
    message: `unknown key "${name}"${didYouMean(name, validKeys)}`,
  }));
}

/** What the schema cannot check: duplicate keys, unknown tasks and cycles. */
function checkTasks(tasks: readonly Task[]): Mistake[] {
  const keys = tasks.map((task) => task.key);
  const mistakes = tasks.flatMap(({ key: name, after }, at): Mistake[] => [
    ...(keys.indexOf(name) === at
      ? []
      : [{ path: ["tasks", at, "key"], message: `two tasks have the key "${name}"` }]),
    ...after.flatMap((dependency, index) =>
      keys.includes(dependency)
        ? []
        : [
            {
              path: ["tasks", at, "after", index],
              message: `"${name}" comes after "${dependency}", which is not a task${didYouMean(dependency, keys)}`,
            },
          ],
    ),
  ]);
  if (mistakes.length > 0) return mistakes;
  const cycle = findCycle(tasks);
  if (!cycle) return [];
  const at = keys.indexOf(cycle[0] ?? "");
  const message = `these tasks wait for each other: ${cycle.join(" after ")}`;
  return [{ path: ["tasks", at, "after"], message }];
}

/** The keys of a cycle, with the first one repeated at the end. */
function findCycle(tasks: readonly Task[]): string[] | undefined {
  const open = new Map(tasks.map((task) => [task.key, task.after]));
  for (let previousSize = -1; previousSize !== open.size;) {
    previousSize = open.size;
    for (const [name, after] of open) if (!after.some((other) => open.has(other))) open.delete(name);
  }
  // Each remaining task waits for another remaining one, so following them leads into a cycle.
  const path: string[] = [];
  for (let name = [...open.keys()][0]; name !== undefined;) {
    const start = path.indexOf(name);
    if (start >= 0) return [...path.slice(start), name];
    path.push(name);
    name = open.get(name)?.find((other) => open.has(other));
  }
  return undefined;
}

/** The offset of the deepest part of a path that exists in the document. */
function offsetOf(
  document: ReturnType<typeof parseDocument>,
  path: readonly PropertyKey[],
): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return undefined;
}
