/**
 * Carries out one command for somebody who may give it.
 *
 * What must hold: what is written is bound to the head that was seen, and carries the event; what a
 * workflow does not allow is a Fault's sentence or a refusal, and nothing is written.
 */
import { cleanLine } from "../../core/util/redact.ts";
import { parseSha, type Branch, type Sha } from "../../core/protocol/ids.ts";
import type { Trailer } from "../../core/protocol/trailer-block.ts";
import { isReservedState, isTerminal } from "../../core/workflow/workflow.ts";
import { commandTable, type CommandName, type ParsedCommand } from "./command-table.ts";
import type {
  Author,
  RepositoryActions,
  BranchPosition,
  RepositoryView,
  ReportKind,
  NewRequest,
  WrittenRequest,
} from "./repository-port.ts";
import { expandAgents } from "./multi-agent.ts";
import type { IssueText } from "./intent.ts";
import { escapeCode } from "../api/escape-markdown.ts";
import { isKeptOnChange, KEY } from "../../core/protocol/trailer-keys.ts";
import { DEFAULTS } from "../../core/workflow/defaults.ts";

export type CommandResult =
  | {
      readonly kind: "accepted";
      readonly branch: Branch | undefined;
      /** Undefined for what stands on no branch, such as a hold. */
      readonly commit: Sha | undefined;
      readonly text: string;
    }
  | { readonly kind: "said"; readonly text: string };

type Answer = CommandResult | { readonly kind: "refused"; readonly why: string };

/** One command, and all that it is about. */
export interface CommandContext {
  readonly actions: RepositoryActions;
  readonly sight: RepositoryView;
  readonly by: Author;
  readonly login: string;
  readonly isBot: boolean;
  readonly branch: Branch;
  readonly at: BranchPosition | undefined;
  readonly issue: IssueText | undefined;
  readonly event: string;
  readonly parsed: Extract<ParsedCommand, { kind: "command" }>;
}

const refused = (why: string): Answer => ({ kind: "refused", why });
const said = (text: string): Answer => ({ kind: "said", text });
const accepted = (
  { branch, commit, state }: WrittenRequest,
  text = `${escapeCode(branch, 250)} is asked for ${escapeCode(state)}`,
): Answer => ({
  kind: "accepted",
  branch,
  commit,
  text,
});

type Doing = (one: CommandContext) => Promise<Answer>;

/** What needs work that is there, and writes on top of it. */
type Steering = (one: CommandContext, at: BranchPosition, trailers: readonly Trailer[]) => Promise<Answer>;

const steered =
  (steer: Steering): Doing =>
  async (one) => {
    if (!one.at) return refused(nowhere(one));
    const hops = hopsOf(one);
    if (typeof hops === "string") return refused(hops);
    return steer(one, one.at, [...hops, { key: KEY.event, value: one.event }]);
  };

const told =
  (tale: ReportKind): Doing =>
  async (one) =>
    one.at ? said(await one.actions.report(tale, one.branch)) : refused(nowhere(one));

/** What was written behind the verb, as the words of a commit. */
const given = ({ parsed: { rest } }: CommandContext): string[] => (rest === "" ? [] : [rest]);

const DOINGS: Readonly<Record<CommandName, Doing>> = {
  help: () => Promise.resolve(said(commandTable())),
  status: told("status"),
  cost: told("cost"),
  log: told("log"),
  replay: told("replay"),
  run,
  hold,
  retry: steered(async (one, at, trailers) =>
    accepted(await one.actions.retry(one.by, at, { messages: given(one), trailers })),
  ),
  resume: steered(async (one, at, trailers) =>
    accepted(await one.actions.resume(one.by, at, { messages: given(one), trailers })),
  ),
  stop: steered(async (one, at, trailers) => cancelled(one, at, given(one), trailers)),
  approve: steered(approve),
  reject: steered(reject),
  assign: steered(assign),
  priority: steered(prioritize),
  "set-state": steered((one, _, trailers) => {
    const [state = ""] = one.parsed.args;
    const words = one.parsed.rest.slice(state.length).trim();
    return ask(one, state, [words === "" ? `trailhand: please ${state}` : words], trailers);
  }),
};

