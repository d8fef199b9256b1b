/**
 * Reads the head commit of a branch as a request, or finds out why it is not one.
 *
 * Invariants:
 * - Only the trailer block counts, and only with a single value of `State`.
 * - A commit that names a branch counts on that branch only. So a cherry-pick or a new branch repeats
 *   no request.
 */
import { parseBranch, parseStateName, type Branch, type Sha, type StateName } from "./ids.ts";
import { parseTime } from "../util/time.ts";
import { findMisplacedState, parseMessage, valueOf, type MisplacedState, type Message } from "./message.ts";
import { parseTrailers, type Trailer } from "./trailer-block.ts";
import { AYNIG_KEYS, HEAD_KEYS, KEY, type HeadKey } from "./trailer-keys.ts";
import { REQUEST_LIMITS } from "./limits.ts";

export interface Commit {
  readonly commit: Sha;
  readonly parents: readonly Sha[];
  /** Seconds since 1970, as the commit claims. It is displayed, but decides nothing. */
  readonly committed: number;
  readonly message: string;
  /** Present if the commit was read with its history. */
  readonly tree?: Sha;
  /** The e-mail address of the author; present if the commit was read with its history. */
  readonly author?: string;
}

/** The key that a request names its state with; the response uses the same one. */
export type StateKey = typeof KEY.state | (typeof AYNIG_KEYS)[number];

const STATE_KEYS = [KEY.state, ...AYNIG_KEYS].map((key) => key.toLowerCase());

export interface Request {
  readonly kind: "request";
  readonly branch: Branch;
  readonly commit: Sha;
  readonly committed: number;
  readonly state: StateName;
  readonly key: StateKey;
  readonly message: Message;
  /** True if it names its branch. Otherwise it counts on the first branch that answers it. */
  readonly bound: boolean;
  /** Hand-offs in a row without a person. */
  readonly hops: number;
  readonly priority: number;
  /** Milliseconds since 1970. */
  readonly notBefore?: number;
  readonly dependsOn: readonly string[];
  /** The branch that created this one. */
  readonly parent?: Branch;
  /** True if it cancels children. */
  readonly calls: boolean;
  readonly role?: string;
  /** The id of the answered request, if this request is a response. */
  readonly answers?: string;
}

export type NotARequestReason =
  | { readonly reason: "no-state" }
  | { readonly reason: "approves"; readonly detail: string }
  | { readonly reason: "merge" }
  | { readonly reason: "bound-elsewhere"; readonly detail: string }
  | { readonly reason: "two-states"; readonly detail: string }
  | { readonly reason: "bad-name"; readonly detail: string }
  | { readonly reason: "bad-value"; readonly detail: string }
  | { readonly reason: "doubt"; readonly detail: string; readonly doubt: MisplacedState };

export type NotARequest = { readonly kind: "none" } & NotARequestReason;
export type HeadReading = Request | NotARequest;

/** Never throws: every message is a request, or has a reason why it is not. */
export function parseRequest(branch: Branch, head: Commit): HeadReading {
  const none = (reason: NotARequestReason): NotARequest => ({ kind: "none", ...reason });
  // Most heads contain none of our keys, so parsing them would waste time.
  if (!/state|aynig|approves/i.test(head.message)) return none({ reason: "no-state" });
  const values = readValues(parseTrailers(head.message).trailers);
  const found = readState(values);
  if (found === undefined) {
    const approved = approvedCommit(head.message);
    if (approved !== undefined) return none({ reason: "approves", detail: approved });
    const doubt = findMisplacedState(head.message, STATE_KEYS);
    return doubt ? none({ reason: "doubt", detail: doubt.text, doubt }) : none({ reason: "no-state" });
  }
  if (head.parents.length > 1) return none({ reason: "merge" });
  if (found.values.length > 1 && found.key === KEY.state) {
    return none({ reason: "two-states", detail: found.values.join(", ") });
  }
  const bound = values.branch?.at(-1);
  if (bound !== undefined && bound !== branch) return none({ reason: "bound-elsewhere", detail: bound });
  const text = found.values.at(-1) ?? "";
  const state = parseStateName(text);
  if (!state) return none({ reason: "bad-name", detail: text });
  return (
    readDetails(branch, head, values, state, found.key) ??
    none({ reason: "bad-value", detail: KEY.notBefore })
  );
}

