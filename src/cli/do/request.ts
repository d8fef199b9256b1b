/** `trailhand request`: commits a request for a state. */
import { cleanLine } from "../../core/util/redact.ts";
import { parseBranch, type Sha } from "../../core/protocol/ids.ts";
import { isTerminal } from "../../core/workflow/workflow.ts";
import { EXIT_CODE, UserError, shellWord, MESSAGES } from "../../core/messages/messages.ts";
import { openWorkspace } from "../../app/open-workspace.ts";
import type { CommandRun } from "../call.ts";
import { findEvent } from "../../app/history-queries.ts";
import { parseTrailerOption, requireNoCycle } from "../../app/parse-trailer-option.ts";
import { checkedOutBranch, requireHead } from "../../app/branch-listing.ts";
import { printJson, type Terminal } from "../render/terminal.ts";
import { writeRequest } from "../../app/write-request.ts";
import { requireState } from "../../app/request.ts";
import { KEY } from "../../core/protocol/trailer-keys.ts";

export const run: CommandRun = async ({ input, terminal, env }) => {
  const fresh = input.value("new");
  if (fresh !== undefined && input.value("branch") !== undefined)
    throw new UserError(MESSAGES.conflict("request", "branch", "new"));
  const site = await openWorkspace(input.directory, env, { remote: input.value("remote") });
  const look = await site.repository.listRefs();
  const contract = await site.trustedConfig(look.target, look.heads);
  const trailers = input.values("trailer").map(parseTrailerOption);
  const event = readEvent(input.value("event"));
  const base =
    fresh === undefined
      ? requireHead(site, look.heads, input.value("branch") ?? checkedOutBranch(site))
      : requireHead(site, look.heads, look.target);
  const branch = fresh === undefined ? base.branch : parseBranch(fresh);
  if (!branch) throw new UserError(MESSAGES.badBranch(fresh ?? ""));
  const asked = fresh === undefined ? base.reading : undefined;
  const at = asked?.kind === "request" ? contract.workflow.states[asked.state] : undefined;
  const state = requireState(contract, look.target, input.arguments[0] ?? "", at);
  const there = look.heads.find((head) => head.branch === branch);
  const known = event !== undefined && there ? await findEvent(site, look, there, event) : undefined;
  if (known) {
    if (input.has("json")) printJson(terminal, { branch, state, commit: known, known: true });
    else
      terminal.print(
        `${known.slice(0, 10)} on ${branch} has the event ${event} already; nothing was written`,
      );
    return EXIT_CODE.done;
  }
  if (fresh !== undefined && there) throw new UserError(MESSAGES.branchExists(branch));
  if (branch === look.target && contract.workflow.target === "ignore")
    throw new UserError(MESSAGES.onTarget(branch));
  await requireNoCycle(site, branch, trailers);
  const commit = await writeRequest(site, {
    branch,
    parent: base.commit,
    expected: fresh === undefined ? base.commit : null,
    state,
    messages: input.values("message"),
    trailers: event === undefined ? trailers : [...trailers, { key: KEY.event, value: event }],
  });
  const next = isTerminal(state)
    ? `trailhand log ${shellWord(branch)}`
    : contract.workflow.states[state]?.human
      ? "trailhand status --needs-me"
      : undefined;
  report(terminal, input.has("json"), { branch, state, commit }, next);
  return EXIT_CODE.done;
};

/** The id as a commit carries it. Throws a Fault on what no commit can carry. */
function readEvent(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const event = cleanLine(text, 500);
  if (event === "" || event !== text.trim()) throw new UserError(MESSAGES.badEvent(text));
  return event;
}

/** Says what was written, and what to type next. */
export function report(
  terminal: Terminal,
  json: boolean,
  written: { readonly branch: string; readonly state: string; readonly commit: Sha },
  next = "trailhand run",
): void {
  if (json) return printJson(terminal, written);
  terminal.print(`${written.commit.slice(0, 10)} asks for ${written.state} on ${written.branch}`);
  terminal.say(`next: ${next}`);
}
