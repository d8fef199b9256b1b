/**
 * What a head commit asks for: a Request, or the reason why it is none.
 *
 * What must hold: only the trailer block speaks; one value of `State` or none; a commit that names
 * a branch counts on that branch only, so that a cherry-pick or a new branch replays nothing.
 */
import { parseBranch, parseStateName, type Branch, type Sha, type StateName } from "./ids.ts";
import { parseTime } from "../util/time.ts";
import { findDoubt, parseMessage, valueOf, type Doubt, type Message } from "./message.ts";
import { parseTrailers, type Trailer } from "./trailer-block.ts";

export interface Commit {
  readonly commit: Sha;
  readonly parents: readonly Sha[];
  /** Seconds since 1970, as the commit claims; shown to people, never decided on. */
  readonly committed: number;
  readonly message: string;
  /** Where it was read with the history: its tree, and the address of who wrote it. */
  readonly tree?: Sha;
  readonly author?: string;
}

/** Keys of repositories made for AYNIG, read as `State`; the answer uses the same key. */
export const AYNIG_KEYS = ["dwp-state", "aynig-state", "aynig"] as const;
export type StateKey = "State" | (typeof AYNIG_KEYS)[number];

export interface Request {
  readonly kind: "request";
  readonly branch: Branch;
  readonly commit: Sha;
  readonly committed: number;
  readonly state: StateName;
  readonly key: StateKey;
  readonly message: Message;
  /** True when it names its branch; otherwise it counts on the first branch that takes it. */
  readonly bound: boolean;
  /** Hand-offs so far without a person. */
  readonly hops: number;
  readonly priority: number;
  /** Milliseconds since 1970. */
  readonly notBefore?: number;
  readonly dependsOn: readonly string[];
  /** The branch that handed it out. */
  readonly parent?: Branch;
  /** True when it calls children off. */
  readonly calls: boolean;
  readonly role?: string;
  /** True when the runner wrote it. */
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
  | { readonly reason: "doubt"; readonly detail: string; readonly doubt: Doubt };

export type NotARequest = { readonly kind: "none" } & NotARequestReason;
export type HeadReading = Request | NotARequest;

/** Reads a commit as the head of a branch. Never throws: every message has a reading. */
export function parseRequest(branch: Branch, head: Commit): HeadReading {
  const none = (reason: NotARequestReason): NotARequest => ({ kind: "none", ...reason });
  // Most heads of most repositories: no key of ours anywhere, so nothing to take apart.
  if (!/state|aynig|approves/i.test(head.message)) return none({ reason: "no-state" });
  const values = readValues(parseTrailers(head.message).trailers);
  const found = readState(values);
  if (found === undefined) {
    const approved = approvedCommit(head.message);
    if (approved !== undefined) return none({ reason: "approves", detail: approved });
    const doubt = findDoubt(head.message, ["state", ...AYNIG_KEYS]);
    return doubt ? none({ reason: "doubt", detail: doubt.text, doubt }) : none({ reason: "no-state" });
  }
  if (head.parents.length > 1) return none({ reason: "merge" });
  if (found.values.length > 1 && found.key === "State") {
    return none({ reason: "two-states", detail: found.values.join(", ") });
  }
  const bound = values["branch"]?.at(-1);
  if (bound !== undefined && bound !== branch) return none({ reason: "bound-elsewhere", detail: bound });
  const text = found.values.at(-1) ?? "";
  const state = parseStateName(text);
  if (!state) return none({ reason: "bad-name", detail: text });
  return (
    readDetails(branch, head, values, state, found.key) ?? none({ reason: "bad-value", detail: "Not-Before" })
  );
}

/** The keys that a request is read from; a look at many heads keeps nothing else. */
const KEYS = new Set<string>([
  ...AYNIG_KEYS,
  ..."state branch answers hops priority not-before depends-on parent cancels aynig-role dwp-role".split(" "),
]);

type Values = Readonly<Record<string, readonly string[] | undefined>>;

function readValues(trailers: readonly Trailer[]): Values {
  const values: Record<string, string[] | undefined> = {};
  for (const { key, value } of trailers) {
    const lower = key.toLowerCase();
    if (KEYS.has(lower)) (values[lower] ??= []).push(value);
  }
  return values;
}

function readState(values: Values): { key: StateKey; values: readonly string[] } | undefined {
  const own = values["state"];
  if (own) return { key: "State", values: own.length > 1 ? [...new Set(own)] : own };
  for (const key of AYNIG_KEYS) {
    const found = values[key];
    if (found) return { key, values: found };
  }
  return undefined;
}

/** Undefined when a value that must not be guessed at cannot be read. */
function readDetails(
  branch: Branch,
  head: Commit,
  values: Values,
  state: StateName,
  key: StateKey,
): Request | undefined {
  const value = (name: string) => values[name]?.at(-1);
  const notBefore = value("not-before");
  const time = notBefore === undefined ? undefined : parseTime(notBefore);
  if (notBefore !== undefined && time === undefined) return undefined;
  const role = value("aynig-role") ?? value("dwp-role");
  const answers = value("answers");
  const request = new ReadRequest(branch, head, state, key);
  request.bound = values["branch"] !== undefined;
  request.hops = leadingInteger(value("hops"), 0, 100_000);
  request.priority = leadingInteger(value("priority"), -1000, 1000);
  request.dependsOn = values["depends-on"] ?? NONE;
  request.calls = values["cancels"] !== undefined;
  const parent = parseBranch(value("parent") ?? "");
  if (parent !== undefined) request.parent = parent;
  if (time !== undefined) request.notBefore = time;
  if (role !== undefined) request.role = role;
  if (answers !== undefined) request.answers = answers;
  return request;
}

const NONE: readonly string[] = [];

/** A request whose message is taken apart when somebody asks: of thousands of heads, few are run. */
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

/** `3/50` and `3` are 3; what is no number is 0. */
function leadingInteger(text: string | undefined, low: number, high: number): number {
  const parsed = Number.parseInt(text ?? "0", 10);
  return Number.isNaN(parsed) ? 0 : Math.min(high, Math.max(low, parsed));
}

/** The full id of the commit that a message approves, as a person wrote it; what asks for a state approves nothing. */
export function approvedCommit(message: string): string | undefined {
  if (!/approves/i.test(message)) return undefined;
  const { trailers } = parseTrailers(message);
  return readState(readValues(trailers)) ? undefined : valueOf(trailers, "Approves");
}
