/** The pack `plan-execute-verify` end to end: no `done` without evidence for the current files. */
import { describe, expect, it } from "vitest";
import type { Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import {
  ask,
  changedOn,
  headOf,
  packRepo,
  statesOn,
  useAgent,
  usePrograms,
} from "../../support/pack-fixture.ts";

const PACK = "plan-execute-verify";
const REQUEST = "fix: add adds\n\nadd(1, 1) is 0.\n\nState: plan\n";
const FILES = { "package.json": "{}\n", "src/add.js": "a - b\n", "README.md": "add\n" };
const FIX = "echo 'a + b' >src/add.js";
const say = (...lines: string[]) => lines.map((line) => `echo '${line}' >>"$TRAILHAND_OUTPUT"`).join("; ");

/** `npm test` also writes a file, which must not become part of the work. */
const NPM = "touch coverage; if ! grep -q 'a + b' src/add.js; then echo 'add(1, 1) is 0'; exit 1; fi";

function start(execute: string, describing: string): Repo {
  const repo = packRepo(PACK, FILES);
  usePrograms({ npm: NPM });
  useAgent(`case $TRAILHAND_STATE in
plan) echo 'Turn the operator.' ;;
execute) ${execute} ;;
describe) ${describing} ;;
esac`);
  ask(repo, "fix/add", REQUEST);
  return repo;
}

const evidenceOn = (repo: Repo, commit: string): string[] =>
  repo.git("log", "-1", "--format=%(trailers:key=Evidence,valueonly)", commit).split("\n").filter(Boolean);

describe(PACK, () => {
  it("ends with evidence for its final files, from checks of the trusted branch", async () => {
    const repo = start(
      `if grep -q 'add(1, 1) is 0' "$prompt" && grep -q 'tests failed' "$prompt"; then ${FIX}; else echo '// a' >>src/add.js; fi`,
      say("state=done"),
    );
    await run(repo);
    expect(statesOn(repo, "fix/add")).toEqual("plan execute verify execute verify describe done".split(" "));
    const tree = repo.git("rev-parse", "fix/add^{tree}");
    expect(evidenceOn(repo, "fix/add~1")).toEqual([`tests ${tree}`, `whitespace ${tree}`]);
    expect(evidenceOn(repo, "fix/add~3")).toHaveLength(1);
    expect(changedOn(repo, "fix/add")).toEqual(["src/add.js"]);
  });

  it("rejects done from an agent that changed a file after the checks", async () => {
    const repo = start(
      FIX,
      `if grep -q '1.0' README.md; then ${say("state=done")}
elif grep -q '"done" needs evidence for the current files' "$prompt"; then
  echo 1.0 >>README.md; ${say("state=verify")}
else echo 1.0 >>README.md; ${say("state=done")}; fi`,
    );
    await run(repo);
    expect(statesOn(repo, "fix/add")).toEqual("plan execute verify describe verify describe done".split(" "));
    expect(changedOn(repo, "fix/add")).toEqual(["README.md", "src/add.js"]);
  });

  it("rejects done for files that a person changed after the checks", async () => {
    const repo = start(FIX, say("state=done"));
    for (const _ of ["plan", "execute", "verify"]) await run(repo, { once: true });
    repo.git("switch", "-q", "fix/add");
    repo.write("src/add.js", "a * b\n");
    repo.commit("fix: multiply\n\nState: describe\n");
    repo.git("switch", "-q", "main");
    await run(repo);
    expect(statesOn(repo, "fix/add").at(-1)).toBe("parked");
    expect(headOf(repo, "fix/add")).toContain("and this is missing: tests, whitespace");
  });

  it.each([
    [
      "gives evidence itself",
      say("evidence=tests whitespace"),
      'the state "execute" may not give evidence for "tests"',
    ],
    [
      "edits the checks",
      "printf '#!/bin/sh\\n' >states/verify; git commit -qam 'fix: verify'",
      "execute may not change states/verify",
    ],
    ["claims to be done", say("state=done"), '"done" may not follow'],
  ])("parks a worker that %s", async (_, execute, why) => {
    const repo = start(`${execute}; ${FIX}`, say("state=done"));
    await run(repo);
    expect(statesOn(repo, "fix/add")).toEqual(["plan", "execute", "parked"]);
    expect(headOf(repo, "fix/add")).toContain(why);
    expect(changedOn(repo, "fix/add")).toEqual([]);
  });
});
