/** A person works on the same branches: their commits and files take precedence, and no work is lost. */
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { leftovers } from "../../support/crash-runner.ts";
import { answerOf, makeStage, play, salvages, type Stage } from "../../support/run-hostile-script.ts";
import { until } from "../../support/until.ts";

const TWO = "states:\n  work: { next: [done, other], retries: 0 }\n  other: { next: done, retries: 0 }\n";
const runs = (one: Stage) => readFileSync(join(one.outside, "runs"), "utf8").trim().split("\n").length;
const parked = (one: Stage) =>
  one.repo.git("for-each-ref", "--format=%(objectname)", "refs/trailhand/parked");

/** Commits to `topic` without a checkout. */
function push(one: Stage, message: string): string {
  const { repo } = one;
  const commit = repo.gitIn(message, "commit-tree", "-p", "topic", "-F", "-", "topic^{tree}");
  repo.git("update-ref", "refs/heads/topic", commit);
  return commit;
}

describe("a person's commit during a run", () => {
  it("ends the script, saves its tree, stays untouched and is run next", async () => {
    const one = makeStage(
      '[ "$TRAILHAND_STATE" = other ] && exit 0\necho half > half.txt; sh -c "while :; do echo x >> $OUT/ticks; sleep 0.02; done" & touch $OUT/ready; sleep 600',
      { workflow: TWO },
    );
    const { repo } = one;
    repo.write("states/other", "#!/bin/sh\necho other > other.txt\n", 0o755);
    repo.commit("add other");
    const running = play(one, { options: { pollInterval: { shortestMs: 100, longestMs: 100 } } });
    await until("the script", () => existsSync(join(one.outside, "ready")));
    const mine = push(one, "fix: by a person\n\nState: other\n");
    const { events } = await running;
    const stopped = events.find((event) => event.kind === "stopped");
    expect(stopped).toMatchObject({
      branch: "topic",
      state: "work",
      why: expect.stringContaining("person") as string,
    });
    expect(salvages(one)).toHaveLength(1);
    expect(repo.git("show", `${salvages(one)[0]}:half.txt`)).toBe("half");
    expect(repo.git("rev-parse", "topic~1")).toBe(mine);
    expect(answerOf(one)).toMatchObject({ state: "done", answers: mine, files: ["kept.txt", "other.txt"] });
    expect(leftovers(repo)).toEqual([]);
    const { size } = statSync(join(one.outside, "ticks"));
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(statSync(join(one.outside, "ticks")).size).toBe(size);
  });

  it("without a state is left alone", async () => {
    const one = makeStage("touch $OUT/ready; sleep 600");
    const running = play(one, { options: { pollInterval: { shortestMs: 100, longestMs: 100 } } });
    await until("the script", () => existsSync(join(one.outside, "ready")));
    const mine = push(one, "fix: by a person\n");
    await running;
    expect(one.repo.git("rev-parse", "topic")).toBe(mine);
    expect(leftovers(one.repo)).toEqual([]);
  });

  it("that deletes the branch does not bring it back", async () => {
    const one = makeStage("echo half > half.txt; touch $OUT/ready; sleep 600");
    const running = play(one, { options: { pollInterval: { shortestMs: 100, longestMs: 100 } } });
    await until("the script", () => existsSync(join(one.outside, "ready")));
    one.repo.git("branch", "-q", "-D", "topic");
    await running;
    expect(one.repo.git("for-each-ref", "--format=%(refname:short)", "refs/heads")).toBe("main");
    expect(one.repo.git("show", `${salvages(one)[0]}:half.txt`)).toBe("half");
    expect(leftovers(one.repo)).toEqual([]);
  });

  it("that arrives together with the response takes precedence", async () => {
    const one = makeStage("echo mine > work.txt");
    let mine = "";
    const { events } = await play(one, {
      change: (ports) => {
        const { repository } = ports;
        const commit: typeof repository.commit = (...args) => {
          mine = push(one, "fix: at the last moment\n");
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
    expect(one.repo.git("rev-parse", "topic")).toBe(mine);
    expect(one.repo.git("show", `${salvages(one)[0]}:work.txt`)).toBe("mine");
    expect(leftovers(one.repo)).toEqual([]);
  });
});

describe("a checkout with changes", () => {
  it("blocks its branch until it is clean, and is not touched", async () => {
    const one = makeStage("echo run >> $OUT/runs; echo done > done.txt");
    const { repo } = one;
    repo.git("checkout", "-q", "topic");
    writeFileSync(join(repo.dir, "kept.txt"), "mine\n");
    const { events, summary } = await play(one);
    expect(events).toMatchObject([
      { kind: "blocked", branch: "topic", why: expect.stringContaining("has uncommitted changes") as string },
    ]);
    expect(summary.idle).toContainEqual(expect.objectContaining({ kind: "park" }));
    expect(existsSync(join(one.outside, "runs"))).toBe(false);
    expect(repo.git("rev-parse", "topic")).toBe(one.request);
    expect(repo.git("for-each-ref", "refs/trailhand")).toBe("");
    expect(readFileSync(join(repo.dir, "kept.txt"), "utf8")).toBe("mine\n");
    repo.git("checkout", "-q", "--", "kept.txt");
    await play(one);
    expect(answerOf(one).state).toBe("done");
    expect(repo.git("status", "--porcelain")).toBe("");
  });

  it("that appear during the run park the response, and the script does not run again", async () => {
    const one = makeStage(
      "echo run >> $OUT/runs; echo done > done.txt; touch $OUT/ready; while [ ! -e $OUT/go ]; do sleep 0.02; done",
    );
    const { repo } = one;
    repo.git("checkout", "-q", "topic");
    const running = play(one);
    await until("the script", () => existsSync(join(one.outside, "ready")));
    writeFileSync(join(repo.dir, "kept.txt"), "mine\n");
    writeFileSync(join(one.outside, "go"), "");
    const { events } = await running;
    expect(events.map(({ kind }) => kind)).toContain("blocked");
    expect(repo.git("rev-parse", "topic")).toBe(one.request);
    expect(parked(one)).not.toBe("");
    expect(leftovers(repo)).toEqual([]);
    await play(one);
    expect(repo.git("rev-parse", "topic")).toBe(one.request);
    const answer = parked(one);
    repo.git("checkout", "-q", "--", "kept.txt");
    await play(one);
    expect(repo.git("rev-parse", "topic")).toBe(answer);
    expect(readFileSync(join(repo.dir, "done.txt"), "utf8")).toBe("done\n");
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(parked(one)).toBe("");
    expect(runs(one)).toBe(1);
  });
});
