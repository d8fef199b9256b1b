/** The pack `lanes` end to end: slots of one lane, slots of several lanes, and retries. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryDir, type Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, headOf, packRepo, statesOn, useAgent, usePrograms, ROOT } from "../../support/pack-fixture.ts";

let repo: Repo;
let log: string;
const told = (): string[] => readFileSync(log, "utf8").split("\n").filter(Boolean);

beforeEach(() => {
  repo = packRepo("lanes", { Makefile: "test:\n" });
  log = join(temporaryDir(), "told");
  writeFileSync(log, "");
  // One echo for each line, so lines of two agents do not mix.
  useAgent(
    `echo "begin $TRAILHAND_STATE" >>'${log}'; echo x >"$(echo "$TRAILHAND_BRANCH" | tr / -).txt"; echo "end $TRAILHAND_STATE" >>'${log}'`,
  );
  usePrograms({
    make: `echo 'begin check' >>'${log}'; code=0; ! test -e bad.txt || code=1; echo 'end check' >>'${log}'; exit $code`,
  });
});

/** The maximum number of these states that ran at the same time. */
function most(...states: string[]): number {
  let busy = 0;
  return Math.max(
    0,
    ...told()
      .filter((line) => states.includes(line.split(" ")[1] ?? ""))
      .map((line) => (busy += line.startsWith("begin") ? 1 : -1)),
  );
}

describe("lanes", () => {
  it("limits each lane over two runners, without deadlocks between lanes", async () => {
    for (const at of [1, 2, 3, 4]) {
      ask(repo, `small/${at}`, `feat: ${at}\n\nState: sort\n`);
      ask(repo, `large/${at}`, `feat: ${at}\n\nSize: large\nState: sort\n`);
      ask(repo, `move/${at}`, `feat: ${at}\n\nState: migrate\n`);
    }
    const branches = repo
      .git("branch", "--format=%(refname:short)")
      .split("\n")
      .filter((name) => name !== "main");
    for (let round = 0; round < 5; round++) {
      // A runner exits when it finds nothing to do, although the other one may still be busy.
      await Promise.all([run(repo), run(repo)]);
      if (branches.every((branch) => statesOn(repo, branch).at(-1) === "done")) break;
    }
    expect(branches.filter((branch) => statesOn(repo, branch).at(-1) !== "done")).toEqual([]);
    expect(most("small", "large")).toBeLessThanOrEqual(3);
    expect(most("large")).toBe(1);
    expect(most("check", "migrate")).toBe(1);
    expect(statesOn(repo, "large/1")).toEqual(["sort", "large", "check", "done"]);
    expect(headOf(repo, "small/1")).toContain("Sorted: 0 words, and no trailer Size");
    expect(repo.git("for-each-ref", "refs/trailhand/lanes", "refs/trailhand/leases")).toBe("");
  });

  it("takes slots of all lanes or of none, and reports the full lane", async () => {
    const program = `'${process.execPath}' '${join(ROOT, "dist/trailhand.js")}' -C '${repo.dir}'`;
    const seen = join(temporaryDir(), "seen");
    useAgent(`echo "begin $TRAILHAND_STATE" >>'${log}'
if [ "$TRAILHAND_STATE" = large ]; then { ${program} status; ${program} lanes; } >'${seen}'; fi`);
    ask(repo, "one", "feat: one\n\nState: large\n");
    ask(repo, "two", "feat: two\n\nPriority: -1\nState: large\n");
    ask(repo, "three", "feat: three\n\nPriority: -2\nState: small\n");
    const { summary } = await run(repo, { once: true });
    // `three` gets the free slot of agents, although `two` comes first.
    expect(
      told()
        .filter((line) => line.startsWith("begin"))
        .toSorted(),
    ).toEqual(["begin large", "begin small"]);
    expect(summary.idle.find(({ head }) => head.branch === "two")?.why).toEqual({
      code: "lane-full",
      detail: "large",
    });
    const page = readFileSync(seen, "utf8");
    expect(page).toMatch(/^two +large +runner +\S+ +the lane large is full$/m);
    expect(page).toMatch(/^large +1\/1 .* 1 +[\d.]+m?s$/m);
  });

  it("repeats failed work at most three times", async () => {
    useAgent("echo x >bad.txt");
    ask(repo, "one", "feat: one\n\nState: sort\n");
    await run(repo);
    expect(statesOn(repo, "one").filter((state) => state === "check")).toHaveLength(3);
    expect(headOf(repo, "one")).toContain("State: parked");
  });
});
