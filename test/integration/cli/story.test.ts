import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cli, introduce } from "../../support/run-cli.ts";
import { makeRepo } from "../../support/temp-repo.ts";

interface Listed {
  readonly branches: readonly object[];
  readonly reading: { readonly doubt: object };
}

const json = (text: string): Listed => JSON.parse(text) as Listed;

test("the steps of the README lead from an empty repository to a finished branch", () => {
  const repo = introduce(makeRepo({ Makefile: "test:\n\ttest ! -e broken\n" }));
  const init = cli(repo, "init");
  expect(init.code).toBe(0);
  expect(init.out).toContain("wrote states/workflow.yml");
  expect(init.err).toContain("trailhand request check --new try-it");
  repo.commit("Add Trailhand's states");

  expect(
    cli(repo, "request", "check", "--new", "try-it", "-m", "Try Trailhand", "-m", "A prompt.").code,
  ).toBe(0);
  expect(cli(repo, "run", "--dry-run").out).toContain("ready to run");
  const ran = cli(repo, "run");
  expect(ran.err).toContain("try-it: check → review");
  expect(ran.code).toBe(0);

  const [row] = json(cli(repo, "status", "--needs-me", "--json").out).branches;
  expect(row).toMatchObject({ branch: "try-it", state: "review", turn: "person", code: "person" });
  expect(cli(repo, "request", "integrate", "--branch", "try-it").code).toBe(0);
  expect(cli(repo, "run").err).toContain("try-it: integrate → done");
  const log = cli(repo, "log", "try-it");
  expect(log.out).toContain("● check");
  expect(log.out).toContain("check → review");
  expect(log.out).toContain("integrate → done");
  expect(repo.git("log", "-1", "--format=%b", "try-it")).toContain("git merge --ff-only try-it");
  repo.git("merge", "-q", "--ff-only", "try-it");
  expect(cli(repo, "status").out).toContain("finished");
});

test("init never overwrites files", () => {
  const repo = makeRepo({ "states/check": "#!/bin/sh\necho mine\n" });
  const init = cli(repo, "init");
  expect(init.code).toBe(3);
  expect(init.err).toContain("states/check");
  expect(existsSync(join(repo.dir, "states/workflow.yml"))).toBe(false);
});

test("a conflict in integrate leads to review with the list of files", () => {
  const repo = introduce(makeRepo({ "a.txt": "one\n" }));
  cli(repo, "init");
  repo.commit("states");
  repo.git("switch", "-qc", "feat/x");
  repo.write("a.txt", "two\n");
  repo.commit("feat: two");
  repo.git("switch", "-q", "main");
  repo.write("a.txt", "three\n");
  repo.commit("feat: three");
  cli(repo, "request", "integrate", "--branch", "feat/x");
  expect(cli(repo, "run").err).toContain("feat/x: integrate → review");
  expect(repo.git("log", "-1", "--format=%B", "feat/x")).toContain("- a.txt");
});

test("retry, resume and cancel act where they can and otherwise report why not", () => {
  const repo = introduce(
    makeRepo({
      "states/work": '#!/bin/sh\ntest -e fixed || exit 1\necho "state=done" >>"$TRAILHAND_OUTPUT"\n',
      "states/workflow.yml": "limits: {hops: 9}\nstates:\n  work: {next: [done, work], retries: 0}\n",
    }),
  );
  repo.git("switch", "-qc", "feat/x");
  expect(cli(repo, "retry").code).toBe(3);
  expect(cli(repo, "resume").err).toContain("Nothing to resume");
  expect(cli(repo, "cancel").err).toContain("nothing is asked for there");
  repo.request("do it\n\nState: work\n");
  expect(cli(repo, "run").code).toBe(1);
  expect(cli(repo, "status", "--json").out).toContain("ended as failed");

  repo.write("fixed", "");
  repo.commit("a person's fix");
  expect(cli(repo, "status").out).not.toContain("took over");
  repo.git("reset", "-q", "--hard", "HEAD~1");
  expect(cli(repo, "retry").out).toContain("asks for work on feat/x");
  repo.write("fixed", "");
  repo.commit("a person's fix");
  const [taken] = json(cli(repo, "status", "--needs-me", "--json").out).branches;
  expect(taken).toMatchObject({ code: "taken-over", next: "trailhand resume feat/x" });
  expect(cli(repo, "resume").code).toBe(0);
  expect(cli(repo, "run").err).toContain("feat/x: work → done");
  expect(cli(repo, "cancel").code).toBe(3);

  cli(repo, "request", "work", "--new", "feat/y");
  expect(cli(repo, "cancel", "feat/y").out).toContain("feat/y is cancelled");
  expect(cli(repo, "run").err).toContain("nothing to run");
});

