/** Lanes with weights, quotas, hours and closing: what runs, what waits, and why. */
import { describe, expect, it } from "vitest";
import { makeRepo, type Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";

function prepare(lanes: string, states: string, scripts: Readonly<Record<string, string>>): Repo {
  const repo = makeRepo();
  repo.write(
    "states/workflow.yml",
    `lanes: ${lanes}\nstart: [${Object.keys(scripts).join(", ")}]\nstates:\n${states}`,
  );
  for (const [name, text] of Object.entries(scripts))
    repo.write(`states/${name}`, `#!/bin/sh\n${text}\n`, 0o755);
  repo.commit("chore: states");
  return repo;
}

function ask(repo: Repo, branch: string, state: string, trailers = ""): void {
  repo.git("switch", "-q", "-c", branch, "main");
  repo.request(`feat: ${branch}\n\nState: ${state}\n${trailers}`);
  repo.git("switch", "-q", "main");
}

const state = (repo: Repo, branch: string) =>
  repo.git("log", "-1", "--format=%(trailers:key=State,valueonly)", branch).trim();
const refs = (repo: Repo, kind: string) =>
  repo.git("for-each-ref", "--format=%(refname)", `refs/trailhand/${kind}`).split("\n").filter(Boolean);
/** Records the taken lane slots while a script runs. */
const LIST = 'git ls-remote origin "refs/trailhand/lanes/*" | cut -f 2 >places.txt';

describe("lane slots", () => {
  it("of two lanes and a weight are taken at once, and all are released", async () => {
    const repo = prepare(
      "{ cpu: 4, agents: 2 }",
      "  work: { next: done, lane: [agents, cpu], weight: 2 }\n",
      { work: LIST },
    );
    repo.git("remote", "add", "origin", repo.dir);
    ask(repo, "heavy", "work");
    await run(repo);
    const held = repo.git("show", "heavy:places.txt").split("\n");
    expect(held.filter((ref) => ref.includes("/agents/"))).toHaveLength(2);
    expect(held.filter((ref) => ref.includes("/cpu/"))).toHaveLength(2);
    expect(refs(repo, "lanes")).toEqual([]);
  });

  it("are not taken for a response without a script", async () => {
    const repo = prepare(
      "{ one: 1 }",
      "  work: { next: done, lane: one, wait: after 1ms, deadline: 1d, otherwise: done }\n",
      {},
    );
    repo.write(
      "states/workflow.yml",
      repo.git("show", "main:states/workflow.yml").replace("start: []", "start: work"),
    );
    repo.commit("chore: start");
    repo.git("update-ref", "refs/trailhand/lanes/one/0", "main");
    ask(repo, "timer", "work");
    await run(repo);
    expect(state(repo, "timer")).toBe("done");
  });
});

describe("a quota", () => {
  it("of runs lets that many start within its window, and reports when it opens again", async () => {
    const repo = prepare("{ model: { runs: 2, window: 1h } }", "  work: { next: done, lane: model }\n", {
      work: ":",
    });
    for (const branch of ["a", "b", "c"]) ask(repo, branch, "work");
    const { summary } = await run(repo);
    expect(["a", "b", "c"].map((branch) => state(repo, branch)).toSorted()).toEqual(["done", "done", "work"]);
    expect(refs(repo, "used")).toHaveLength(2);
    const waiting = summary.idle.find(({ why }) => why.code === "lane-closed");
    expect(waiting?.why).toMatchObject({ detail: "model" });
  });

  it("of money and tokens stops the next run once they are spent", async () => {
    const repo = prepare(
      "{ model: { cost: 1, tokens: 5000, window: 1d } }",
      "  work: { next: done, lane: model }\n",
      {
        work: 'printf "cost=0.6\\ntokens=10\\n" >>"$TRAILHAND_OUTPUT"',
      },
    );
    for (const branch of ["a", "b", "c"]) ask(repo, branch, "work");
    await run(repo, { concurrency: 1 });
    expect(["a", "b", "c"].map((branch) => state(repo, branch))).toEqual(["done", "done", "work"]);
  });
});

describe("a lane", () => {
  it("that a rate limit closed holds up all of its requests without using an attempt, and no other lane", async () => {
    const repo = prepare(
      "{ model: { slots: 1, closes: true } }",
      "  work: { next: done, lane: model, retries: 0 }\n  free: { next: done }\n",
      { work: 'echo retry-after=3600 >>"$TRAILHAND_OUTPUT"; exit 75', free: ":" },
    );
    ask(repo, "a", "work", "Priority: 5\n");
    await run(repo, { once: true });
    ask(repo, "b", "work");
    ask(repo, "c", "free");
    const { summary, events } = await run(repo, { once: true });
    expect(state(repo, "c")).toBe("done");
    expect(events.filter(({ kind }) => kind === "claimed")).toHaveLength(1);
    const codes = Object.fromEntries(summary.idle.map(({ head, why }) => [head.branch, why.code]));
    expect(codes).toMatchObject({ a: "resting", b: "lane-closed" });
    expect(refs(repo, "closed")).toEqual(["refs/trailhand/closed/model"]);
  });
});
