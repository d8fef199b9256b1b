/** `trailhand show`: explains a request or a response. */
import { parseBranch, type Branch } from "../../core/protocol/ids.ts";
import { describeMessage, parseMessage, valueOf } from "../../core/protocol/message.ts";
import { parseRequest, type HeadReading, type Commit } from "../../core/protocol/request.ts";
import { isTerminal } from "../../core/workflow/workflow.ts";
import { EXIT_CODE, UserError, MESSAGES } from "../../core/messages/messages.ts";
import { readTrail } from "../../git/local-repository.ts";
import type { Workspace } from "../../app/workspace.ts";
import { openWorkspace } from "../../app/open-workspace.ts";
import type { CommandRun } from "../call.ts";
import { renderColumns } from "../render/render-table.ts";
import { printJson, printable, type Terminal } from "../render/terminal.ts";
import { KEY } from "../../core/protocol/trailer-keys.ts";

export const run: CommandRun = async ({ input, terminal, env }) => {
  const site = await openWorkspace(input.directory, env);
  const name = input.arguments[0] ?? "HEAD";
  const commit = await requireCommit(site, name);
  const message = parseMessage(commit.message);
  const bound = valueOf(message.trailers, KEY.branch);
  const branch = (bound === undefined ? undefined : parseBranch(bound)) ?? ("?" as Branch);
  const asked = parseRequest(branch, commit);
  if (input.has("json")) {
    const { type, scope, references, mentions } = describeMessage(message);
    printJson(terminal, {
      commit: commit.commit,
      ...message,
      type,
      scope,
      references,
      mentions,
      reading: reading(asked),
    });
    return EXIT_CODE.done;
  }
  explain(terminal, commit, asked);
  return EXIT_CODE.done;
};

/** The commit that a name stands for. Throws a Fault when there is none. */
export async function requireCommit(site: Workspace, name: string): Promise<Commit> {
  const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`];
  const { code, stdout } = await site.location.git.run(args, { allowedCodes: [1, 128] });
  const [commit] = code === 0 ? await readTrail(site.location, stdout.trim(), 1) : [];
  if (!commit) throw new UserError(MESSAGES.noSuchCommit(name));
  return commit;
}

function reading(asked: HeadReading): object {
  if (asked.kind === "none") return asked;
  const { state, key, hops, priority, dependsOn, answers } = asked;
  return {
    kind: answers === undefined ? "request" : "response",
    state,
    key,
    hops,
    priority,
    dependsOn,
    answers,
  };
}

function explain(terminal: Terminal, commit: Commit, asked: HeadReading): void {
  const { colors } = terminal;
  const message = parseMessage(commit.message);
  terminal.print(`${colors.yellow(commit.commit)}\n${colors.bold(printable(message.header, 200))}\n`);
  if (asked.kind === "none") {
    const why = {
      "no-state": "It asks for nothing: there is no State trailer.",
      approves: "It approves the request below it, while nothing else stands in between.",
      merge: "It asks for nothing: merge commits are no requests.",
      "bound-elsewhere": "It counts on another branch only.",
      "two-states": "It names two states, so nothing is guessed.",
      "bad-name": "Its state is no state name.",
      "bad-value": "One of its trailers cannot be read.",
      doubt: "Its author means a state, but git does not read that line as a trailer.",
    }[asked.reason];
    terminal.print("detail" in asked ? `${why} (${printable(asked.detail)})` : why);
  } else if (asked.answers === undefined) {
    terminal.print(`A request: it asks for ${colors.cyan(asked.state)}.`);
  } else {
    const answered = `A response to ${colors.yellow(asked.answers.slice(0, 10))}`;
    const state = colors.cyan(asked.state);
    terminal.print(
      isTerminal(asked.state) ? `${answered}: the work ends as ${state}.` : `${answered}: ${state} is next.`,
    );
  }
  const rows = message.trailers.map(({ key, value }) => [
    `  ${colors.dim(printable(key, 30))}`,
    printable(value, 100),
  ]);
  if (rows.length > 0) terminal.print(`\n${renderColumns(rows)}`);
  const body = message.body.split("\n").map((line) => `  ${printable(line, 200)}`);
  if (message.body !== "") terminal.print(`\n${body.join("\n").trimEnd()}`);
}
