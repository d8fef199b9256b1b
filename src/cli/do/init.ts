/** `trailhand init`: writes states/ with a workflow that works without any AI. */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { EXIT, Fault, words } from "../../core/words.ts";
import { GitExit } from "../../git/exec.ts";
import { openSite } from "../../wire.ts";
import type { Run } from "../call.ts";
import { STARTER } from "../starter.ts";

export const run: Run = async ({ input, terminal, env }) => {
  const { place } = await openSite(input.directory, env);
  const top =
    place.top === undefined ? undefined : (await place.git.text(["rev-parse", "--show-toplevel"])).trimEnd();
  if (top === undefined) throw new Fault(words.bareRepository());
  const existing = STARTER.filter(({ path }) => existsSync(join(top, path)));
  if (existing.length > 0) throw new Fault(words.filesExist(existing.map(({ path }) => path).join(", ")));
  for (const { path, text, executable } of STARTER) {
    try {
      mkdirSync(dirname(join(top, path)), { recursive: true });
      writeFileSync(join(top, path), text, { flag: "wx" });
      if (executable) chmodSync(join(top, path), 0o755);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Fault(words.readOnly(join(top, path), why), { cause: error });
    }
    terminal.print(`wrote ${path}`);
  }
  const branch = await currentBranch(place.git.text.bind(place.git));
  const who = place.person
    ? []
    : ['  git config user.name "Your Name" && git config user.email you@example.com'];
  terminal.say(
    [
      "",
      "next:",
      ...who,
      `  git add states && git commit -m "Add Trailhand's states"     # on ${branch}, the trusted branch`,
      '  trailhand request check --new try-it -m "Try Trailhand"',
      "  trailhand run",
      "  trailhand log try-it",
    ].join("\n"),
  );
  return EXIT.done;
};

async function currentBranch(text: (args: readonly string[]) => Promise<string>): Promise<string> {
  try {
    return (await text(["symbolic-ref", "--short", "HEAD"])).trim();
  } catch (error) {
    if (error instanceof GitExit) return "your default branch";
    throw error;
  }
}
