/** `trailhand github sync`: makes GitHub show what the refs say. */
import { cleanLine } from "../../core/util/redact.ts";
import { EXIT_CODE, UserError, MESSAGES } from "../../core/messages/messages.ts";
import { diff, type Write } from "../../github/display/diff.ts";
import type { Repo } from "../../github/api/repo.ts";
import { readActualState } from "../../github/display/actual-state.ts";
import { projectBranches } from "../../github/display/project.ts";
import { type ApplyResult, showBranches } from "../../github/display/apply.ts";
import { RequestDeclined } from "../../github/api/client.ts";
import { openGithub } from "../../server/sync.ts";
import { pushesOf } from "../../app/push-log.ts";
import { openWorkspace } from "../../app/open-workspace.ts";
import type { CommandCall, CommandRun } from "../call.ts";
import { renderColumns } from "../render/render-table.ts";
import { overviewBranches } from "../../server/branch-overview.ts";
import { printJson, printable, type Terminal } from "../render/terminal.ts";

export const run: CommandRun = (call) => sync(call, openGithub);

/** `open` is how GitHub is come by. */
export async function sync({ input, terminal, env }: CommandCall, open: typeof openGithub): Promise<number> {
  const [verb = ""] = input.arguments;
  if (verb !== "sync") throw new UserError(MESSAGES.badGithubVerb(verb));
  const repo = readRepo(input.value("repo") ?? env["GITHUB_REPOSITORY"] ?? "");
  const server = (env["GITHUB_SERVER_URL"] || "https://github.com").replace(/\/+$/, "");
  const say = (text: string) => terminal.say(cleanLine(text, 500));
  const site = await openWorkspace(input.directory, env, {
    remote: input.value("remote"),
    pushes: pushesOf(env, say),
  });
  const { publisher: surface, self } = await open(env, repo, say);
  const branches = await overviewBranches(site);
  // Else it would tell everybody that approvals are missing which runners count.
  if (branches.workflow.proof === "pusher" && !site.repository.canReadPushes) {
    throw new UserError(MESSAGES.cannotAskPusher("github sync"));
  }
  try {
    const picture = projectBranches(branches, repo, server);
    if (input.has("dry-run")) {
      const wanted = picture(await surface.listOpenPulls());
      const writes = diff(await readActualState(surface, wanted, self), wanted);
      tell(terminal, input.has("json"), writes, "Nothing to write: GitHub shows what the refs say.");
      return EXIT_CODE.done;
    }
    return report(terminal, input.has("json"), await showBranches(surface, picture, self));
  } catch (error) {
    if (!(error instanceof RequestDeclined)) throw error;
    throw new UserError(MESSAGES.noWayToGithub(cleanLine(error.message)), { cause: error });
  }
}

/** GitHub's own rules for names. Throws a Fault for anything else. */
function readRepo(text: string): Repo {
  const [, owner, name] = /^([A-Za-z0-9][A-Za-z0-9-]{0,38})\/([A-Za-z0-9._-]{1,100})$/.exec(text) ?? [];
  if (owner === undefined || name === undefined || /^\.{1,2}$/.test(name))
    throw new UserError(MESSAGES.badRepo(text));
  return { owner, name };
}

function tell(terminal: Terminal, json: boolean, writes: readonly Write[], nothing: string): void {
  if (json) return printJson(terminal, { writes: writes.map(rowOf) });
  if (writes.length === 0) return terminal.say(nothing);
  const titles = ["WHERE", "WRITE", "WHAT"].map((title) => terminal.colors.bold(title));
  const rows = writes.map(rowOf).map(({ where, write, what }) => [where, write, printable(what, 100)]);
  terminal.print(renderColumns([titles, ...rows]));
}

function report(
  terminal: Terminal,
  json: boolean,
  { done, refused, uncertain: open, postponed: later }: ApplyResult,
): number {
  if (json) {
    const faults = refused.map(({ write, why }) => ({ ...rowOf(write), why }));
    const left = [...open, ...(later?.writes ?? [])];
    printJson(terminal, {
      writes: done.map(rowOf),
      refused: faults,
      left: left.map(rowOf),
      waitMs: later?.ms ?? 0,
    });
  } else {
    tell(
      terminal,
      false,
      done,
      refused.length > 0 ? "Nothing was written." : "GitHub shows what the refs say.",
    );
    for (const { write, why } of refused) {
      const { where, write: kind } = rowOf(write);
      terminal.say(`refused: ${kind} at ${where}: ${printable(why, 200)}`);
    }
    if (later) terminal.say(`GitHub wants nothing for ${Math.ceil(later.ms / 1000)} s: run it again then`);
  }
  if (later) return EXIT_CODE.later;
  return refused.length + open.length > 0 ? EXIT_CODE.failed : EXIT_CODE.done;
}

interface Row {
  readonly where: string;
  readonly write: Write["kind"];
  readonly what: string;
}

function rowOf(write: Write): Row {
  const row = (where: string, what: string): Row => ({ where, write: write.kind, what });
  switch (write.kind) {
    case "create-label":
      return row("labels", write.label.name);
    case "add-label":
    case "remove-label":
      return row(`#${write.number}`, write.name);
    case "create-comment":
    case "edit-comment":
      return row(`#${write.number}`, write.body.split("\n").find((line) => !/^(?:<!--|$)/.test(line)) ?? "");
    case "delete-comment":
      return row(`#${write.number}`, String(write.id));
    case "create-check":
    case "update-check":
      return row(
        write.check.commit.slice(0, 9),
        `${write.check.name}: ${write.check.conclusion ?? write.check.status}`,
      );
    case "create-pull":
      return row(write.pull.branch, write.pull.title);
    case "close-pull":
      return row(`#${write.number}`, "its work has landed");
    case "close-issue":
      return row(`#${write.number}`, write.reason);
    case "react":
      return row(`${write.source.kind} ${write.source.id}`, write.content);
  }
}
