/** `trailhand lanes`, and `trailhand report-check` by its old name `check`. */
import { expect, test } from "vitest";
import { formatClosed, formatLaneRun } from "../../../src/core/scheduling/side-refs.ts";
import { cli, cliIn, cliStart, introduce } from "../../support/run-cli.ts";
import { commitAs } from "../../support/person-commits.ts";
import { ask, makeRemote, sideRefs, trailerOf } from "../../support/bare-remote.ts";
import { makeRepo, type Repo } from "../../support/temp-repo.ts";

const WORKFLOW = `lanes: { agents: 2, api: { runs: 3, cost: 5, window: 2h }, night: { slots: 1, closes: true } }
start: [work, call, sleep, plain]
states:
  work: { next: done, lane: agents }
  call: { next: done, lane: api }
  sleep: { next: done, lane: night }
  plain: { next: done }
`;
const SCRIPTS = Object.fromEntries(
  ["work", "call", "sleep", "plain"].map((name) => [`states/${name}`, "#!/bin/sh\n"]),
);

/** Writes a message to a side ref, as a commit without files. */
function note(repo: Repo, ref: string, message: string): void {
  const tree = repo.gitIn("", "hash-object", "-t", "tree", "-w", "--stdin");
  repo.git("update-ref", ref, repo.gitIn(message, "commit-tree", "-F", "-", tree));
}

interface Lanes {
  readonly lanes: readonly Record<string, unknown>[];
}

test("lanes shows slots, usage, closed lanes and the queue", () => {
  const repo = makeRepo({ ...SCRIPTS, "states/workflow.yml": WORKFLOW });
  const ago = (ms: number) => Date.now() - ms;
  const hour = 3_600_000;
  for (const [branch, state, ms] of [
    ["a", "work", 2 * hour],
    ["b", "work", hour],
    ["c", "plain", 0],
  ] as const) {
    repo.git("branch", branch);
    commitAs(repo, "ann@example.com", `feat: ${branch}\n\nState: ${state}\n`, {
      branch,
      date: new Date(ago(ms)).toISOString(),
    });
  }
  const use = { lane: "api", tokens: 10, cost: 0.5 };
  note(repo, "refs/trailhand/used/api/0", formatLaneRun({ ...use, run: "1", at: ago(hour) }));
  note(repo, "refs/trailhand/used/api/1", formatLaneRun({ ...use, run: "2", at: ago(3 * hour) }));
  note(repo, "refs/trailhand/closed/night", formatClosed("night", Date.now() + hour, "rate limit"));
  note(repo, "refs/trailhand/lanes/agents/1", "not a Trailhand lease\n");

  const { out } = cli(repo, "lanes");
  const row = (name: string) => out.split("\n").find((line) => line.startsWith(`${name} `));
  expect(row("agents")).toMatch(/^agents +1\/2 +- +- +2 +2h/);
  expect(row("api")).toMatch(/^api +0 +1\/3 runs, 0.5\/5 USD in 2h +- +0 +-$/);
  expect(row("night")).toMatch(/^night +0\/1 +- +for (59m \d+s|1h) more +0 +-$/);
  expect(row("default")).toMatch(/^default +0 +- +- +1 +/);

  const { lanes } = JSON.parse(cli(repo, "lanes", "--json").out) as Lanes;
  expect(lanes.map(({ name }) => name)).toEqual(["agents", "api", "night", "default"]);
  expect(lanes[0]).toMatchObject({ taken: 1, places: 2, used: null, waiting: 2, closedUntil: null });
  expect(lanes[1]).toMatchObject({ used: { runs: 1, tokens: 10, cost: 0.5 }, windowMs: 2 * hour });
  expect(Number(lanes[0]?.["oldestMs"])).toBeGreaterThan(2 * hour - 5000);
  expect(cli(repo, "doctor").out).toMatch(/lane: night is closed for .* more/);
});

const CHECKED = {
  "states/work": "#!/bin/sh\n",
  "states/workflow.yml":
    "states:\n  work: { next: done, wait: [check ci, check docs/lint], deadline: 1h, otherwise: failed }\n",
};
const ASK = "feat: a thing\n\nState: work\n";
const trailer = (repo: Repo, key: string) =>
  repo.git("log", "-1", `--format=%(trailers:key=${key},valueonly)`, "topic").trim();

