/** `trailhand demo`: a small real repository, worked off before your eyes. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Branch } from "../../core/protocol/ids.ts";
import { EXIT_CODE, UserError, MESSAGES } from "../../core/messages/messages.ts";
import { cleanEnv, Git } from "../../git/git.ts";
import { openWorkspace } from "../../app/open-workspace.ts";
import { DEMO_FILES, DEMO_REQUESTS } from "../../templates/demo.ts";
import type { CommandCall, CommandRun } from "../call.ts";
import { readInput } from "../input.ts";
import type { Terminal } from "../render/terminal.ts";
import { writeRequest } from "../../app/write-request.ts";
import { run as runLog } from "./log.ts";
import { run as runRun } from "./run.ts";
import { run as runStatus } from "./status.ts";
import { KEY } from "../../core/protocol/trailer-keys.ts";

export const run: CommandRun = async (call) => {
  const { input, terminal } = call;
  const kept = input.value("keep");
  if (kept !== undefined && existsSync(kept)) throw new UserError(MESSAGES.directoryExists(kept));
  const home =
    kept === undefined ? mkdtempSync(join(tmpdir(), "trailhand-demo-")) : resolve(input.directory, kept);
  const dir = join(home, "calculator");
  const env = { ...call.env, XDG_CACHE_HOME: join(home, "cache") };
  const within = (line: readonly string[]): CommandCall => ({
    input: readInput([...line, "-C", dir], dir),
    terminal,
    env,
  });

  title(terminal, "A calculator, its tests and its states, in a new repository");
  const git = await makeRepository(dir, env);
  terminal.print(`${dir}\n`);
  title(terminal, "Four people ask for a feature each: a commit with `State: plan`");
  await makeRequests(dir, env, terminal);
  title(terminal, "trailhand run");
  const code = await runRun(within(["run"]));
  if (code !== EXIT_CODE.done) return code;
  title(terminal, "A person lands what is done: git merge");
  await land(git, terminal);
  title(terminal, "trailhand status");
  await runStatus(within(["status"]));
  title(terminal, "trailhand log feat/divide: it failed its test, and was repaired");
  await runLog(within(["log", "feat/divide"]));
  title(terminal, "git log --graph");
  terminal.print(
    (await git.text(["log", "--graph", "--oneline", "--decorate", "-n", "28", "main"])).trimEnd(),
  );
  sayNext(terminal, dir);
  return EXIT_CODE.done;
};

function title(terminal: Terminal, text: string): void {
  terminal.print(`\n${terminal.colors.bold(`— ${text}`)}\n`);
}

async function makeRepository(dir: string, env: CommandCall["env"]): Promise<Git> {
  for (const { path, text, executable } of DEMO_FILES) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
    if (executable) chmodSync(join(dir, path), 0o755);
  }
  const git = new Git({ dir, env: cleanEnv(env) });
  await git.run(["init", "--quiet", "--initial-branch=main"]);
  await git.run(["config", "user.name", "Demo Person"]);
  await git.run(["config", "user.email", "person@example.com"]);
  await git.run(["add", "--all"]);
  await git.run(["commit", "--quiet", "-m", "A calculator with one function"]);
  return git;
}

async function makeRequests(dir: string, env: CommandCall["env"], terminal: Terminal): Promise<void> {
  const site = await openWorkspace(dir, env);
  const { heads } = await site.repository.listRefs();
  const [main] = heads;
  if (!main) throw new UserError(MESSAGES.noCommits());
  for (const { branch, subject, body } of DEMO_REQUESTS) {
    const wish = {
      branch: branch as Branch,
      parent: main.commit,
      expected: null,
      state: "plan",
      trailers: [],
    };
    await writeRequest(site, { ...wish, messages: [subject, body] });
    terminal.print(`  ${terminal.colors.cyan(branch.padEnd(14))} ${subject}`);
  }
}

/** Each finished branch becomes a merge on main: moving the trusted branch is a person's business. */
async function land(git: Git, terminal: Terminal): Promise<void> {
  for (const { branch } of DEMO_REQUESTS) {
    const message = await git.text([
      "log",
      "-n",
      "1",
      `--format=%(trailers:key=${KEY.state},valueonly)`,
      branch,
    ]);
    if (message.trim() !== "done") continue;
    await git.run(["merge", "--quiet", "--no-ff", "-m", `Land ${branch}`, branch]);
    terminal.print(`  landed ${branch}`);
  }
}

function sayNext(terminal: Terminal, dir: string): void {
  terminal.print(
    [
      "",
      terminal.colors.bold("— Look around"),
      "",
      `  cd ${dir}`,
      "  git log feat/divide                             # every hand-off is a commit",
      "  trailhand status --needs-me                     # feat/power waits for you",
      "  trailhand request integrate --branch feat/power # approve it, then: trailhand run",
      "  trailhand graph feat/power",
      "",
      "  (without an installed trailhand: node dist/trailhand.js -C <that directory> …)",
    ].join("\n"),
  );
}
