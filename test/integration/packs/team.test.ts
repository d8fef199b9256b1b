/** The pack `team` end to end: roles, one queue, dependencies, and a lead that judges the results. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryDir, type Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, changedOn, headOf, packRepo, statesOn, useAgent } from "../../support/pack-fixture.ts";

let repo: Repo;
let log: string;
const told = (): string[] => readFileSync(log, "utf8").split("\n").filter(Boolean);

beforeEach(() => {
  repo = packRepo("team");
  log = join(temporaryDir(), "told");
  writeFileSync(log, "");
});

interface Task {
  readonly key: string;
  readonly after?: readonly string[];
  readonly owns?: readonly string[];
  readonly to?: string;
}

/** An agent that creates these tasks as the lead, and writes a file for each task. */
function useTeam(tasks: readonly Task[], { lead = "echo state=done", task = ":" } = {}): void {
  const children = tasks.map(({ key, after = [], owns = [`${key}.txt`], to }) => ({
    key,
    state: "begin",
    subject: `feat: ${key}`,
    prompt: `Make ${key}.`,
    after,
    owns,
    ...(to === undefined ? {} : { trailers: { "Assigned-To": to } }),
  }));
  useAgent(`
name=\${TRAILHAND_BRANCH##*.}
case $TRAILHAND_STATE in
lead)
  if grep -q 'Results of the child branches' "$prompt"; then
    { ${lead}; } >"$TRAILHAND_OUTPUT"
  else
    printf 'state=gather\\nchildren=%s\\n' '${JSON.stringify(children)}' >"$TRAILHAND_OUTPUT"
  fi ;;
task)
  echo "begin $name $TRAILHAND_AGENT_NAME $(head -n 1 "$prompt" | cut -d ' ' -f 1-4)" >>'${log}'
  grep -q "Make $name" "$prompt"
  ${task}
  echo made >"$name.txt"
  echo "end $name" >>'${log}' ;;
esac`);
}

async function work(): Promise<void> {
  ask(repo, "feat", "feat: dates\n\nParse them.\n\nState: lead\n");
  await run(repo);
}

describe("team", () => {
  it("assigns tasks to roles, runs them in order, and lets the lead judge the results", async () => {
    useTeam(
      [
        { key: "code" },
        { key: "tests", after: ["code"], owns: ["code.txt", "tests.txt"], to: "tester" },
        { key: "page", to: "writer" },
      ],
      { task: 'test "$name" != tests || test -e code.txt' },
    );
    await work();
    expect(statesOn(repo, "feat")).toContain("gather");
    expect(headOf(repo, "feat")).toContain("State: done");
    expect(changedOn(repo, "feat")).toEqual(["code.txt", "page.txt", "tests.txt"]);
    expect(
      told()
        .filter((line) => line.startsWith("begin"))
        .toSorted(),
    ).toEqual([
      "begin code builder You are the builder.",
      "begin page writer You are the writer.",
      "begin tests tester You are the tester.",
    ]);
    expect(told().indexOf("end code")).toBeLessThan(
      told().findIndex((line) => line.startsWith("begin tests")),
    );
  });

  it("takes tasks from one queue, within the slots of the lane", async () => {
    const keys = ["a", "b", "c", "d", "e", "f"];
    useTeam(keys.map((key) => ({ key })));
    ask(repo, "feat", "feat: dates\n\nState: lead\n");
    // Two runners at the same time.
    await Promise.all([run(repo, { concurrency: 6 }), run(repo, { concurrency: 6 })]);
    await run(repo);
    expect(changedOn(repo, "feat")).toEqual(keys.map((key) => `${key}.txt`));
    let busy = 0;
    const most = Math.max(...told().map((line) => (busy += line.startsWith("begin") ? 1 : -1)));
    expect(most).toBeLessThanOrEqual(3);
    expect(told().filter((line) => line.startsWith("begin"))).toHaveLength(6);
  });

  it("reports failed and dependent tasks to the lead, and rejects changes outside of the paths", async () => {
    useTeam([{ key: "code" }, { key: "tests", after: ["code"] }, { key: "page" }], {
      lead: 'if grep -q "code (feat.code): failed" "$prompt" && grep -q "tests (feat.tests): parked" "$prompt"; then echo state=parked; else echo state=done; fi',
      task: 'case $name in code) echo state=failed >"$TRAILHAND_OUTPUT"; exit 0 ;; page) grep -q "may not change" "$prompt" || echo x >stray.txt ;; esac',
    });
    await work();
    expect(headOf(repo, "feat")).toContain("State: parked");
    expect(changedOn(repo, "feat")).toEqual(["page.txt"]);
    expect(repo.git("log", "--format=%s", "feat")).toContain("gather: not merged: code tests; lead is next");
  });

  it("rejects overlapping tasks, and stops a lead that never ends", async () => {
    useTeam([
      { key: "a", owns: ["src"] },
      { key: "b", owns: ["src/b"] },
    ]);
    await work();
    expect(headOf(repo, "feat")).toContain('the children "a" and "b" would both own');
    expect(repo.git("branch", "--list", "feat.*")).toBe("");
    useTeam([{ key: "a" }], { lead: "echo state=gather" });
    ask(repo, "more", "feat: more\n\nState: lead\n");
    await run(repo);
    expect(headOf(repo, "more")).toContain("Lead was requested 4 times, and the limit is 4");
  });
});
