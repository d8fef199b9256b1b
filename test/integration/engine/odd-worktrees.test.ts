/** Unusual worktrees after a script, and shutdowns at unusual moments: nothing is lost, and nothing hangs. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Runner } from "../../../src/engine/runner.ts";
import { openWorkspace } from "../../../src/app/open-workspace.ts";
import { createRunner } from "../../../src/app/create-runner.ts";
import { leftovers } from "../../support/crash-runner.ts";
import { environmentOf, plainOptions } from "../../support/run-runner.ts";
import { answerOf, makeStage, runStage, salvages } from "../../support/run-hostile-script.ts";

describe("a script that leaves", () => {
  it.each([
    ["an unborn branch", "echo work > work.txt; git checkout -q --orphan new"],
    ["an unborn branch and no files", "git checkout -q --orphan new; git rm -rfq ."],
    ["a .git file that leads nowhere", "mkdir sub; echo 'gitdir: /nowhere' > sub/.git; echo work > work.txt"],
    ["an empty .git folder", "mkdir -p sub/.git; echo work > sub/work.txt; echo work > work.txt"],
    ["a named pipe and a socket", "mkfifo pipe; echo work > work.txt"],
    ["links out of the tree", "ln -s /etc/passwd link; ln -s / root; echo work > work.txt"],
    ["names with newlines", 'printf x > "a\nb"; printf x > ":(exclude)c"; echo work > work.txt'],
    [
      "an encoding that its files are not in",
      "echo '*.txt working-tree-encoding=UTF-16' > .gitattributes; printf 'abc' > work.txt",
    ],
    ["a broken index", 'echo work > work.txt; echo broken > "$(git rev-parse --git-dir)/index"'],
    [
      "a merge half done",
      "git switch -qc other HEAD~1; echo a > kept.txt; git commit -qam a; git switch -q --detach @{-1}; echo b > kept.txt; git commit -qam b; git merge -q other || true; echo work > work.txt",
    ],
  ])("%s is answered or failed, in one attempt", async (_name, script) => {
    const stage = makeStage(script);
    const { summary, events } = await runStage(stage);
    expect(summary.faultCount, JSON.stringify(events)).toBe(0);
    const { state, files } = answerOf(stage);
    if (state === "failed" && !script.includes("rm -rf")) {
      expect(stage.repo.git("ls-tree", "-r", "--name-only", salvages(stage)[0] ?? "none")).toContain(
        "work.txt",
      );
    } else if (state === "done") expect(files).toContain("work.txt");
    expect(["done", "failed"]).toContain(state);
    expect(leftovers(stage.repo)).toEqual([]);
  });

  it("a link instead of its worktree does not lead the runner out of it", async () => {
    const stage = makeStage('d=$PWD; cd ..; mv "$d" "$d.old"; cp "$d.old/.git" $OUT/.git; ln -s $OUT "$d"', {
      workflow: "states:\n  work: { next: done, retries: 1, backoff: 10ms }\n",
    });
    writeFileSync(join(stage.outside, "mine.txt"), "mine\n");
    await runStage(stage);
    expect(existsSync(join(stage.outside, "mine.txt"))).toBe(true);
    for (const ref of salvages(stage)) {
      expect(stage.repo.git("ls-tree", "-r", "--name-only", ref)).not.toContain("mine.txt");
    }
    expect(answerOf(stage).state).toBe("failed");
    expect(leftovers(stage.repo)).toEqual([]);
  });
});

describe("a shutdown", () => {
  it("between the decision and the claim starts no more runs", async () => {
    const stage = makeStage("touch $OUT/started; sleep 600");
    const site = await openWorkspace(stage.repo.dir, environmentOf(stage.repo));
    const { ports, dispose } = createRunner(site, environmentOf(stage.repo), () => undefined);
    const { repository } = ports;
    let stop = (): void => undefined;
    const stopping = new Proxy(repository, {
      get(target, name) {
        if (name === "blocker") stop();
        const member: unknown = Reflect.get(target, name, target);
        return typeof member === "function" ? (member.bind(target) as unknown) : member;
      },
    });
    const runner = new Runner({ ...ports, repository: stopping }, { ...plainOptions, watch: true });
    stop = () => runner.shutdown();
    const { startedCount: started } = await runner.run();
    await dispose();
    expect(started).toBe(0);
    expect(existsSync(join(stage.outside, "started"))).toBe(false);
    expect(leftovers(stage.repo)).toEqual([]);
  }, 10_000);
});