export const runCommand: Doing = (one) => DOINGS[one.parsed.command.name](one);

async function hold({ actions, by, login, parsed: { rest } }: CommandContext): Promise<Answer> {
  const isEnd = rest === "off";
  if (isEnd) await actions.releaseHold(by);
  else await actions.hold(by, rest === "" ? `everything is stopped by @${login}` : rest);
  const text = isEnd ? "Nothing is held any more." : "Everything is held.";
  return { kind: "accepted", branch: undefined, commit: undefined, text };
}

async function cancelled(
  { actions, by }: CommandContext,
  at: BranchPosition,
  messages: readonly string[],
  trailers: readonly Trailer[],
): Promise<Answer> {
  const written = await actions.cancel(by, at, { messages, trailers });
  return accepted(written, `${escapeCode(at.branch, 250)} is cancelled`);
}

/** Asks for a state, on what is there or as the beginning of an issue's work. */
async function run(one: CommandContext): Promise<Answer> {
  const { parsed, issue, at } = one;
  const hops = hopsOf(one);
  if (typeof hops === "string") return refused(hops);
  if (!issue && !at) return refused(nowhere(one));
  const trailers = [...hops, ...refs(issue), { key: KEY.event, value: one.event }];
  const wanted = expandAgents(parsed.rest, one.sight.workflow);
  if ("why" in wanted) return refused(wanted.why);
  const messages = begin(one, wanted.state, wanted.text);
  const { agents, state } = wanted;
  if (agents.length <= 1) {
    const [agent] = agents;
    const who = agent === undefined ? [] : [{ key: KEY.assignedTo, value: agent }];
    return ask(one, state, messages, [...who, ...trailers]);
  }
  const wishes = agents.map((agent): NewRequest => {
    const branch = `${one.branch}.${agent.replace(/[._]/g, "-")}` as Branch;
    const own = [{ key: KEY.assignedTo, value: agent }, ...trailers];
    return { branch, state, expectedHead: null, startPoint: at?.commit, messages, trailers: own };
  });
  const written = await one.actions.request(one.by, wishes);
  const [first] = written;
  if (!first) return refused("No agent was named.");
  return accepted(
    first,
    `The same is asked of ${agents.join(", ")}: ${written.map(({ branch }) => escapeCode(branch, 250)).join(", ")}`,
  );
}

/** The words of a request: the issue's where it begins with one, or those of the command. */
function begin({ issue, at }: CommandContext, state: string, text: string): string[] {
  const title = cleanLine(issue?.title ?? "", 500);
  if (!issue || at) return text === "" ? [`trailhand: please ${state}`] : [text];
  return [title === "" ? `issue #${issue.number}` : title, text, issue.body].filter(
    (part) => part.trim() !== "",
  );
}

const refs = (issue: IssueText | undefined): Trailer[] =>
  issue ? [{ key: KEY.refs, value: `#${issue.number}` }] : [];

async function ask(
  one: CommandContext,
  state: string,
  messages: readonly string[],
  trailers: readonly Trailer[],
): Promise<Answer> {
  const { actions, by, branch, at } = one;
  const [written] = await actions.request(by, [
    { branch, state, expectedHead: at?.commit ?? null, messages, trailers },
  ]);
  return written ? accepted(written) : refused("Nothing was written.");
}

async function approve(
  { actions, by, isBot, parsed }: CommandContext,
  at: BranchPosition,
  trailers: readonly Trailer[],
): Promise<Answer> {
  if (isBot) return refused("Only people approve.");
  const commit = parseSha(parsed.args[0] ?? "");
  if (!commit || parsed.args.length > 1)
    return refused(
      `\`/approve\` needs the full id of the commit, such as \`/approve ${at.commit}\`: look at it first.`,
    );
  const written = await actions.approve(by, at, commit, { messages: [], trailers });
  return accepted(written, `${commit} is approved`);
}

