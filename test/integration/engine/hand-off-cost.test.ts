/** The git processes that a hand-off starts, as docs/attempts.md lists them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ask, usePrograms } from "../../support/pack-fixture.ts";
import { makeRepo, temporaryDir } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";

/** The gits that answer many requests. How often they are renewed depends on time. */
const LONG_LIVED = new Set(["cat-file", "update-ref"]);

/**
 * The commands of git for one hand-off in the middle of a chain: from the end of one script, through its
 * answer and the next claim, to the start of the next script.
 */
async function commandsOf(script: string): Promise<string[]> {
  const log = join(temporaryDir(), "log");
  const real = process.env["PATH"] ?? "";
  const states = ["a", "b", "c"].map((name) => [
    `states/${name}`,
    `#!/bin/sh\nPATH='${real}'\necho script >>'${log}'\n${script}\n`,
  ]);
  const repo = makeRepo({
    "states/workflow.yml": "states:\n  a: { next: b }\n  b: { next: c }\n  c: { next: done }\n",
    ...(Object.fromEntries(states) as Record<string, string>),
  });
  ask(repo, "topic", "do it\n\nState: a\n");
  usePrograms({
    git: `PATH='${real}'
command=
for word; do case "$skip$word" in -c) skip=1 ;; 1*) skip= ;; -*) ;; *) command=$word; break ;; esac; done
echo "$command" >>'${log}'
exec git "$@"`,
  });
  await run(repo);
  process.env["PATH"] = real;
  expect(repo.git("log", "-1", "--format=%(trailers:key=State,valueonly)", "topic").trim()).toBe("done");
  const commands = readFileSync(log, "utf8").trim().split("\n");
  const scripts = commands.flatMap((command, at) => (command === "script" ? [at] : []));
  expect(scripts).toHaveLength(3);
  return commands.slice((scripts[1] ?? 0) + 1, scripts[2]).filter((command) => !LONG_LIVED.has(command));
}

describe("the git processes that a hand-off spawns", () => {
  it("are two when nothing was changed", async () => {
    expect(await commandsOf("true")).toEqual(["ls-files", "read-tree"]);
  });

  it("are four when files were changed", async () => {
    const commands = await commandsOf('echo "$TRAILHAND_STATE" >work.txt');
    expect(commands).toEqual(["ls-files", "add", "write-tree", "read-tree"]);
  });

  it("are eight when the script has committed", async () => {
    const commands = await commandsOf(
      'echo "$TRAILHAND_STATE" >work.txt; git add work.txt; git -c user.name=x -c user.email=x@example.com commit -qm work',
    );
    expect(commands.toSorted()).toEqual(
      "index-pack log ls-files ls-files pack-objects read-tree read-tree rev-list".split(" "),
    );
  });
});
