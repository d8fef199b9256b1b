/**
 * Reads a task graph: what there is to do, what comes before what, who owns which paths.
 *
 * What must hold: pure; an unknown key, an unknown task and a circle are problems that name the
 * thing and its line, all at once; a graph that leaves here has an order in which it can be done.
 */
import { isNode, LineCounter, parseDocument } from "yaml";
import * as z from "zod";
import { parseStateName } from "../protocol/ids.ts";
import { deepestIssue, describeIssue } from "../messages/schema-errors.ts";
import { suggest } from "../util/suggest.ts";
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
    .refine((text) => parseStateName(text) !== undefined, { error: "is no state name" })
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

/** A mistake, and where in the document it is. */
interface Slip {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Reads the text of a task graph. Never throws. */
export function readTaskGraph(text: string): GraphReading {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "error" });
  const located = ({ path, message }: Slip): WorkflowProblem => {
    const offset = offsetOf(document, path);
    const where = { path: path.map(String).join("."), message };
    return offset === undefined ? where : { line: lines.linePos(offset).line, ...where };
  };
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ pos, message }) => {
      return { line: lines.linePos(pos[0]).line, path: "", message: message.split("\n")[0] ?? "" };
    });
    return { problems };
  }
  let value: unknown;
  try {
    // Aliases are bounded, so that a few lines cannot become gigabytes.
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return { problems: [{ path: "", message: error instanceof Error ? error.message : "cannot be read" }] };
  }
  const result = graphSchema.safeParse(value, { error: describeIssue });
  if (!result.success) return { problems: result.error.issues.flatMap(explain).map(located) };
  const slips = checkTasks(result.data.tasks);
  if (slips.length > 0) return { problems: slips.map(located) };
  return { graph: result.data, problems: [] };
}

function explain(given: z.core.$ZodIssue): Slip[] {
  const issue = deepestIssue(given);
  if (issue.code !== "unrecognized_keys") return [{ path: issue.path, message: issue.message }];
  const known = Object.keys((issue.path.length === 0 ? graphSchema : taskSchema).shape);
  return issue.keys.map((name) => ({
    path: [...issue.path, name],
    message: `unknown key "${name}"${hint(name, known)}`,
  }));
}

const hint = (name: string, known: readonly string[]): string => {
  const near = suggest(name, known);
  return near === undefined ? "" : `; did you mean "${near}"?`;
};

/** What no schema sees: twins, names that lead nowhere, and circles. */
function checkTasks(tasks: readonly Task[]): Slip[] {
  const known = tasks.map((task) => task.key);
  const slips = tasks.flatMap(({ key: name, after }, at): Slip[] => [
    ...(known.indexOf(name) === at
      ? []
      : [{ path: ["tasks", at, "key"], message: `two tasks have the key "${name}"` }]),
    ...after.flatMap((before, index) =>
      known.includes(before)
        ? []
        : [
            {
              path: ["tasks", at, "after", index],
              message: `"${name}" comes after "${before}", which is no task${hint(before, known)}`,
            },
          ],
    ),
  ]);
  if (slips.length > 0) return slips;
  const circle = findCircle(tasks);
  if (!circle) return [];
  const at = known.indexOf(circle[0] ?? "");
  const message = `these wait for each other in a circle: ${circle.join(" after ")}`;
  return [{ path: ["tasks", at, "after"], message }];
}

/** The keys of a circle, the first one again at its end. */
function findCircle(tasks: readonly Task[]): string[] | undefined {
  const open = new Map(tasks.map((task) => [task.key, task.after]));
  for (let before = -1; before !== open.size;) {
    before = open.size;
    for (const [name, after] of open) if (!after.some((one) => open.has(one))) open.delete(name);
  }
  // Each that is left waits for another one that is left, so following them comes round.
  const walked: string[] = [];
  for (let name = [...open.keys()][0]; name !== undefined;) {
    const seen = walked.indexOf(name);
    if (seen >= 0) return [...walked.slice(seen), name];
    walked.push(name);
    name = open.get(name)?.find((one) => open.has(one));
  }
  return undefined;
}

/** Where the nearest part of a path that the file has begins. */
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
