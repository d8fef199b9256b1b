/** How status, log, cancel, doctor and gc handle children, spending and side refs. */
import { expect, test } from "vitest";
import { formatClosed, formatLaneRun } from "../../../src/core/scheduling/side-refs.ts";
import { cli, introduce } from "../../support/run-cli.ts";
import { commitAs } from "../../support/person-commits.ts";
import { makeRepo, type Repo } from "../../support/temp-repo.ts";

const WORKFLOW = `start: [work, part]
states:
  work: { next: join, children: 9 }
  join: { next: done, wait: children all, deadline: 10d, otherwise: failed }
  part: { next: done, wait: approvals 1, deadline: 10d, otherwise: failed }
`;
const FAN_OUT = `#!/bin/sh
echo cost=0.25 >>"$TRAILHAND_OUTPUT"
echo tokens=1200 >>"$TRAILHAND_OUTPUT"
echo 'children=[{"key":"auth","state":"part","subject":"feat: auth"},{"key":"db","state":"part"},{"key":"ui","state":"part"}]' >>"$TRAILHAND_OUTPUT"
`;

function prepare(): Repo {
  const files = { "states/work": FAN_OUT, "states/part": "#!/bin/sh\n", "states/workflow.yml": WORKFLOW };
  const repo = introduce(makeRepo(files));
  cli(repo, "request", "work", "--new", "topic", "-m", "feat: a thing");
  cli(repo, "run");
  return repo;
}

const state = (repo: Repo, branch: string) =>
  repo.git("log", "-1", "--format=%(trailers:key=State,valueonly)", branch).trim();

test("status and log show pending children, spending and approvals", () => {
  const repo = prepare();
  const status = cli(repo, "status");
  expect(status.out).toContain("waits for 3 of 3 children: auth, db, ui");
  expect(cli(repo, "status", "--needs-me").out).toMatch(
    /topic\.ui +part +person .*waits for 1 approval .*trailhand approve topic\.ui/,
  );
  expect(cli(repo, "approve", "topic.ui").code).toBe(0);
  cli(repo, "run");
  expect(cli(repo, "status").out).toContain("waits for 2 of 3 children: auth, db");
  const log = cli(repo, "log", "topic").out;
  expect(log).toMatch(/^spent +0.25 USD, 1200 tokens/m);
  expect(log).toMatch(/^child +topic\.auth +part +feat: auth/m);
  expect(log).toMatch(/^child +topic\.ui +done/m);
  expect(cli(repo, "log", "topic.ui").out).toMatch(/^was approved +ann@example.com/m);
  const json = JSON.parse(cli(repo, "log", "topic", "--json").out) as Record<string, unknown>;
  expect(json).toMatchObject({
    spent: { cost: 0.25, tokens: 1200 },
    children: [{ key: "auth", fate: "going" }, { key: "db" }, { key: "ui", fate: "done" }],
  });
  expect((json["steps"] as unknown[]).length).toBe(2);
  expect(cli(repo, "log", "topic", "--limit", "1").out).toMatch(/^spent /m);
});

test("cancel lists the children that it cancels, and finished children stay unchanged", () => {
  const repo = prepare();
  cli(repo, "approve", "topic.ui");
  cli(repo, "run");
  const said = cli(repo, "cancel", "topic");
  expect(said.err).toContain("2 children are cancelled with it by the next run: topic.auth, topic.db");
  expect(cli(repo, "run", "--dry-run").out).toContain("would answer cancelled: topic was cancelled");
  cli(repo, "run");
  expect(["topic.auth", "topic.db", "topic.ui"].map((branch) => state(repo, branch))).toEqual([
    "cancelled",
    "cancelled",
    "done",
  ]);
  const alone = prepare();
  expect(cli(alone, "cancel", "topic.db").err).toBe("");
  expect(JSON.parse(cli(alone, "cancel", "topic", "--json").out)).toMatchObject({
    children: ["topic.auth", "topic.ui"],
  });
});

