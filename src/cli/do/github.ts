/** `trailhand github sync`: makes GitHub show what the refs say. */
import { cleanLine } from "../../core/util/redact.ts";
import { EXIT, Fault, words } from "../../core/messages/messages.ts";
import { difference, type Write } from "../../github/display/diff.ts";
import type { Repo } from "../../github/commands/intent.ts";
import { readPresent } from "../../github/display/actual-state.ts";
import { pictureOf } from "../../github/display/project.ts";
import { type Published, showWork } from "../../github/display/apply.ts";
import { Declined } from "../../github/api/client.ts";
import { openGithub } from "../../server/sync.ts";
import { pushesOf } from "../../app/push-log.ts";
import { openSite } from "../../app/open-workspace.ts";
import type { Call, Run } from "../call.ts";
import { renderColumns } from "../render/render-table.ts";
import { seeBranches } from "../../app/branch-overview.ts";
import { printJson, shown, type Terminal } from "../render/terminal.ts";

export const run: Run = (call) => sync(call, openGithub);

/** `open` is how GitHub is come by. */
export async function sync({ input, terminal, env }: Call, open: typeof openGithub): Promise<number> {
  const [verb = ""] = input.arguments;
  if (verb !== "sync") throw new Fault(words.badGithubVerb(verb));
  const repo = readRepo(input.value("repo") ?? env["GITHUB_REPOSITORY"] ?? "");
  const server = (env["GITHUB_SERVER_URL"] || "https://github.com").replace(/\/+$/, "");
  const say = (text: string) => terminal.say(cleanLine(text, 500));
  const site = await openSite(input.directory, env, {
    remote: input.value("remote"),
    pushes: pushesOf(env, say),
  });
  const { surface, self } = await open(env, repo, say);
  const branches = await seeBranches(site);
  // Else it would tell everybody that approvals are missing which runners count.
  if (branches.workflow.proof === "pusher" && !site.repository.tellsPushes) {
    throw new Fault(words.nobodyToAsk("github sync"));
  }
  try {
    const picture = pictureOf(branches, repo, server);
    if (input.has("dry-run")) {
      const wanted = picture(await surface.pulls());
      const writes = difference(await readPresent(surface, wanted, self), wanted);
      tell(terminal, input.has("json"), writes, "Nothing to write: GitHub shows what the refs say.");
      return EXIT.done;
    }
    return report(terminal, input.has("json"), await showWork(surface, picture, self));
  } catch (error) {
    if (!(error instanceof Declined)) throw error;
    throw new Fault(words.noWayToGithub(cleanLine(error.message)), { cause: error });
  }
}

/** GitHub's own rules for names. Throws a Fault for anything else. */
function readRepo(text: string): Repo {
  const [, owner, name] = /^([A-Za-z0-9][A-Za-z0-9-]{0,38})\/([A-Za-z0-9._-]{1,100})$/.exec(text) ?? [];
  if (owner === undefined || name === undefined || /^\.{1,2}$/.test(name))
    throw new Fault(words.badRepo(text));
  return { owner, name };
}

function tell(terminal: Terminal, json: boolean, writes: readonly Write[], nothing: string): void {
  if (json) return printJson(terminal, { writes: writes.map(rowOf) });
  if (writes.length === 0) return terminal.say(nothing);
  const titles = ["WHERE", "WRITE", "WHAT"].map((title) => terminal.colors.bold(title));
  const rows = writes.map(rowOf).map(({ where, write, what }) => [where, write, shown(what, 100)]);
  terminal.print(renderColumns([titles, ...rows]));
}

function report(terminal: Terminal, json: boolean, { done, refused, open, later }: Published): number {
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
      terminal.say(`refused: ${kind} at ${where}: ${shown(why, 200)}`);
    }
    if (later) terminal.say(`GitHub wants nothing for ${Math.ceil(later.ms / 1000)} s: run it again then`);
  }
  if (later) return EXIT.later;
  return refused.length + open.length > 0 ? EXIT.failed : EXIT.done;
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
      return row(`${write.carrier.kind} ${write.carrier.id}`, write.face);
  }
}
