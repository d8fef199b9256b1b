/** The pack `research-implement-verify` end to end: facts, the smallest change, trusted checks. */
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

const PACK = "research-implement-verify";
const FILES = {
  "package.json": '{ "private": true }\n',
  "src/add.js": "exports.add = (a, b) => {\n  return a - b;\n};\n",
};
const REQUEST = "fix: add adds\n\nadd(1, 1) is 0.\n\nState: research\n";
const FACTS =
  "echo 'src/add.js:2: it subtracts'\necho 'src/add.js:99: there is no such line'\necho 'chatter'";
const FIX = "sed -i.bak 's/a - b/a + b/' src/add.js && rm src/add.js.bak && echo 'one operator'";
const NPM = `[ "$1" = test ] && grep -q 'a + b' src/add.js`;

const agent = (research: string, implement: string) =>
  `case $TRAILHAND_STATE in
research)
${research}
;;
implement)
${implement}
;;
esac`;

async function work(research: string, implement: string): Promise<Repo> {
  const repo = packRepo(PACK, FILES);
  usePrograms({ npm: NPM });
  useAgent(agent(research, implement));
  ask(repo, "fix/add", REQUEST);
  await run(repo);
  return repo;
}

describe(PACK, () => {
  it("collects facts, changes one line, and runs the tests", async () => {
    const repo = await work(FACTS, `grep -q '^- src/add.js:2: it subtracts' "$prompt"\n${FIX}`);
    expect(statesOn(repo, "fix/add")).toEqual(["research", "implement", "verify", "done"]);
    expect(changedOn(repo, "fix/add")).toEqual(["src/add.js"]);
    const facts = repo.git("log", "-1", "--format=%B", "fix/add~2");
    expect(facts).toContain("research: 1 facts, implement is next");
    expect(facts).not.toContain("no such line");
    expect(headOf(repo, "fix/add")).toContain("Passed: tests whitespace.");
  });

  it("rejects research that changes a file, and restores the file", async () => {
    const repo = await work(`${FIX}\n${FACTS}`, FIX);
    expect(statesOn(repo, "fix/add")).toEqual(["research", "research", "research", "parked"]);
    expect(headOf(repo, "fix/add")).toContain("research may not change files, but it changed:");
    expect(changedOn(repo, "fix/add")).toEqual([]);
  });

  it("rejects research without a provable fact", async () => {
    const repo = await work("echo 'src/add.js:99: no'\necho '../../etc/passwd:1: no'", FIX);
    expect(statesOn(repo, "fix/add").at(-1)).toBe("parked");
    expect(headOf(repo, "fix/add")).toContain("that names an existing line");
  });

  it("never runs scripts that the agent writes to states/, and rejects the change", async () => {
    const repo = await work(
      FACTS,
      `if grep -q 'the agent may not change these paths' "$prompt"; then
  test ! -e states/checks/mine
  ${FIX}
else
  printf '#!/bin/sh\\nexit 0\\n' >states/checks/tests
  printf '#!/bin/sh\\ntouch "$HOME/owned"\\n' >states/checks/mine
  printf '#!/bin/sh\\necho state=done >"$TRAILHAND_OUTPUT"\\n' >states/verify
  chmod +x states/checks/mine
  git add --all && git commit -q -m 'easier checks'
fi`,
    );
    expect(statesOn(repo, "fix/add")).toEqual([
      "research",
      "implement",
      "verify",
      "implement",
      "verify",
      "done",
    ]);
    expect(changedOn(repo, "fix/add")).toEqual(["src/add.js"]);
    const rejection = repo.git("log", "-1", "--format=%B", "fix/add~2");
    expect(rejection).toContain("states/checks/mine");
    expect(rejection).not.toContain("passed");
  });

  it("rejects a change to files that decide which tests run", async () => {
    const repo = await work(FACTS, `echo '{"scripts":{"test":"true"}}' >package.json`);
    expect(statesOn(repo, "fix/add").at(-1)).toBe("parked");
    expect(headOf(repo, "fix/add")).toContain("package.json");
    expect(changedOn(repo, "fix/add")).toEqual([]);
  });

  it("rejects a large change, even as binary files, and one that fails the tests", async () => {
    const repo = await work(
      FACTS,
      `if grep -q 'tests failed:' "$prompt"; then
  ${FIX}
elif grep -q 'lines changed; at most 200 are allowed' "$prompt"; then
  echo '// later' >>src/add.js
else
  echo '* -diff' >.gitattributes
  seq 300 >src/table.js
fi`,
    );
    expect(statesOn(repo, "fix/add")).toEqual([
      "research",
      "implement",
      "verify",
      "implement",
      "verify",
      "implement",
      "verify",
      "done",
    ]);
    expect(changedOn(repo, "fix/add")).toEqual(["src/add.js"]);
  });

  it("retries later when the agent exits with 75", async () => {
    const repo = packRepo(PACK, FILES);
    useAgent("exit 75");
    ask(repo, "fix/add", REQUEST);
    const { events } = await run(repo, { once: true });
    expect(events.find((event) => event.kind === "resting")).toMatchObject({ state: "research", ms: 60_000 });
    expect(statesOn(repo, "fix/add")).toEqual(["research"]);
  });
});