test("doctor reports waits that are near or past their deadline", () => {
  const repo = prepare();
  expect(cli(repo, "doctor").out).not.toContain("wait:");
  const ask = (days: number) =>
    commitAs(repo, "ann@example.com", "feat: x\n\nState: part\n", {
      branch: "late",
      parent: "main",
      date: new Date(Date.now() - days * 86_400_000).toISOString(),
    });
  ask(9);
  expect(cli(repo, "doctor").out).toMatch(/wait: late waits for 1 approval, for 23h 59m more/);
  ask(11);
  expect(cli(repo, "doctor").out).toContain(
    "wait: late: gave up after 10d: waits for 1 approval; failed follows at the next run",
  );
});

test("gc removes outdated lane notes and orphaned shadows, and keeps archives", () => {
  const workflow = `lanes: { api: { runs: 3, window: 2h } }\n${WORKFLOW.replace("next: join,", "next: join, lane: api,")}`;
  const repo = introduce(
    makeRepo({ "states/work": FAN_OUT, "states/part": "#!/bin/sh\n", "states/workflow.yml": workflow }),
  );
  const tree = repo.gitIn("", "hash-object", "-t", "tree", "-w", "--stdin");
  const note = (ref: string, message: string) =>
    repo.git("update-ref", `refs/trailhand/${ref}`, repo.gitIn(message, "commit-tree", "-F", "-", tree));
  const hour = 3_600_000;
  const use = { run: "r", tokens: 0, cost: 0 };
  note("used/api/0", formatLaneRun({ ...use, lane: "api", at: Date.now() - hour }));
  note("used/api/1", formatLaneRun({ ...use, lane: "api", at: Date.now() - 3 * hour }));
  note("used/gone/0", formatLaneRun({ ...use, lane: "gone", at: Date.now() }));
  note("closed/api", formatClosed("api", Date.now() + hour, "busy"));
  note("closed/old", formatClosed("old", Date.now() - hour, "busy"));
  note("archive/landed", "feat: landed long ago\n");
  const shadow = "shadow: work on away\n\nBranch: away\nRequest: 1\nRun: r\n";
  note("shadow/away/r", shadow);
  const found = () =>
    (
      JSON.parse(cli(repo, "gc", "--keep-days", "0", "--json").out) as {
        garbage: { kind: string; name: string; why: string }[];
      }
    ).garbage
      .filter(({ kind }) => kind === "ref")
      .map(({ name, why }) => `${name.slice("refs/trailhand/".length)}: ${why}`)
      .toSorted();
  // The age of a shadow is counted in whole seconds.
  repo.git(
    "update-ref",
    "refs/trailhand/shadow/away/r",
    repo.gitIn(shadow, "-c", "core.abbrev=40", "commit-tree", "-F", "-", tree),
  );
  const wanted = [
    "closed/old: a lane that is open again",
    "shadow/away/r: its branch is gone",
    "used/api/1: a run outside the window of its lane",
    "used/gone/0: a run in a lane without a quota",
  ];
  expect(found()).toEqual(wanted);
  expect(cli(repo, "gc").out).not.toContain("shadow/away");
  expect(cli(repo, "gc", "--keep-days", "0", "--prune").code).toBe(0);
  expect(found()).toEqual([]);
  expect(repo.git("for-each-ref", "--format=%(refname)", "refs/trailhand").split("\n")).toEqual([
    "refs/trailhand/archive/landed",
    "refs/trailhand/closed/api",
    "refs/trailhand/used/api/0",
  ]);
});

test("gc keeps lane notes while the workflow is invalid", () => {
  const repo = introduce(makeRepo({ "states/work": "#!/bin/sh\n", "states/workflow.yml": "states: 3\n" }));
  const tree = repo.gitIn("", "hash-object", "-t", "tree", "-w", "--stdin");
  const message = formatLaneRun({ run: "r", tokens: 0, cost: 0, lane: "api", at: 0 });
  repo.git("update-ref", "refs/trailhand/used/api/0", repo.gitIn(message, "commit-tree", "-F", "-", tree));
  expect(cli(repo, "gc").out).not.toContain("used/");
});