test("retry ends a back-off early", () => {
  const repo = introduce(
    makeRepo({
      "states/work":
        '#!/bin/sh\nif [ -e "$HOME/../open" ] || git log -2 --format=%s | grep -q "once more"; then exit 0; fi\nexit 75\n',
      "states/workflow.yml": "states:\n  work: {next: done}\n",
    }),
  );
  repo.git("switch", "-qc", "feat/x");
  repo.request("do it\n\nState: work\n");
  expect(cli(repo, "run", "--once").code).toBe(75);
  expect(cli(repo, "status").out).toContain("the script asked to run later");
  expect(cli(repo, "retry").code).toBe(0);
  expect(repo.git("for-each-ref", "refs/trailhand/leases")).toBe("");
  expect(cli(repo, "run").code).toBe(0);
});

test("show explains requests, responses and trailers that git does not read", () => {
  const repo = introduce(makeRepo({ "states/work": '#!/bin/sh\necho state=done >>"$TRAILHAND_OUTPUT"\n' }));
  repo.git("switch", "-qc", "feat/x");
  repo.request("do it\n\nState: work\n");
  expect(cli(repo, "show").out).toContain("it asks for work");
  cli(repo, "run");
  expect(cli(repo, "show", "feat/x").out).toContain("the work ends as done");
  repo.request("do it\n\nState: work\n\nThanks!\n");
  expect(cli(repo, "show").out).toContain("git does not read that line");
  expect(json(cli(repo, "show", "--json").out).reading.doubt).toEqual({
    kind: "hidden",
    line: 3,
    text: "State: work",
  });
  const doctor = cli(repo, "doctor");
  expect(doctor.out).toContain('"State: work" on line 3 is not in the last paragraph');
  expect(doctor.out).toContain("git commit --amend");
});

test("--trust-head runs a workflow that is not merged yet", () => {
  const repo = introduce(makeRepo());
  repo.git("switch", "-qc", "feat/x");
  repo.write("states/work", '#!/bin/sh\necho state=done >>"$TRAILHAND_OUTPUT"\n', 0o755);
  repo.commit("a state\n\nState: work\n");
  expect(cli(repo, "run").err).toContain("has no states/");
  expect(cli(repo, "run", "--trust-head").code).toBe(0);
});

test("gc lists unneeded refs, keeps those of open requests, and removes with --prune", () => {
  const repo = introduce(
    makeRepo({
      "states/work": "#!/bin/sh\ntouch half; exit 1\n",
      "states/workflow.yml": "states:\n  work: {next: done, retries: 1, backoff: 10ms}\n",
    }),
  );
  repo.git("switch", "-qc", "feat/x");
  repo.request("do it\n\nState: work\n");
  cli(repo, "run", "--once");
  expect(cli(repo, "gc", "--keep-days", "0").out).not.toContain("salvage/feat/x");
  cli(repo, "run");
  expect(repo.git("for-each-ref", "refs/trailhand/salvage")).not.toBe("");
  expect(cli(repo, "gc").out).not.toContain("salvage");
  expect(cli(repo, "gc", "--keep-days", "0").out).toContain("its request is answered");
  expect(cli(repo, "gc", "--keep-days", "0", "--prune").code).toBe(0);
  expect(repo.git("for-each-ref", "refs/trailhand")).toBe("");
});
