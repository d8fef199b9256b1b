/** `trailhand demo`: a small real repository in which the commands run one after another. */
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Demo } from "../../app/demo.ts";
import { EXIT_CODE, MESSAGES, UserError } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { readInput } from "../input.ts";
import { command as log } from "./log.ts";
import { command as runCommand } from "./run.ts";
import { command as status } from "./status.ts";

export const command: Command = {
  name: "demo",
  group: "start",
  what: "Create a small repository in a temporary folder and run it from start to end.",
  more: "Uses no network and no model. The repository stays, so that you can look around in it.",
  options: [{ name: "keep", value: "dir", what: "Create it in this directory, which must not exist yet." }],
  examples: [
    {
      line: "trailhand demo",
      what: "watch four branches being planned, checked, repaired and integrated",
    },
  ],
  run,
};

async function run(call: CommandCall): Promise<number> {
  const { input, terminal } = call;
  const kept = input.value("keep");
  if (kept !== undefined && existsSync(kept)) throw new UserError(MESSAGES.directoryExists(kept));
  const home =
    kept === undefined ? mkdtempSync(join(tmpdir(), "trailhand-demo-")) : resolve(input.directory, kept);
  const dir = join(home, "calculator");
  const env = { ...call.env, XDG_CACHE_HOME: join(home, "cache") };
  const runHere = (command: Command, words: readonly string[] = []): Promise<number> =>
    command.run({ ...call, env, input: readInput(command, [...words, "-C", dir], dir) });
  const title = (text: string) => terminal.print(`\n${terminal.colors.bold(`— ${text}`)}\n`);

  title("A calculator, its tests and its states, in a new repository");
  const demo = await Demo.create(dir, env);
  terminal.print(`${dir}\n`);
  title("Four people ask for a feature each: a commit with `State: plan`");
  for (const { branch, subject } of await demo.requestFeatures())
    terminal.print(`  ${terminal.colors.cyan(branch.padEnd(14))} ${subject}`);
  title("trailhand run");
  const code = await runHere(runCommand);
  if (code !== EXIT_CODE.done) return code;
  title("A person lands the finished work: git merge");
  for (const branch of await demo.mergeFinished()) terminal.print(`  landed ${branch}`);
  title("trailhand status");
  await runHere(status);
  title("trailhand log feat/divide: it failed its test, and was repaired");
  await runHere(log, ["feat/divide"]);
  title("git log --graph");
  terminal.print(await demo.drawHistory());
  terminal.print(`\n${terminal.colors.bold("— Look around")}\n\n${hints(dir)}`);
  return EXIT_CODE.done;
}

const hints = (dir: string): string =>
  [
    `  cd ${dir}`,
    "  git log feat/divide              # every hand-off is a commit",
    "  trailhand status --needs-me      # feat/power waits for you",
    "  trailhand approve feat/power     # then: trailhand run",
    "  trailhand graph feat/power",
    "",
    "  (without an installed trailhand: node dist/trailhand.js -C <that directory> …)",
  ].join("\n");
