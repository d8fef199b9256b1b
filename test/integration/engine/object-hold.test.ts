/** The objects of a running attempt stay, whatever a person does to its branch and to old objects. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { leftovers } from "../../support/crash-runner.ts";
import { makeStage, runStage } from "../../support/run-hostile-script.ts";

const running = (git: (...args: string[]) => string): string =>
  git("for-each-ref", "--format=%(refname) %(objectname)", "refs/trailhand/running");

it("git gc --prune=now after a forced push keeps the objects of a running attempt", async () => {
  const stage = makeStage(
    `cd REPO; git for-each-ref --format='%(refname) %(objectname)' refs/trailhand/running >$OUT/held
git branch -q -f topic main; git reflog expire --expire=now --all; git gc -q --prune=now
cd "$TRAILHAND_WORKTREE"; git show HEAD:only-here.txt >$OUT/seen; git status --porcelain >>$OUT/seen`,
  );
  const { repo, outside } = stage;
  const script = repo.git("show", "main:states/work").replaceAll("REPO", repo.dir);
  repo.write("states/work", `${script}\n`, 0o755);
  repo.commit("name the repository");
  repo.git("checkout", "-q", "topic");
  repo.write("only-here.txt", "only here\n");
  const request = repo.commit("more\n\nState: work\n");
  repo.git("checkout", "-q", "main");
  await runStage(stage);
  expect(readFileSync(join(outside, "held"), "utf8").trim().split(" ")[1]).toBe(request);
  expect(readFileSync(join(outside, "seen"), "utf8")).toBe("only here\n");
  expect(running((...args) => repo.git(...args))).toBe("");
});

it("an attempt that cannot be prepared holds no objects, and leaves no folder", async () => {
  const stage = makeStage("true");
  const { summary } = await runStage(stage, {
    change: (ports) => {
      // A fault of the runner in the middle of the preparation, after the objects are held.
      const open = ports.trees.open.bind(ports.trees);
      ports.trees.open = (run, request, needs) => open(run, request, { ...needs, bring: undefined as never });
      return ports;
    },
  });
  expect(summary.faultCount).toBeGreaterThan(0);
  // The lease stays: it counts the attempt.
  expect(leftovers(stage.repo).filter((name) => name.startsWith("folder "))).toEqual([]);
  expect(running((...args) => stage.repo.git(...args))).toBe("");
});