test("checks of the same commit are recorded together, and the work continues when all passed", () => {
  const repo = introduce(makeRepo(CHECKED));
  repo.git("branch", "topic");
  commitAs(repo, "ann@example.com", ASK);
  const old = cli(repo, "check", "ci", "success", "topic");
  expect(old).toMatchObject({ code: 0, err: "" });
  const commit = commitAs(repo, "ann@example.com", ASK.replace("a thing", "another"));
  expect(cli(repo, "status").out).toContain("waits for the check ci; waits for the check docs/lint");
  expect(cli(repo, "gc").out).toContain("checks of an earlier head");
  const stale = cli(repo, "check", "ci", "failure", "topic", "--commit", "0".repeat(40));
  expect([stale.code, stale.err]).toEqual([3, expect.stringContaining("no longer at 000000000000")]);
  const said = cli(repo, "check", "docs/lint", "skipped", "topic", "--json").out;
  expect(JSON.parse(said)).toEqual({ branch: "topic", commit, name: "docs/lint", conclusion: "skipped" });
  expect(cli(repo, "status").out).toContain("waits for the check ci");
  expect(cli(repo, "check", "ci", "neutral", "topic").code).toBe(0);
  expect(cli(repo, "check", "ci", "neutral", "topic").code).toBe(0);
  const ref = repo.git("for-each-ref", "--format=%(refname)", "refs/trailhand/checks");
  expect(repo.git("log", "-1", "--format=%(trailers:key=Check,valueonly)", ref).trim()).toBe(
    "docs/lint=skipped\nci=neutral",
  );
  expect(cli(repo, "gc").out).not.toContain("checks");
  expect(cli(repo, "run").code).toBe(0);
  expect(trailer(repo, "State")).toBe("done");
  repo.git("branch", "-D", "topic");
  expect(cli(repo, "gc").out).toContain("checks of a branch that is gone");
  expect(cli(repo, "gc", "--prune").code).toBe(0);
  expect(repo.git("for-each-ref", "refs/trailhand/checks")).toBe("");
});

test("a failed check leads to the state in `otherwise`", () => {
  const repo = introduce(makeRepo(CHECKED));
  repo.git("branch", "topic");
  commitAs(repo, "ann@example.com", ASK);
  cli(repo, "check", "ci", "timed_out", "topic");
  expect(cli(repo, "status").out).toContain("will be answered with failed: the check ci ended as timed_out");
  expect(cli(repo, "run", "--dry-run").out).toContain("would answer failed: the check ci ended as timed_out");
  const rows = JSON.parse(cli(repo, "run", "--dry-run", "--json").out) as Record<string, unknown>[];
  expect(rows.find(({ branch }) => branch === "topic")).toMatchObject({
    decision: "run",
    known: { state: "failed", why: "the check ci ended as timed_out" },
  });
  expect(cli(repo, "doctor").out).toContain(
    "the check ci ended as timed_out; failed follows at the next run",
  );
  cli(repo, "run");
  expect(trailer(repo, "State")).toBe("failed");
});

test("checks that are reported at the same time are all kept", async () => {
  const repo = introduce(makeRepo(CHECKED));
  repo.git("branch", "topic");
  commitAs(repo, "ann@example.com", ASK);
  const names = ["a", "b", "c", "d", "e"];
  const codes = names.map((name) => {
    const child = cliStart(repo, {}, "check", name, "success", "topic");
    return new Promise<number | null>((resolve) => child.once("exit", resolve));
  });
  expect(await Promise.all(codes)).toEqual(names.map(() => 0));
  const ref = repo.git("for-each-ref", "--format=%(refname)", "refs/trailhand/checks");
  const kept = repo.git("log", "-1", "--format=%(trailers:key=Check,valueonly)", ref).trim().split("\n");
  expect(kept.toSorted()).toEqual(names.map((name) => `${name}=success`));
});

test("a check reported after an approval is bound to the approved request", () => {
  const workflow =
    "states:\n  work: { next: done, wait: [check ci, approvals 1], deadline: 1h, otherwise: failed }\n";
  const repo = introduce(makeRepo({ ...CHECKED, "states/workflow.yml": workflow }));
  repo.git("branch", "topic");
  const asked = commitAs(repo, "bob@example.com", ASK);
  expect(cli(repo, "approve", "topic").code).toBe(0);
  expect(JSON.parse(cli(repo, "check", "ci", "success", "topic", "--json").out)).toMatchObject({
    commit: asked,
  });
  expect(cli(repo, "gc").out).not.toContain("checks");
  cli(repo, "run");
  expect(trailer(repo, "State")).toBe("done");
});

test("an invalid check name or conclusion is rejected, with the nearest valid conclusion", () => {
  const repo = introduce(makeRepo(CHECKED));
  expect(cli(repo, "check", "c i", "success").err).toContain('"c i" is not a valid check name');
  const said = cli(repo, "check", "ci", "sucess");
  expect(said.code).toBe(2);
  expect(said.err).toContain('Did you mean "success"?');
  expect(said.err).toContain("timed_out, action_required");
});

test("check and lanes work at a remote", () => {
  const stage = makeRemote(CHECKED);
  ask(stage, "topic", ASK);
  const hand = (...args: string[]) =>
    cliIn(
      stage.person.dir,
      { XDG_CACHE_HOME: stage.machine("hand")["XDG_CACHE_HOME"] ?? "" },
      ...args,
      "-r",
      "origin",
    );
  expect(hand("check", "ci", "success", "topic").code).toBe(0);
  expect(hand("check", "docs/lint", "success", "topic").code).toBe(0);
  expect(sideRefs(stage, "checks")).toHaveLength(1);
  expect(hand("lanes").out).toMatch(/^default +0 /m);
  expect(hand("run").code).toBe(0);
  expect(trailerOf(stage, "topic", "State")).toBe("done");
  expect(stage.person.git("for-each-ref", "refs/trailhand")).toBe("");
});
