/**
 * Whether what a request waits for holds.
 *
 * What must hold: pure; evaluated from refs anew at each look, so nothing has to be remembered and no
 * event can be lost; what cannot come true any more is told apart from what only waits.
 */
import { countedApprovals, type ApprovalRule } from "../policy/approvals.ts";
import { formatDuration } from "../util/duration.ts";
import { EMPTY_CARRIED_STATE, carriedStateOf, type CarriedState } from "../workflow/carried-state.ts";
import { evaluateJoin, MET, childrenOf, type JoinResult } from "./children.ts";
import type { Branch } from "../protocol/ids.ts";
import type { Request } from "../protocol/request.ts";
import type { Head, Now, Snapshot } from "./snapshot.ts";
import type { Predicate } from "../workflow/wait.ts";
import { isTerminal, type Workflow } from "../workflow/workflow.ts";

/** What a predicate is judged by. */
export interface ConditionContext {
  readonly snapshot: Snapshot;
  readonly workflow: Workflow;
  readonly now: Now;
  readonly heads: ReadonlyMap<Branch, Head>;
}

const waits = (why: string): JoinResult => ({ kind: "waits", why });
const never = (why: string): JoinResult => ({ kind: "never", why });

/** All of the predicates; the first that can never hold decides. */
export function evaluateConditions(
  all: readonly Predicate[],
  head: Head,
  request: Request,
  scene: ConditionContext,
): JoinResult {
  const verdicts = all.map((one) => evaluate(one, head, request, scene));
  const open = verdicts.filter((one) => one.kind !== "met");
  const hopeless = open.find((one) => one.kind === "never");
  if (hopeless) return hopeless;
  if (open.length === 0) return MET;
  const person = open.some((one) => one.kind === "waits" && one.needsPerson);
  return { kind: "waits", why: open.map(({ why }) => why).join("; "), needsPerson: person };
}

function evaluate(one: Predicate, head: Head, request: Request, scene: ConditionContext): JoinResult {
  const { snapshot, now } = scene;
  switch (one.kind) {
    case "children":
      return evaluateJoin(
        one.join,
        childrenOf(
          head.branch,
          carriedStateAt(head, request, snapshot),
          scene.heads,
          snapshot.facts.missedBranches,
        ),
      );
    case "approvals":
      return evaluateApprovals(one, head, scene);
    case "requests": {
      const found = snapshot.heads.filter(
        ({ reading, branch }) =>
          branch !== head.branch && reading.kind === "request" && reading.state === one.state,
      ).length;
      return found >= one.n
        ? MET
        : waits(`waits for ${one.n} requests at ${one.state}, and there are ${found}`);
    }
    case "check":
      return evaluateCheck(one.name, head, snapshot);
    case "commit":
      return snapshot.facts.reachedCommits.has(one.id)
        ? MET
        : waits(`waits for the commit ${one.id} on ${snapshot.target}`);
    case "branch":
      return evaluateBranch(one.branch, scene);
    case "after": {
      const leftMs = request.committed * 1000 + one.ms - now.wall;
      return leftMs <= 0 ? MET : waits(`waits for ${formatDuration(leftMs)} more`);
    }
    case "until":
      return one.at <= now.wall ? MET : waits(`waits for its time, in ${formatDuration(one.at - now.wall)}`);
    case "outside":
      return waits(`waits for ${one.what}, which nothing here can look up`);
    case "either": {
      const verdicts = one.of.map((each) => evaluate(each, head, request, scene));
      if (verdicts.some(({ kind }) => kind === "met")) return MET;
      const hopes = verdicts.filter((each) => each.kind === "waits");
      const whys = (hopes.length > 0 ? hopes : verdicts).flatMap((each) => ("why" in each ? [each.why] : []));
      const person = hopes.some((each) => each.kind === "waits" && each.needsPerson);
      return hopes.length > 0
        ? { kind: "waits", why: whys.join(", or "), needsPerson: person }
        : never(whys.join(", and "));
    }
  }
}

/** The work that a head carries on: written there by the runner, or looked up below a person's commit. */
export function carriedStateAt(head: Head, request: Request, view: Snapshot): CarriedState {
  // Where work goes on after a plain commit, the request below it says what it carries.
  const { message, answers } = view.takeovers.get(head.key) ?? request;
  if (answers !== undefined) return carriedStateOf(message.trailers);
  return view.facts.carriedStates.get(head.key) ?? EMPTY_CARRIED_STATE;
}

function evaluateApprovals(
  one: ApprovalRule,
  head: Head,
  { snapshot, workflow, now }: ConditionContext,
): JoinResult {
  const approved = snapshot.facts.approvalStates.get(head.key) ?? { approvals: [], requesters: [] };
  const good = countedApprovals(one, approved, workflow, now.wall);
  if (good.length >= one.n) return MET;
  const who = one.by.length > 0 ? ` by ${one.by.join(" or ")}` : "";
  const have = good.length > 0 ? `, has ${good.map(({ by }) => by).join(", ")}` : "";
  const missing = one.n - good.length;
  return {
    kind: "waits",
    why: `waits for ${missing} approval${missing === 1 ? "" : "s"}${who}${have}`,
    needsPerson: true,
  };
}

function evaluateCheck(name: string, head: Head, view: Snapshot): JoinResult {
  const checks = view.sideRefs.checks.get(head.key);
  // An approval changes no file, so what was checked below it holds.
  const checked: (string | undefined)[] = [
    head.commit,
    view.facts.approvalStates.get(head.key)?.approvedCommit,
  ];
  const result = checks && checked.includes(checks.commit) ? checks.results.get(name) : undefined;
  if (result === "success" || result === "neutral" || result === "skipped") return MET;
  return result === undefined
    ? waits(`waits for the check ${name}`)
    : never(`the check ${name} ended as ${result}`);
}

function evaluateBranch(branch: Branch, { snapshot, heads }: ConditionContext): JoinResult {
  if (snapshot.facts.landedBranches.has(branch)) return MET;
  const found = heads.get(branch);
  if (!found)
    return snapshot.facts.missedBranches.has(branch)
      ? waits(`waits for the branch ${branch}`)
      : never(`there is no branch ${branch}`);
  const state = found.reading.kind === "request" ? found.reading.state : undefined;
  if (state === "done") return MET;
  if (state !== undefined && isTerminal(state)) return never(`the branch ${branch} ended as ${state}`);
  return waits(
    `waits for the branch ${branch}, which is ${state === undefined ? "without a state" : `at ${state}`}`,
  );
}
