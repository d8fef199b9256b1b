/**
 * Work that an answer hands out: branches that begin at it, each with a request of its own.
 *
 * What must hold: a child's branch is named by its key, so that the same answer given again makes
 * no twins; a child counts its hand-offs from its parent's, so that families end too.
 */
import * as z from "zod";
import { cleanLine, cleanText, redact } from "./clean.ts";
import { composeMessage, isReserved, isTrailerKey } from "./compose.ts";
import { parseBranch, parseStateName, type Branch } from "./ids.ts";
import { nearest } from "./nearest.ts";
import type { Request } from "./request.ts";
import type { Workflow } from "./workflow.ts";

const MOST = 100;
const trailers = z.record(z.string(), z.string()).default({});

const childSchema = z.strictObject({
  key: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, {
    error: "a key has at most 40 lower-case letters, digits and '-'",
  }),
  state: z.string().refine((text) => parseStateName(text) !== undefined, { error: "is no state name" }),
  subject: z.string().max(2000).optional(),
  prompt: z.string().optional(),
  trailers,
});

export type Child = z.infer<typeof childSchema>;

/** A list, or the JSON text of one. */
export const childrenSchema = z
  .union([z.string().transform(readJson), z.array(z.unknown())])
  .pipe(z.array(childSchema).max(MOST))
  .superRefine((children, context) => {
    const seen = new Set<string>();
    for (const { key, trailers: given } of children) {
      if (seen.has(key)) context.addIssue({ code: "custom", message: `two children have the key "${key}"` });
      seen.add(key);
      for (const name of Object.keys(given)) {
        const why = isReserved(name) ? "is written by the runner only" : "is no trailer key";
        if (isReserved(name) || !isTrailerKey(name))
          context.addIssue({ code: "custom", message: `the trailer "${cleanLine(name, 80)}" ${why}` });
      }
    }
  });

/** What is wrong with children, or undefined: a state that nobody can run, a name that no branch can have. */
export function childProblem(
  children: readonly Child[],
  workflow: Workflow,
  parent: Branch,
): string | undefined {
  for (const { key, state } of children) {
    const known = Object.keys(workflow.states);
    if (!known.includes(state)) {
      const near = nearest(state, known);
      const hint = near === undefined ? "" : `; did you mean "${near}"?`;
      return `the child "${key}" asks for "${state}", which is no state of the workflow${hint}`;
    }
    if (!parseBranch(childBranch(parent, key))) return `the child "${key}" has no branch name`;
  }
  return undefined;
}

const childBranch = (parent: Branch, key: string): string => `${parent}.${key}`;

/** A branch to be made together with the answer. */
export interface Birth {
  readonly branch: Branch;
  readonly message: string;
}

/** The branches and messages of the children. `hopLimit` is the workflow's. Throws a Fault on a value that no trailer can carry. */
export function draftChildren(
  request: Request,
  children: readonly Child[],
  hopLimit: number,
  secrets: readonly string[],
): Birth[] {
  const clean = (text: string) => redact(cleanText(text), secrets);
  return children.flatMap(({ key, state, subject, prompt = "", trailers: given }): Birth[] => {
    const branch = parseBranch(childBranch(request.branch, key));
    if (!branch) return [];
    const message = composeMessage({
      header: cleanLine(clean(subject ?? "")) || `trailhand: ${key}, for ${request.branch}`,
      body: clean(prompt),
      trailers: [
        ...Object.entries(given).map(([name, value]) => ({
          key: name,
          value: cleanLine(clean(value), 2000) || "-",
        })),
        { key: "State", value: state },
        { key: "Branch", value: branch },
        { key: "Parent", value: request.branch },
        { key: "Hops", value: `${request.hops + 1}/${hopLimit}` },
      ],
    });
    return [{ branch, message }];
  });
}

function readJson(text: string, context: z.RefinementCtx): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value;
  } catch {
    // The issue below says it.
  }
  context.addIssue({ code: "custom", message: "is no JSON list" });
  return z.NEVER;
}
