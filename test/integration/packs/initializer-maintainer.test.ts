/** The pack `initializer-maintainer` end to end: set up once, then feature by feature, checked by scripts. */
import { describe, expect, it } from "vitest";
import type { Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, headOf, packRepo, statesOn, useAgent } from "../../support/pack-fixture.ts";

const PACK = "initializer-maintainer";
const BRANCH = "app/new";

/** Two features whose tests look for a file. The bootstrap creates an ignored file. */
const SET_UP = `
mkdir -p features
printf '[ ] add: adds two numbers\\n[ ] sub: subtracts\\n' >FEATURES.txt
for key in add sub; do
  printf '#!/bin/sh\\ntest -f %s.txt\\n' "$key" >"features/$key"
  chmod +x "features/$key"
done
echo ready >.gitignore
echo 'touch ready' >bootstrap.sh`;
const BUILD = `
key=$(sed -n 's/^ *The next feature is \\([a-z]*\\): .*/\\1/p' "$prompt" | tail -n 1)
test -f ready
touch "$key.txt"`;

async function work(initialize: string, maintain: string): Promise<Repo> {
  const repo = packRepo(PACK);
  const text = repo
    .git("show", "main:states/workflow.yml")
    .replace("next: verify", "next: verify\n    retries: 0");
  repo.write("states/workflow.yml", `${text}\n`);
  repo.commit("chore: no second attempts");
  useAgent(`case $TRAILHAND_STATE in\ninitialize)\n${initialize}\n;;\nmaintain)\n${maintain}\n;;\nesac`);
  ask(repo, BRANCH, "feat: a calculator\n\nFor children.\n\nState: initialize\n");
  await run(repo);
  return repo;
}

const features = (repo: Repo, at = BRANCH): string[] =>
  repo
    .git("show", `${at}:FEATURES.txt`)
    .split("\n")
    .map((line) => line.slice(0, 7));

describe(PACK, () => {
  it("sets up once, then builds and verifies one feature at a time", async () => {
    const repo = await work(SET_UP, BUILD);
    expect(statesOn(repo, BRANCH)).toEqual([
      "initialize",
      "open",
      "maintain",
      "verify",
      "maintain",
      "verify",
      "done",
    ]);
    expect(features(repo)).toEqual(["[x] add", "[x] sub"]);
    // Only the first feature passed after its verification.
    expect(features(repo, `${BRANCH}~2`)).toEqual(["[x] add", "[ ] sub"]);
    expect(repo.git("ls-tree", "--name-only", BRANCH)).not.toContain("ready");
  });

  it.each([
    ["the list", "sed 's/ \\] add/x] add/' FEATURES.txt >l && cat l >FEATURES.txt && rm l", "FEATURES.txt"],
    ["a test", "echo 'exit 0' >features/add", "features/add"],
    ["the bootstrap", "echo 'exit 0' >bootstrap.sh", "bootstrap.sh"],
    ["the verifier", "mkdir -p states && echo 'exit 0' >states/verify", "states/verify"],
  ])("fails an attempt of an agent that changes %s", async (_what, change, path) => {
    const repo = await work(SET_UP, `${change}\n${BUILD}`);
    expect(statesOn(repo, BRANCH)).toEqual(["initialize", "open", "maintain", "failed"]);
    expect(headOf(repo, BRANCH)).toContain(path);
    expect(features(repo)).toEqual(["[ ] add", "[ ] sub"]);
  });

  it("repairs a broken feature, and parks after three rejections", async () => {
    const repo = await work(
      SET_UP,
      `
if grep -q 'The tests that failed: add$' "$prompt"; then touch add.txt; exit 0; fi
${BUILD}
if [ "$key" = sub ]; then rm add.txt; fi`,
    );
    expect(statesOn(repo, BRANCH).slice(4)).toEqual(["maintain", "verify", "maintain", "verify", "done"]);
    expect(features(repo)).toEqual(["[x] add", "[x] sub"]);

    const idle = await work(SET_UP, "echo 'it works'");
    expect(statesOn(idle, BRANCH).at(-1)).toBe("parked");
    expect(headOf(idle, BRANCH)).toContain("rejected 3 times");
    expect(features(idle)).toEqual(["[ ] add", "[ ] sub"]);
  });

  it("rejects features marked as done, and tests that pass before anything is built", async () => {
    const cheat = `
if grep -q 'so it tests nothing' "$prompt"; then
  grep -q 'with different keys' "$prompt"
  ${SET_UP}
  exit 0
fi
${SET_UP}
printf '[x] add: adds\\n[ ] sub: subtracts\\n' >FEATURES.txt
printf '#!/bin/sh\\nexit 0\\n' >features/sub`;
    const repo = await work(cheat, BUILD);
    expect(statesOn(repo, BRANCH).slice(0, 4)).toEqual(["initialize", "open", "initialize", "open"]);
    expect(statesOn(repo, BRANCH).at(-1)).toBe("done");
  });

  it("ignores a feature that writes to the list or the response during its test", async () => {
    const repo = await work(
      SET_UP.replace("test -f %s.txt", "test -f %s.txt && sh ./%s.txt").replace(
        '"$key" >"f',
        '"$key" "$key" >"f',
      ),
      `${BUILD}
echo 'printf "[x] add: a\\n[x] sub: b\\n" >FEATURES.txt; [ -z "\${TRAILHAND_OUTPUT:-}" ] || echo state=done >>"$TRAILHAND_OUTPUT"' >"$key.txt"`,
    );
    expect(features(repo, `${BRANCH}~2`)).toEqual(["[x] add", "[ ] sub"]);
    expect(statesOn(repo, BRANCH)).toHaveLength(7);
  });
});
