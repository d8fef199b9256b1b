/** Writes a person's request for a state. */
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import { parseStateName, type Branch, type Sha } from "../core/protocol/ids.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";
import { cleanLine } from "../core/util/redact.ts";
import { suggest } from "../core/util/suggest.ts";
import { isReservedState, isTerminal, type State, type Workflow } from "../core/workflow/workflow.ts";
import type { ReadTrustedConfig } from "../git/read-trusted-config.ts";
import { checkedOutBranch, requireBranchName, requireHead } from "./find-branch.ts";
import { findEvent } from "./event-history.ts";
import { parseTrailerOption, requireNoCycle } from "./parse-trailer-option.ts";
import type { Workspace } from "./workspace.ts";
import { writeRequest } from "./write-request.ts";
import type { WrittenRequest } from "../core/protocol/request-text.ts";

export interface StateRequest {
  readonly state: string;
  /** Default: the checked-out branch. */
  readonly branch: string | undefined;
  /** A branch to create at the trusted branch, instead of `branch`. */
  readonly newBranch: string | undefined;
  readonly messages: readonly string[];
  /** As `Key: value`. */
  readonly trailers: readonly string[];
  /** The id of the external event that asks; it asks once. */
  readonly event: string | undefined;
}

/** A request that was written, with what follows. */
export interface WrittenState extends WrittenRequest {
  /** True when the state waits for a person. */
  readonly isHuman: boolean;
  /** True when the work ends with the state. */
  readonly isEnd: boolean;
}

export const stateKind = ({ states }: Workflow, state: string): Pick<WrittenState, "isHuman" | "isEnd"> => ({
  isHuman: states[state]?.human ?? false,
  isEnd: isTerminal(state),
});

export type RequestResult =
  | (WrittenState & { readonly kind: "written" })
  /** The branch has the event already, at `commit`; nothing was written. */
  | {
      readonly kind: "known";
      readonly branch: Branch;
      readonly state: string;
      readonly commit: Sha;
      readonly event: string;
    };

export async function requestState(workspace: Workspace, asked: StateRequest): Promise<RequestResult> {
  const { newBranch, messages } = asked;
  const isNew = newBranch !== undefined;
  const refs = await workspace.repository.listRefs();
  const { target, heads } = refs;
  const trustedConfig = await workspace.trustedConfig(target, heads);
  const { states, target: onTarget } = trustedConfig.workflow;
  const trailers = asked.trailers.map(parseTrailerOption);
  const event = readEventId(asked.event);
  const base = await requireHead(
    workspace,
    heads,
    isNew ? target : (asked.branch ?? (await checkedOutBranch(workspace))),
  );
  const branch = isNew ? requireBranchName(newBranch) : base.branch;
  const present = isNew || base.reading.kind !== "request" ? undefined : states[base.reading.state];
  const state = requireState(trustedConfig, target, asked.state, present);
  const head = heads.find((candidate) => candidate.branch === branch);
  const known = event !== undefined && head ? await findEvent(workspace, refs, head, event) : undefined;
  if (event !== undefined && known) return { kind: "known", branch, state, commit: known, event };
  if (isNew && head) throw new UserError(MESSAGES.branchExists(branch));
  if (branch === target && onTarget === "ignore") throw new UserError(MESSAGES.onTarget(branch));
  await requireNoCycle(workspace, branch, trailers);
  const commit = await writeRequest(workspace, {
    branch,
    parent: base.commit,
    expected: isNew ? null : base.commit,
    state,
    messages,
    trailers: event === undefined ? trailers : [...trailers, { key: KEY.event, value: event }],
  });
  return { kind: "written", branch, state, commit, ...stateKind(trustedConfig.workflow, state) };
}

/** Throws a UserError for an id that no trailer can hold. */
function readEventId(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const event = cleanLine(text, 500);
  if (event === "" || event !== text.trim()) throw new UserError(MESSAGES.badEvent(text));
  return event;
}

/**
 * Accepts a declared state, or a final state where `present` waits for a person and allows it.
 * Throws a UserError that suggests the nearest state.
 */
export function requireState(
  trustedConfig: ReadTrustedConfig,
  target: string,
  name: string,
  present: State | undefined,
): string {
  if (!parseStateName(name)) throw new UserError(MESSAGES.badStateName(name));
  if (isTerminal(name) && present?.human && present.next.includes(name)) return name;
  if (isReservedState(name)) throw new UserError(MESSAGES.reservedState(name));
  if (!trustedConfig.hasStates) throw new UserError(MESSAGES.noStates(target));
  const declared = Object.keys(trustedConfig.workflow.states);
  if (declared.includes(name) || trustedConfig.problems.length > 0) return name;
  throw new UserError(MESSAGES.unknownState(name, suggest(name, declared), declared.join(", ")));
}
