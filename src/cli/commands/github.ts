/** `trailhand github sync`: makes GitHub show what the refs say. */
import { EXIT_CODE, MESSAGES, UserError } from "../../core/messages/messages.ts";
import type { OpenGithub } from "../../server/open-github.ts";
import { syncGithub, type SyncResult } from "../../server/sync.ts";
import type { Command, CommandCall } from "../command.ts";
import { jsonOption, remoteOption } from "../options.ts";
import { renderColumns } from "../render/render-table.ts";
import { printable, printJson, type Terminal } from "../render/terminal.ts";

export const command: Command = {
  name: "github",
  group: "github",
  what: "Correct what GitHub shows: labels, comments, check runs, pull requests, closed issues (`github sync`).",
  more: "Writes only the differences, so that something deleted by hand comes back. Opens a pull request where a state says `pull`, closes an issue with its work, and mentions in a comment the people whose turn it is. With `proof: pusher` it needs --remote, to ask who pushed. Acts as the owner of GITHUB_TOKEN, or as the App of APP_ID and PRIVATE_KEY (or PRIVATE_KEY_PATH); only an App can create check runs. GITHUB_API_URL and GITHUB_SERVER_URL name another GitHub. Exit code 1: GitHub refused something; 75: its rate limit is reached, so try again later.",
  arguments: [{ name: "verb", what: "sync." }],
  options: [
    { name: "repo", value: "owner/name", what: "The repository; default: GITHUB_REPOSITORY." },
    { name: "dry-run", short: "n", what: "Only list what would be written." },
    remoteOption,
    jsonOption,
  ],
  examples: [
    { line: "trailhand github sync --repo example/shop --dry-run", what: "what does GitHub not show yet?" },
  ],
  run: (call) => runSync(call),
};

/** `open` opens GitHub; default: by the environment. */
export async function runSync({ input, terminal, env }: CommandCall, open?: OpenGithub): Promise<number> {
  const [verb = ""] = input.arguments;
  if (verb !== "sync") throw new UserError(MESSAGES.badGithubCommand(verb));
  const dryRun = input.has("dry-run");
  const result = await syncGithub({
    env,
    directory: input.directory,
    remote: input.value("remote"),
    repo: input.value("repo") ?? env["GITHUB_REPOSITORY"] ?? "",
    dryRun,
    say: (text) => terminal.say(printable(text, 500)),
    open,
  });
  if (input.has("json")) printJson(terminal, describe(result, dryRun));
  else print(terminal, result, dryRun);
  if (result.waitMs !== undefined) return EXIT_CODE.later;
  return result.refused.length + result.left.length > 0 ? EXIT_CODE.failed : EXIT_CODE.done;
}

function describe({ writes, refused, left, waitMs = 0 }: SyncResult, dryRun: boolean): object {
  return dryRun ? { writes } : { writes, refused, left, waitMs };
}

function print(terminal: Terminal, { writes, refused, waitMs }: SyncResult, dryRun: boolean): void {
  if (writes.length > 0) {
    const titles = ["WHERE", "WRITE", "WHAT"].map((title) => terminal.colors.bold(title));
    const rows = writes.map(({ where, write, what }) => [where, write, printable(what, 100)]);
    terminal.print(renderColumns([titles, ...rows]));
  } else if (dryRun) terminal.say("Nothing to write: GitHub shows what the refs say.");
  else terminal.say(refused.length > 0 ? "Nothing was written." : "GitHub shows what the refs say.");
  for (const { where, write, why } of refused)
    terminal.say(`refused: ${write} at ${where}: ${printable(why, 200)}`);
  if (waitMs !== undefined)
    terminal.say(`GitHub accepts no writes for ${Math.ceil(waitMs / 1000)} s: run it again then`);
}
