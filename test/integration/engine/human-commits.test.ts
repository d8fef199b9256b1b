/** A person works on the same branches: their commits and files take precedence, and no work is lost. */
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { leftovers } from "../../support/crash-runner.ts";
import { answerOf, makeStage, runStage, salvages, type Stage } from "../../support/run-hostile-script.ts";
import { until } from "../../support/until.ts";

const TWO = "states:\n  work: { next: [done, other], retries: 0 }\n  other: { next: done, retries: 0 }\n";
const runs = (stage: Stage) => readFileSync(join(stage.outside, "runs"), "utf8").trim().split("\n").length;
const parked = (stage: Stage) =>
  stage.repo.git("for-each-ref", "--format=%(objectname)", "refs/trailhand/parked");

/** Commits to `topic` without a checkout. */
function push(stage: Stage, message: string): string {
  const { repo } = stage;
  const commit = repo.gitIn(message, "commit-tree", "-p", "topic", "-F", "-", "topic^{tree}");
  repo.git("update-ref", "refs/heads/topic", commit);
  return commit;
}

describe("a person's commit during a run", () => {
  it("ends the script, saves its tree, stays untouched and is run next", async () => {
    const stage = makeStage(
      '[ "$TRAILHAND_STATE" = other ] && exit 0\necho half > half.txt; sh -c "while :; do echo x >> $OUT/ticks; sleep 0.2; done" & touch $OUT/ready; sleep 600',
      { workflow: TWO },
    );
    const { repo } = stage;
    repo.write("states/other", "#!/bin/sh\necho other > other.txt\n", 0o755);
    repo.commit("add other");
    const running = runStage(stage, { options: { pollInterval: { shortestMs: 100, longestMs: 100 } } });
    await until("the script", () => existsSync(join(stage.outside, "ready")));
    const personCommit = push(stage, "fix: by a person\n\nState: other\n");
    const { events } = await running;
    const stopped = events.find((event) => event.kind === "stopped");
    expect(stopped).toMatchObject({
      branch: "topic",
      state: "work",
      why: expect.stringContaining("person") as string,
    });
    expect(salvages(stage)).toHaveLength(1);
    expect(repo.git("show", `${salvages(stage)[0]}:half.txt`)).toBe("half");
    expect(repo.git("rev-parse", "topic~1")).toBe(personCommit);
    expect(answerOf(stage)).toMatchObject({
      state: "done",
      answers: personCommit,
      files: ["kept.txt", "other.txt"],
    });
    expect(leftovers(repo)).toEqual([]);
    const { size } = statSync(join(stage.outside, "ticks"));
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(statSync(join(stage.outside, "ticks")).size).toBe(size);
  });

  it("without a state is left alone", async () => {
    const stage = makeStage("touch $OUT/ready; sleep 600");
    const running = runStage(stage, { options: { pollInterval: { shortestMs: 100, longestMs: 100 } } });
    await until("the script", () => existsSync(join(stage.outside, "ready")));
    const personCommit = push(stage, "fix: by a person\n");
    await running;
    expect(stage.repo.git("rev-parse", "topic")).toBe(personCommit);
    expect(leftovers(stage.repo)).toEqual([]);
  });

  it("that deletes the branch does not bring it back", async () => {
    const stage = makeStage("echo half > half.txt; touch $OUT/ready; sleep 600");
    const running = runStage(stage, { options: { pollInterval: { shortestMs: 100, longestMs: 100 } } });
    await until("the script", () => existsSync(join(stage.outside, "ready")));
    stage.repo.git("branch", "-q", "-D", "topic");
    await running;
    expect(stage.repo.git("for-each-ref", "--format=%(refname:short)", "refs/heads")).toBe("main");
    expect(stage.repo.git("show", `${salvages(stage)[0]}:half.txt`)).toBe("half");
    expect(leftovers(stage.repo)).toEqual([]);
  });

  it("that arrives together with the response takes precedence", async () => {
    const stage = makeStage("echo mine > work.txt");
    let personCommit = "";
    const { events } = await runStage(stage, {
      change: (ports) => {
        const { repository } = ports;
        const commit: typeof repository.commit = (...args) => {
          personCommit = push(stage, "fix: at the last moment\n");
          return repository.commit(...args);
        };
        const bound = new Proxy(repository, {
          get: (target, name) => {
            const member: unknown = name === "commit" ? commit : Reflect.get(target, name, target);
            return typeof member === "function" ? (member.bind(target) as unknown) : member;
          },
        });
        return { ...ports, repository: bound };
      },
    });
    expect(events.at(-1)).toMatchObject({ kind: "stopped", why: "the branch moved" });
    expect(stage.repo.git("rev-parse", "topic")).toBe(personCommit);
    expect(stage.repo.git("show", `${salvages(stage)[0]}:work.txt`)).toBe("mine");
    expect(leftovers(stage.repo)).toEqual([]);
  });
});

describe("a checkout with changes", () => {
  it("blocks its branch until it is clean, and is not touched", async () => {
    const stage = makeStage("echo run >> $OUT/runs; echo done > done.txt");
    const { repo } = stage;
    repo.git("checkout", "-q", "topic");
    writeFileSync(join(repo.dir, "kept.txt"), "mine\n");
    const { events, summary } = await runStage(stage);
    expect(events).toMatchObject([
      { kind: "blocked", branch: "topic", why: expect.stringContaining("has uncommitted changes") as string },
    ]);
    expect(summary.idle).toContainEqual(expect.objectContaining({ kind: "park" }));
    expect(existsSync(join(stage.outside, "runs"))).toBe(false);
    expect(repo.git("rev-parse", "topic")).toBe(stage.request);
    expect(repo.git("for-each-ref", "refs/trailhand")).toBe("");
    expect(readFileSync(join(repo.dir, "kept.txt"), "utf8")).toBe("mine\n");
    repo.git("checkout", "-q", "--", "kept.txt");
    await runStage(stage);
    expect(answerOf(stage).state).toBe("done");
    expect(repo.git("status", "--porcelain")).toBe("");
  });

  it("that appear during the run park the response, and the script does not run again", async () => {
    const stage = makeStage(
      "echo run >> $OUT/runs; echo done > done.txt; touch $OUT/ready; while [ ! -e $OUT/go ]; do sleep 0.2; done",
    );
    const { repo } = stage;
    repo.git("checkout", "-q", "topic");
    const running = runStage(stage);
    await until("the script", () => existsSync(join(stage.outside, "ready")));
    writeFileSync(join(repo.dir, "kept.txt"), "mine\n");
    writeFileSync(join(stage.outside, "go"), "");
    const { events } = await running;
    expect(events.map(({ kind }) => kind)).toContain("blocked");
    expect(repo.git("rev-parse", "topic")).toBe(stage.request);
    expect(parked(stage)).not.toBe("");
    expect(leftovers(repo)).toEqual([]);
    await runStage(stage);
    expect(repo.git("rev-parse", "topic")).toBe(stage.request);
    const answer = parked(stage);
    repo.git("checkout", "-q", "--", "kept.txt");
    await runStage(stage);
    expect(repo.git("rev-parse", "topic")).toBe(answer);
    expect(readFileSync(join(repo.dir, "done.txt"), "utf8")).toBe("done\n");
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(parked(stage)).toBe("");
    expect(runs(stage)).toBe(1);
  });
});
