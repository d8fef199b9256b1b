/**
 * Parses `states/workflow.yml`, and reports every problem at once, each with its line.
 *
 * Invariants:
 * - An unknown key is an error that names the nearest known key.
 */
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type * as z from "zod";
import type { StateName } from "../protocol/ids.ts";
import { deepestIssue, describeIssue } from "../messages/schema-errors.ts";
import { didYouMean } from "../util/suggest.ts";
import { stateSchema } from "./state-schema.ts";
import { agentSchema, laneSchema, limitsSchema, workflowSchema } from "./workflow-schema.ts";
import { withoutPrototypes, type WorkflowProblem, type Workflow, type WorkflowReading } from "./workflow.ts";

/** Parses the text of a workflow file. Never throws: problems are returned with line and path. */
export function parseWorkflow(text: string): WorkflowReading {
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
  const result = workflowSchema.safeParse(value.value, { error: describeIssue });
  if (result.success) return { workflow: withoutPrototypes({ ...result.data, open: false }), problems: [] };
  return {
    problems: result.error.issues.flatMap(explain).map((problem) => locate(problem, document, lines)),
  };
}

function locate({ path, message }: Explained, document: Document, lines: LineCounter): WorkflowProblem {
  const offset = offsetOf(document, path);
  const line = offset === undefined ? {} : { line: lines.linePos(offset).line };
  return { ...line, path: path.map(String).join("."), message };
}

type Document = ReturnType<typeof parseDocument>;

/** Limits aliases, so that a small file cannot expand to gigabytes. */
function toValue(document: Document): { readonly value: unknown } | { readonly problem: string } {
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : "is not valid YAML" };
  }
}

/** The offset of the deepest key or list item of `path` that exists in the file. */
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

interface Explained {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

function explain(given: z.core.$ZodIssue): Explained[] {
  const issue = deepestIssue(given);
  if (issue.code !== "unrecognized_keys") return [{ path: issue.path, message: issue.message }];
  return issue.keys.map((key) => {
    const path = [...issue.path, key];
    return { path, message: `unknown key "${key}"${didYouMean(key, knownKeys(issue.path))}` };
  });
}

function knownKeys(path: readonly PropertyKey[]): string[] {
  if (path.length === 0) return Object.keys(workflowSchema.shape);
  if (path[0] === "states") return Object.keys(stateSchema.shape);
  if (path[0] === "lanes") return Object.keys(laneSchema.shape);
  if (path[0] === "agents") return Object.keys(agentSchema.shape);
  return path[0] === "refs" ? ["prefix"] : Object.keys(limitsSchema.shape);
}

/** The workflow of a repository without a workflow file. */
export function openWorkflow(states: readonly StateName[]): Workflow {
  const parsed = workflowSchema.parse({ states: Object.fromEntries(states.map((state) => [state, {}])) });
  return withoutPrototypes({ ...parsed, open: true });
}