/** Sends back what waits for a person. */
async function reject(
  one: CommandContext,
  at: BranchPosition,
  trailers: readonly Trailer[],
): Promise<Answer> {
  const { sight, parsed, login } = one;
  const state = at.state === undefined ? undefined : sight.workflow.states[at.state];
  const reason = `rejected by @${login}: ${parsed.rest}`;
  const back = at.wantsApproval
    ? [state?.otherwise ?? ""]
    : (state?.next ?? []).filter((name) => name !== "done");
  if (!state || (!state.human && !at.wantsApproval)) return refused("Nothing there waits for a person.");
  const [first = "", ...others] = back.includes("rejected") ? ["rejected"] : back;
  if (others.length > 0)
    return refused(
      `It may go back to ${back.join(" or ")}; say which: ${escapeCode(`/set-state ${first} ${parsed.rest}`, 120)}`,
    );
  const canAsk = first !== "" && (!isReservedState(first) || (state.human && isTerminal(first)));
  return canAsk ? ask(one, first, [reason], trailers) : cancelled(one, at, [reason], trailers);
}

async function assign(
  one: CommandContext,
  at: BranchPosition,
  trailers: readonly Trailer[],
): Promise<Answer> {
  const { actions, by, parsed, sight } = one;
  const [who = "", ...more] = parsed.args;
  const known = ["default", ...Object.keys(sight.workflow.agents)];
  if (more.length > 0 || !known.includes(who))
    return refused(
      `${escapeCode(who)} is no agent of the workflow; it knows ${known.join(", ")}. People are assigned on GitHub itself.`,
    );
  const to = { key: KEY.assignedTo, value: who };
  if (at.state === undefined || at.state === "parked" || at.state === "stalled" || at.state === "waiting")
    return accepted(await actions.resume(by, at, { messages: [], trailers: [to, ...trailers] }));
  if (isTerminal(at.state))
    return accepted(await actions.retry(by, at, { messages: [], trailers: [to, ...trailers] }));
  return askAnew(one, at, to, trailers);
}

async function prioritize(
  one: CommandContext,
  at: BranchPosition,
  trailers: readonly Trailer[],
): Promise<Answer> {
  const [text = "", ...more] = one.parsed.args;
  const n = Number(text);
  if (more.length > 0 || !/^-?\d{1,4}$/.test(text) || Math.abs(n) > 1000)
    return refused(`${escapeCode(text)} is no priority: a whole number from -1000 to 1000.`);
  if (at.isRunning) return refused("It is running already, and a priority says only how early it begins.");
  if (at.wantsApproval) return refused("It waits for approvals, which a priority would void.");
  return askAnew(one, at, { key: KEY.priority, value: String(n) }, trailers);
}

/** The same request with one trailer changed. */
function askAnew(
  one: CommandContext,
  at: BranchPosition,
  change: Trailer,
  trailers: readonly Trailer[],
): Promise<Answer> {
  const { state } = at;
  if (state === undefined || isReservedState(state))
    return Promise.resolve(refused("Nothing there waits to be begun."));
  const kept = at.trailers.filter(({ key }) => isKeptOnChange(key) && key !== change.key);
  return ask(
    one,
    state,
    [at.header, at.body].filter((part) => part !== ""),
    [...kept, change, ...trailers],
  );
}

/** What a bot's hand-off carries, so that bots that answer each other come to an end; or why it may not go on. */
function hopsOf({ isBot, at, sight }: CommandContext): Trailer[] | string {
  if (!isBot) return [];
  const limit = sight.workflow.limits.hops ?? DEFAULTS.hops;
  const hops = (at?.hops ?? 0) + 1;
  if (hops > limit) return `${limit} hand-offs without a person are the most, so a person has to go on.`;
  return [{ key: KEY.hops, value: `${hops}/${limit}` }];
}

const nowhere = ({ branch, issue }: CommandContext): string =>
  issue
    ? "No work on this issue has begun. To begin it: `/run <state>`"
    : `There is no branch ${escapeCode(branch, 250)} in this repository any more.`;
