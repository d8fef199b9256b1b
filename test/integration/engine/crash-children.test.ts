/** A runner that is killed anywhere during a fan-out, its join and its landing: none is ever half done. */
import { describe, expect, it } from "vitest";
import { buildCrashRunner, eachStep, leftovers, startCrashRunner } from "../../support/crash-runner.ts";
import { makeRepo, type Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { stride } from "../../support/scale.ts";

const WORKFLOW = `start: [split, part]
lanes: { parts: 1, model: { runs: 40 } }
states:
  split: { next: gather, lane: [model, parts], children: 2 }
  part: { next: done, lane: [parts, model] }
  gather: { wait: children all, deadline: 1d, otherwise: parked, next: land }
  land: { next: done, land: true }
`;
const SPLIT = `#!/bin/sh
cat >>"$TRAILHAND_OUTPUT" <<'END'
children<<LIST
[{"key": "a", "state": "part"}, {"key": "b", "state": "part"}]
LIST
END
`;
const PART = '#!/bin/sh\necho "$TRAILHAND_BRANCH" >"${TRAILHAND_BRANCH##*.}.txt"\n';
const LAND = `#!/bin/sh
set -e
git checkout -q --detach "$TRAILHAND_TARGET_COMMIT"
for key in a b; do git show "$TRAILHAND_BRANCH.$key:$key.txt" >"$key.txt"; done
git add --all
git commit -q -m "feat: both parts"
echo "land=$(git rev-parse HEAD)" >>"$TRAILHAND_OUTPUT"
git checkout -q --detach "$TRAILHAND_COMMIT"
`;
/** Steps between two crashes: the whole sequence has hundreds of steps. */
const STRIDE = stride(40);

function makeCase(): Repo {
  const repo = makeRepo({ "notes.txt": "first\n" });
  repo.write("states/workflow.yml", WORKFLOW);
  for (const [name, text] of Object.entries({ split: SPLIT, part: PART, land: LAND }))
    repo.write(`states/${name}`, text, 0o755);
  repo.commit("chore: states");
  repo.git("checkout", "-q", "-b", "topic");
  repo.request("feat: two parts\n\nState: split\n");
  repo.git("checkout", "-q", "-b", "elsewhere", "main");
  return repo;
}

const trailers = (repo: Repo, key: string, range: string) =>
  repo
    .git("log", "--first-parent", `--format=%(trailers:key=${key},valueonly,separator=%x2C)`, range)
    .split("\n")
    .filter((line) => line !== "");
const refs = (repo: Repo, ...patterns: string[]) =>
  repo
    .git("for-each-ref", "--format=%(refname)", ...patterns)
    .split("\n")
    .filter(Boolean);

/** Invariants after a crash at any time. */
function expectNothingHalfDone(repo: Repo, where: string): void {
  const handedOut = trailers(repo, "Children", "main..topic").length > 0;
  expect(refs(repo, "refs/heads/topic.*").length, `${where}: children come with their answer`).toBe(
    handedOut ? 2 : 0,
  );
  const landed = repo.git("log", "--format=%s", "main").includes("feat: both parts");
  const done = trailers(repo, "State", "main..topic").includes("done");
  expect(landed, `${where}: it lands with its answer`).toBe(done);
  expect(refs(repo, "refs/trailhand/archive").length, where).toBe(done ? 1 : 0);
}

describe("a runner that is killed among parents and children", () => {
  it("leaves nothing half done, and the next runner finishes everything once", async () => {
    const program = await buildCrashRunner();
    const steps = await eachStep(2, async (count) => {
      const repo = makeCase();
      const where = `killed at step ${count * STRIDE}`;
      const { code, signal } = await startCrashRunner(program, repo, count * STRIDE).ended;
      expectNothingHalfDone(repo, where);
      if (signal === null) {
        expect(code).toBe(0);
        return false;
      }
      const { summary } = await run(repo);
      expect(summary.faultCount, where).toBe(0);
      expectNothingHalfDone(repo, where);
      expect(
        trailers(repo, "State", "main..topic").filter((state) => state === "done"),
        where,
      ).toHaveLength(1);
      expect(repo.git("show", "main:b.txt"), where).toBe("topic.b");
      const answers = [
        ...trailers(repo, "Answers", "main..topic"),
        ...trailers(repo, "Answers", "topic~2..topic.a"),
      ];
      expect(new Set(answers).size, where).toBe(answers.length);
      expect([...leftovers(repo), ...refs(repo, "refs/trailhand/lanes")], where).toEqual([]);
      return true;
    });
    expect(steps * STRIDE).toBeGreaterThan(200);
  });
});
