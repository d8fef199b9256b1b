/**
 * Work that an answer hands out: branches that begin at it, each with a request of its own.
 *
 * What must hold: a child's branch is named by its key, so that the same answer given again makes
 * no twins; a child counts its hand-offs from its parent's, so that families end too.
 */
import * as z from "zod";
import { cleanLine, cleanText, redact } from "../util/redact.ts";
import { composeMessage, isTrailerKey } from "../protocol/compose.ts";
import { parseAmounts } from "../util/amounts.ts";
import { childBranch, type ChildResult, type Child } from "../scheduling/children.ts";
import { parseBranch, parseStateName, type Branch } from "../protocol/ids.ts";
import { EMPTY_CARRIED_STATE, formatCarriedState, type CarriedState } from "../workflow/carried-state.ts";
import { jsonList } from "../util/lists.ts";
import { findOverlap, isWithin } from "../workflow/paths.ts";
import { findCycle } from "../scheduling/waits.ts";
import { suggest } from "../util/suggest.ts";
import type { Request } from "../protocol/request.ts";
import type { Workflow } from "../workflow/workflow.ts";
import { isForbiddenToScripts, KEY } from "../protocol/trailer-keys.ts";

const MOST = 100;
const trailers = z.record(z.string(), z.string()).default({});

const childSchema = z.strictObject({
  key: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, {
    error: "a key has at most 40 lower-case letters, digits and '-'",
  }),
  state: z.string().refine((text) => parseStateName(text) !== undefined, { error: "is no state name" }),
  subject: z.string().max(2000).optional(),
  prompt: z.string().optional(),
  owns: z.array(z.string().min(1)).default([]).describe("Globs of the paths that it may change"),
  after: z.array(z.string()).default([]).describe("Keys of siblings that must be done first"),
  budget: z
    .string()
    .refine((text) => parseAmounts(text) !== undefined, { error: 'is no budget; write "2 USD, 1000 tokens"' })
    .optional(),
  trailers,
});

export type ChildDraft = z.infer<typeof childSchema>;

/** A list, or the JSON text of one. */
export const childrenSchema = jsonList
  .pipe(z.array(childSchema).max(MOST))
  .superRefine((children, context) => {
    const seen = new Set<string>();
    for (const { key, trailers: given } of children) {
      if (seen.has(key)) context.addIssue({ code: "custom", message: `two children have the key "${key}"` });
      seen.add(key);
      for (const name of Object.keys(given)) {
        const why = isForbiddenToScripts(name) ? "is not for scripts to write" : "is no trailer key";
        if (isForbiddenToScripts(name) || !isTrailerKey(name))
          context.addIssue({ code: "custom", message: `the trailer "${cleanLine(name, 80)}" ${why}` });
      }
    }
  });

/**
 * What is wrong with children, or undefined: too many, a state that nobody can run, a name that no
 * branch can have, two that own the same path, a ring of siblings that wait for each other.
 */
export function childProblem(
  children: readonly ChildDraft[],
  workflow: Workflow,
  parent: Branch,
  from: string,
  item: CarriedState,
  siblings: readonly Child[] = [],
): string | undefined {
  const most = workflow.states[from]?.children ?? (workflow.open ? MOST : 0);
  if (children.length > 0 && most === 0) {
    return `the state "${from}" may not hand out branches; add \`children: ${children.length}\` to it`;
  }
  if (children.length > most) return `${children.length} children are handed out, and the most are ${most}`;
  const kin = new Set([...children.map(({ key }) => key), ...item.children]);
  for (const { key, state, owns, after } of children) {
    const known = Object.keys(workflow.states);
    if (!known.includes(state)) {
      const near = suggest(state, known);
      const hint = near === undefined ? "" : `; did you mean "${near}"?`;
      return `the child "${key}" asks for "${state}", which is no state of the workflow${hint}`;
    }
    if (!parseBranch(childBranch(parent, key))) return `the child "${key}" has no branch name`;
    const stranger = after.find((one) => one === key || !kin.has(one));
    if (stranger !== undefined)
      return `the child "${key}" comes after "${stranger}", which is no sibling of it`;
    const outside = item.owns.length > 0 && (owns.find((glob) => !isWithin(glob, item.owns)) ?? false);
    if (outside !== false) return `the child "${key}" would own ${outside}, which ${parent} does not`;
  }
  const others = siblings.filter(
    ({ key, result }) => isOpen(result) && children.every((one) => one.key !== key),
  );
  return overlapProblem(children, others) ?? ringProblem(children);
}

/** Work that may still change what it owns. */
const isOpen = (fate: ChildResult): boolean => fate === "going" || fate === "parked";

function overlapProblem(children: readonly ChildDraft[], others: readonly Child[]): string | undefined {
  const before = others.map(({ key, owns }) => ({ key, owns, after: [] as string[] }));
  for (const [at, one] of children.entries()) {
    for (const other of [...children.slice(at + 1), ...before]) {
      // Siblings that come one after the other may own the same.
      if (one.after.includes(other.key) || other.after.includes(one.key)) continue;
      const both = findOverlap(one.owns, other.owns);
      if (both) return `the children "${one.key}" and "${other.key}" would both own ${both}`;
    }
  }
  return undefined;
}

function ringProblem(children: readonly ChildDraft[]): string | undefined {
  const after = new Map(children.map((one) => [one.key, one.after]));
  const ring = children.flatMap(({ key }) => findCycle(key, (one) => after.get(one) ?? []) ?? []);
  return ring.length > 0
    ? `children wait for each other: ${ring.slice(0, ring.indexOf(ring[0] ?? "", 1) + 1).join(" -> ")}`
    : undefined;
}

/** A branch to be made together with the answer. */
export interface NewBranch {
  readonly key: string;
  readonly branch: Branch;
  readonly message: string;
}

/** The branches and messages of the children. `hopLimit` is the workflow's. Throws a Fault on a value that no trailer can carry. */
export function draftChildren(
  request: Request,
  children: readonly ChildDraft[],
  item: CarriedState,
  hopLimit: number,
  secrets: readonly string[],
): NewBranch[] {
  const clean = (text: string) => redact(cleanText(text), secrets);
  return children.map(
    ({ key, state, subject, prompt = "", owns, after, budget, trailers: given }): NewBranch => {
      const branch = childBranch(request.branch, key);
      const own = {
        ...EMPTY_CARRIED_STATE,
        parent: request.branch,
        owns: owns.length > 0 ? owns : item.owns,
        budget: parseAmounts(budget ?? "") ?? {},
      };
      const message = composeMessage({
        header: cleanLine(clean(subject ?? "")) || `trailhand: ${key}, for ${request.branch}`,
        body: clean(prompt),
        trailers: [
          ...Object.entries(given).map(([name, value]) => ({
            key: name,
            value: cleanLine(clean(value), 2000) || "-",
          })),
          { key: KEY.state, value: state },
          { key: KEY.branch, value: branch },
          ...after.map((one) => ({
            key: KEY.dependsOn,
            value: `branch ${childBranch(request.branch, one)}`,
          })),
          ...formatCarriedState(own),
          { key: KEY.hops, value: `${request.hops + 1}/${hopLimit}` },
        ],
      });
      return { key, branch, message };
    },
  );
}
