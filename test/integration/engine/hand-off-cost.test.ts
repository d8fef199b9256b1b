/** The git processes that a hand-off starts, as docs/attempts.md lists them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ask, usePrograms } from "../../support/pack-fixture.ts";
import { makeRepo, temporaryDir } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";

/** The commands of git for the last hand-off of a chain, from its claim to its answer. */
async function commandsOf(script: string): Promise<string[]> {
  const log = join(temporaryDir(), "log");
  const real = process.env["PATH"] ?? "";
  const states = ["a", "b", "c"].map((name) => [`states/${name}`, `#!/bin/sh\nPATH='${real}'\n${script}\n`]);
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
  const swaps = commands.flatMap((command, at) => (command === "update-ref" ? [at] : []));
  return commands.slice((swaps.at(-3) ?? 0) + 1, (swaps.at(-1) ?? 0) + 1);
}

/** The polls and checks of the engine, which no script changes. */
const ENGINE = new Set(["for-each-ref", "log", "commit-tree", "merge-base", "update-ref"]);
const onFiles = (commands: readonly string[]): string[] => commands.filter((command) => !ENGINE.has(command));

describe("the git processes on the files of an attempt", () => {
  it("are two when nothing was changed", async () => {
    expect(onFiles(await commandsOf("true"))).toEqual(["read-tree", "ls-files"]);
  });

  it("are four when files were changed", async () => {
    const commands = await commandsOf('echo "$TRAILHAND_STATE" >work.txt');
    expect(onFiles(commands)).toEqual(["read-tree", "ls-files", "add", "write-tree"]);
    expect(commands.length).toBeLessThanOrEqual(17);
  });

  it("are nine when the script has committed", async () => {
    const commands = await commandsOf(
      'echo "$TRAILHAND_STATE" >work.txt; git add work.txt; git -c user.name=x -c user.email=x@example.com commit -qm work',
    );
    expect(onFiles(commands).toSorted()).toEqual(
      "index-pack ls-files ls-files pack-objects read-tree read-tree rev-list rev-list rev-parse".split(" "),
    );
  });
});