/** The values of each key that decides what a head requests, in the order of the message. */
type Values = Readonly<Partial<Record<HeadKey, readonly string[]>>>;

function readValues(trailers: readonly Trailer[]): Values {
  const values: Partial<Record<HeadKey, string[]>> = {};
  for (const { key, value } of trailers) {
    const name = HEAD_KEYS.get(key.toLowerCase());
    if (name !== undefined) (values[name] ??= []).push(value);
  }
  return values;
}

function readState(values: Values): { key: StateKey; values: readonly string[] } | undefined {
  const { state, dwpState, aynigState, aynig } = values;
  if (state) return { key: KEY.state, values: state.length > 1 ? [...new Set(state)] : state };
  if (dwpState) return { key: KEY.dwpState, values: dwpState };
  if (aynigState) return { key: KEY.aynigState, values: aynigState };
  return aynig && { key: KEY.aynig, values: aynig };
}

/** Undefined if `Not-Before` cannot be read: guessing its meaning could start work too early. */
function readDetails(
  branch: Branch,
  head: Commit,
  values: Values,
  state: StateName,
  key: StateKey,
): Request | undefined {
  const notBefore = values.notBefore?.at(-1);
  const time = notBefore === undefined ? undefined : parseTime(notBefore);
  if (notBefore !== undefined && time === undefined) return undefined;
  const role = values.aynigRole?.at(-1) ?? values.dwpRole?.at(-1);
  const answers = values.answers?.at(-1);
  const { maxPriority } = REQUEST_LIMITS;
  const request = new ReadRequest(branch, head, state, key);
  request.bound = values.branch !== undefined;
  request.hops = leadingInteger(values.hops?.at(-1), 0, REQUEST_LIMITS.maxHops);
  request.priority = leadingInteger(values.priority?.at(-1), -maxPriority, maxPriority);
  request.dependsOn = values.dependsOn ?? NONE;
  request.calls = values.cancels !== undefined;
  const parent = parseBranch(values.parent?.at(-1) ?? "");
  if (parent !== undefined) request.parent = parent;
  if (time !== undefined) request.notBefore = time;
  if (role !== undefined) request.role = role;
  if (answers !== undefined) request.answers = answers;
  return request;
}

const NONE: readonly string[] = [];

/** Parses the message on first use, because only few of thousands of heads run. */
class ReadRequest implements Request {
  readonly kind = "request";
  readonly branch: Branch;
  readonly commit: Sha;
  readonly committed: number;
  readonly state: StateName;
  readonly key: StateKey;
  bound = false;
  hops = 0;
  priority = 0;
  dependsOn = NONE;
  calls = false;
  parent?: Branch;
  notBefore?: number;
  role?: string;
  answers?: string;
  readonly #raw: string;
  #message: Message | undefined;

  constructor(branch: Branch, head: Commit, state: StateName, key: StateKey) {
    this.branch = branch;
    this.commit = head.commit;
    this.committed = head.committed;
    this.state = state;
    this.key = key;
    this.#raw = head.message;
  }

  get message(): Message {
    this.#message ??= parseMessage(this.#raw);
    return this.#message;
  }
}

/** `3/50` and `3` are 3; text that is not a number is 0. */
function leadingInteger(text: string | undefined, low: number, high: number): number {
  const parsed = Number.parseInt(text ?? "0", 10);
  return Number.isNaN(parsed) ? 0 : Math.min(high, Math.max(low, parsed));
}

/** The id in `Approves`, as it is written. A message that requests a state approves nothing. */
export function approvedCommit(message: string): string | undefined {
  if (!/approves/i.test(message)) return undefined;
  const { trailers } = parseTrailers(message);
  return readState(readValues(trailers)) ? undefined : valueOf(trailers, KEY.approves);
}
