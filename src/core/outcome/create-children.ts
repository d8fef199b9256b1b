/**
 * Validates and drafts the children of an answer: branches that start at it, each with a request.
 *
 * Invariants:
 * - The key names the branch of a child, so a repeated answer creates no duplicates.
 * - A child continues its parent's hop count, so recursive children reach the limit too.
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
import { didYouMean } from "../util/suggest.ts";
import type { Request } from "../protocol/request.ts";
import type { Workflow } from "../workflow/workflow.ts";
import { isForbiddenToScripts, KEY } from "../protocol/trailer-keys.ts";

const MAX_CHILDREN = 100;
const trailers = z.record(z.string(), z.string()).default({});

const childSchema = z.strictObject({
  key: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, {
    error: "a key has at most 40 lower-case letters, digits and '-'",
  }),
  state: z
    .string()
    .refine((text) => parseStateName(text) !== undefined, { error: "is not a valid state name" }),
  subject: z.string().max(2000).optional(),
  prompt: z.string().optional(),
  owns: z.array(z.string().min(1)).default([]).describe("Globs of the paths that it may change"),
  after: z.array(z.string()).default([]).describe("Keys of siblings that must be done first"),
  budget: z
    .string()
    .refine((text) => parseAmounts(text) !== undefined, {
      error: 'is not a valid budget: write "2 USD, 1000 tokens"',
    })
    .optional(),
  trailers,
});

export type ChildDraft = z.infer<typeof childSchema>;

export const childrenSchema = jsonList
  .pipe(z.array(childSchema).max(MAX_CHILDREN))
  .superRefine((children, context) => {
    const seen = new Set<string>();
    for (const { key, trailers: extra } of children) {
      if (seen.has(key)) context.addIssue({ code: "custom", message: `two children have the key "${key}"` });
      seen.add(key);
      for (const name of Object.keys(extra)) {
        const isReserved = isForbiddenToScripts(name);
        const why = isReserved ? "is reserved: scripts may not write it" : "has no valid key";
        if (isReserved || !isTrailerKey(name))
          context.addIssue({ code: "custom", message: `the trailer "${cleanLine(name, 80)}" ${why}` });
      }
    }
  });

/**
 * Why children cannot be created; undefined if they can. `from` is the state that declares them, and
 * `siblings` are the children that exist already.
 */
export function childProblem(
  children: readonly ChildDraft[],
  workflow: Workflow,
  parent: Branch,
  from: string,
  carriedState: CarriedState,
  siblings: readonly Child[] = [],
): string | undefined {
  const limit = workflow.states[from]?.children ?? (workflow.open ? MAX_CHILDREN : 0);
  if (children.length > 0 && limit === 0) {
    return `the state "${from}" may not create children: add \`children: ${children.length}\` to it`;
  }
  if (children.length > limit) return `${children.length} children were declared, and the limit is ${limit}`;
  const siblingKeys = new Set([...children.map(({ key }) => key), ...carriedState.children]);
  for (const { key, state, owns, after } of children) {
    const states = Object.keys(workflow.states);
    if (!states.includes(state)) {
      return `the child "${key}" requests "${state}", which is not a state of the workflow${didYouMean(state, states)}`;
    }
    const branch = childBranch(parent, key);
    if (!parseBranch(branch)) return `the child "${key}" has no valid branch name: ${branch}`;
    const unknownKey = after.find((name) => name === key || !siblingKeys.has(name));
    if (unknownKey !== undefined)
      return `the child "${key}" comes after "${unknownKey}", which is not one of its siblings`;
    const isRestricted = carriedState.owns.length > 0;
    const outside = isRestricted ? owns.find((glob) => !isWithin(glob, carriedState.owns)) : undefined;
    if (outside !== undefined) return `the child "${key}" would own ${outside}, which ${parent} does not`;
  }
  const openSiblings = siblings.filter(
    ({ key, result }) => isOpen(result) && children.every((child) => child.key !== key),
  );
  return overlapProblem(children, openSiblings) ?? cycleProblem(children);
}

/** True while a child may still change the paths that it owns. */
const isOpen = (result: ChildResult): boolean => result === "going" || result === "parked";

function overlapProblem(children: readonly ChildDraft[], siblings: readonly Child[]): string | undefined {
  const existing = siblings.map(({ key, owns }) => ({ key, owns, after: [] as string[] }));
  for (const [at, child] of children.entries()) {
    for (const other of [...children.slice(at + 1), ...existing]) {
      // Siblings that run one after the other may own the same paths.
      if (child.after.includes(other.key) || other.after.includes(child.key)) continue;
      const overlap = findOverlap(child.owns, other.owns);
      if (overlap) return `the children "${child.key}" and "${other.key}" would both own ${overlap}`;
    }
  }
  return undefined;
}

function cycleProblem(children: readonly ChildDraft[]): string | undefined {
  const after = new Map(children.map((child) => [child.key, child.after]));
  for (const { key } of children) {
    const cycle = findCycle(key, (name) => after.get(name) ?? []);
    if (cycle) return `children wait for each other: ${cycle.join(" -> ")}`;
  }
  return undefined;
}

/** A branch that is created together with the answer. */
export interface NewBranch {
  readonly key: string;
  readonly branch: Branch;
  readonly message: string;
}

/** The branches and first messages of the children. Throws a UserError on a value that no trailer can carry. */
export function draftChildren(
  request: Request,
  children: readonly ChildDraft[],
  carriedState: CarriedState,
  hopLimit: number,
  secrets: readonly string[],
): NewBranch[] {
  const clean = (text: string) => redact(cleanText(text), secrets);
  return children.map(
    ({ key, state, subject, prompt = "", owns, after, budget, trailers: extra }): NewBranch => {
      const branch = childBranch(request.branch, key);
      const ownState = {
        ...EMPTY_CARRIED_STATE,
        parent: request.branch,
        owns: owns.length > 0 ? owns : carriedState.owns,
        budget: parseAmounts(budget ?? "") ?? {},
      };
      const message = composeMessage({
        header: cleanLine(clean(subject ?? "")) || `trailhand: ${key}, for ${request.branch}`,
        body: clean(prompt),
        trailers: [
          ...Object.entries(extra).map(([name, value]) => ({
            key: name,
            value: cleanLine(clean(value), 2000) || "-",
          })),
          { key: KEY.state, value: state },
          { key: KEY.branch, value: branch },
          ...after.map((sibling) => ({
            key: KEY.dependsOn,
            value: `branch ${childBranch(request.branch, sibling)}`,
          })),
          ...formatCarriedState(ownState),
          { key: KEY.hops, value: `${request.hops + 1}/${hopLimit}` },
        ],
      });
      return { key, branch, message };
    },
  );
}
