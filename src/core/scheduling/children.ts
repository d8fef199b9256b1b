/**
 * What became of the branches that a piece of work handed out, and whether a join over them holds.
 *
 * What must hold: pure; every child that was handed out is named, a branch that is gone too; a child
 * that a wait has seen settled is not waited for again.
 */
import type { Branch, Sha } from "../protocol/ids.ts";
import { carriedStateOf, type CarriedState } from "../workflow/carried-state.ts";
import type { Head } from "./snapshot.ts";
import type { Join } from "../workflow/wait.ts";
import { isTerminal } from "../workflow/workflow.ts";

/** `parked`: a person is needed. `gone`: its branch is. */
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

/** The children of a branch whose work is `item`. */
export function childrenOf(
  branch: Branch,
  item: CarriedState,
  heads: ReadonlyMap<Branch, Head>,
  missed: ReadonlySet<Branch>,
): Child[] {
  return item.children.map((key) => {
    const child = childBranch(branch, key);
    const found = describe(key, child, heads.get(child));
    // A look is no snapshot: what is there after it was made meanwhile, and goes on.
    const result = missed.has(child) ? "going" : found.result;
    return { ...found, result, isNew: !item.joined.includes(key) };
  });
}

function describe(key: string, branch: Branch, head: Head | undefined): Omit<Child, "isNew"> {
  const asked = head?.reading;
  if (!head || !asked) {
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
  const message = asked.kind === "request" ? asked.message : undefined;
  const { owns, spent } = carriedStateOf(message?.trailers ?? []);
  const state = asked.kind === "request" ? asked.state : "";
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
  // A commit without a state: a person took over there.
  return state === "" || state === "parked" || state === "stalled" ? "parked" : "going";
}

/** Whether a join holds, in words where it does not. */
export type JoinResult =
  | { readonly kind: "met" }
  /** `person`: it is a person's turn. */
  | { readonly kind: "waits"; readonly why: string; readonly needsPerson?: boolean }
  | { readonly kind: "never"; readonly why: string };

export const MET: JoinResult = { kind: "met" };

export function evaluateJoin(join: Join, children: readonly Child[]): JoinResult {
  const open = children.filter(({ isNew }) => isNew);
  if (open.length === 0) return MET;
  const count = (...fates: ChildResult[]) => open.filter(({ result }) => fates.includes(result));
  const [done, lost] = [count("done"), count("failed", "gone")];
  const unsettled = count("going", "parked");
  switch (join.rule) {
    case "any":
      return count("going").length < open.length ? MET : waits(open, count("going"));
    case "settled":
      return count("going").length === 0 ? MET : waits(open, count("going"));
    case "all":
      if (lost.length > 0) return { kind: "never", why: `${names(lost)} did not come to a good end` };
      return unsettled.length === 0 ? MET : waits(open, unsettled);
    case "quorum": {
      if (done.length >= join.n) return MET;
      if (done.length + unsettled.length < join.n) {
        const bad = lost.length > 0 ? `, and ${names(lost)} did not come to a good end` : "";
        return {
          kind: "never",
          why: `${done.length} of ${open.length} children are done, and ${join.n} are needed${bad}`,
        };
      }
      return waits(open, unsettled);
    }
  }
}

const waits = (open: readonly Child[], missing: readonly Child[]): JoinResult => ({
  kind: "waits",
  why: `waits for ${missing.length} of ${open.length} children: ${names(missing)}`,
});

const SHOWN = 8;

const names = (children: readonly Child[]): string => {
  const shown = children
    .slice(0, SHOWN)
    .map(({ key, result }) => (result === "parked" ? `${key} (parked)` : key));
  return [...shown, ...(children.length > SHOWN ? [`${children.length - SHOWN} more`] : [])].join(", ");
};
