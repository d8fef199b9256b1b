/**
 * Reads the results of the children of a branch, and evaluates joins over them.
 *
 * Invariants:
 * - Every child that the branch created is listed, even if its branch does not exist any more.
 * - A child that an earlier wait has seen settled is not waited for again.
 */
import type { Branch, Sha } from "../protocol/ids.ts";
import { carriedStateOf, type CarriedState } from "../workflow/carried-state.ts";
import type { Head } from "./snapshot.ts";
import type { Join } from "../workflow/wait.ts";
import { isTerminal } from "../workflow/workflow.ts";

/** `parked`: the child waits for a person. `gone`: its branch was deleted. */
export type ChildResult = "done" | "failed" | "parked" | "going" | "gone";

export interface Child {
  readonly key: string;
  readonly branch: Branch;
  readonly result: ChildResult;
  readonly state: string;
  readonly head: Sha | undefined;
  readonly subject: string;
  readonly summary: string;
  readonly cost: number;
  readonly tokens: number;
  /** Globs of the paths that it may change. */
  readonly owns: readonly string[];
  /** True until a wait has seen it settled. */
  readonly isNew: boolean;
}

export const childBranch = (parent: Branch, key: string): Branch => `${parent}.${key}` as Branch;

export function childrenOf(
  branch: Branch,
  carriedState: CarriedState,
  heads: ReadonlyMap<Branch, Head>,
  missedBranches: ReadonlySet<Branch>,
): Child[] {
  return carriedState.children.map((key) => {
    const name = childBranch(branch, key);
    const child = describeChild(key, name, heads.get(name));
    // Refs are read one after another. A branch that the scan missed was created during the scan.
    const result = missedBranches.has(name) ? "going" : child.result;
    return { ...child, result, isNew: !carriedState.joined.includes(key) };
  });
}

function describeChild(key: string, branch: Branch, head: Head | undefined): Omit<Child, "isNew"> {
  const reading = head?.reading;
  if (!head || !reading) {
    return {
      key,
      branch,
      result: "gone",
      state: "",
      head: undefined,
      subject: "",
      summary: "",
      cost: 0,
      tokens: 0,
      owns: [],
    };
  }
  const message = reading.kind === "request" ? reading.message : undefined;
  const { owns, spent } = carriedStateOf(message?.trailers ?? []);
  const state = reading.kind === "request" ? reading.state : "";
  return {
    key,
    branch,
    result: resultOf(state),
    state,
    head: head.commit,
    subject: message?.header ?? head.message.split("\n")[0] ?? "",
    summary: message?.body ?? "",
    cost: spent.cost,
    tokens: spent.tokens,
    owns,
  };
}

function resultOf(state: string): ChildResult {
  if (state === "done") return "done";
  if (isTerminal(state)) return "failed";
  // A head without a state means that a person took over.
  return state === "" || state === "parked" || state === "stalled" ? "parked" : "going";
}

/** Whether a join or another condition holds. `why` is a phrase for people. */
export type JoinResult =
  | { readonly kind: "met" }
  | { readonly kind: "waits"; readonly why: string; readonly needsPerson?: boolean }
  | { readonly kind: "never"; readonly why: string };

export const MET: JoinResult = { kind: "met" };

export function evaluateJoin(join: Join, children: readonly Child[]): JoinResult {
  const open = children.filter(({ isNew }) => isNew);
  if (open.length === 0) return MET;
  const withResult = (...results: ChildResult[]) => open.filter(({ result }) => results.includes(result));
  const [done, failed] = [withResult("done"), withResult("failed", "gone")];
  const running = withResult("going");
  const unsettled = withResult("going", "parked");
  switch (join.rule) {
    case "any":
      return running.length < open.length ? MET : waits(open, running);
    case "settled":
      return running.length === 0 ? MET : waits(open, running);
    case "all":
      if (failed.length > 0) return { kind: "never", why: `${listChildren(failed)} did not succeed` };
      return unsettled.length === 0 ? MET : waits(open, unsettled);
    case "quorum": {
      if (done.length >= join.n) return MET;
      if (done.length + unsettled.length < join.n) {
        const failures = failed.length > 0 ? `, and ${listChildren(failed)} did not succeed` : "";
        return {
          kind: "never",
          why: `${done.length} of ${open.length} children are done, and ${join.n} are needed${failures}`,
        };
      }
      return waits(open, unsettled);
    }
  }
}

const waits = (open: readonly Child[], missing: readonly Child[]): JoinResult => ({
  kind: "waits",
  why: `waits for ${missing.length} of ${open.length} children: ${listChildren(missing)}`,
});

/** The most children that a sentence names. */
const MAX_NAMED = 8;

const listChildren = (children: readonly Child[]): string => {
  const names = children
    .slice(0, MAX_NAMED)
    .map(({ key, result }) => (result === "parked" ? `${key} (parked)` : key));
  const more = children.length > MAX_NAMED ? [`${children.length - MAX_NAMED} more`] : [];
  return [...names, ...more].join(", ");
};
