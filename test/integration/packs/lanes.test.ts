/** The pack `lanes` from end to end: how many at once, several places or none, and what waits where. */
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
  // A command line of its own for each line, so that lines of two do not mix.
  useAgent(
    `echo "begin $TRAILHAND_STATE" >>'${log}'; echo x >"$(echo "$TRAILHAND_BRANCH" | tr / -).txt"; echo "end $TRAILHAND_STATE" >>'${log}'`,
  );
  usePrograms({
    make: `echo 'begin check' >>'${log}'; code=0; ! test -e bad.txt || code=1; echo 'end check' >>'${log}'; exit $code`,
  });
});

/** The most of these states that ran at once. */
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
  it("holds each queue to its number over two runners, and nested places lock nobody up", async () => {
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
      // Each ends when it finds nothing to do; the other may still be at work then.
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

  it("gives all places or none: what finds one of two taken takes neither, and says which is full", async () => {
    const program = `'${process.execPath}' '${join(ROOT, "dist/trailhand.js")}' -C '${repo.dir}'`;
    const seen = join(temporaryDir(), "seen");
    useAgent(`echo "begin $TRAILHAND_STATE" >>'${log}'
if [ "$TRAILHAND_STATE" = large ]; then { ${program} status; ${program} lanes; } >'${seen}'; fi`);
    ask(repo, "one", "feat: one\n\nState: large\n");
    ask(repo, "two", "feat: two\n\nPriority: -1\nState: large\n");
    ask(repo, "three", "feat: three\n\nPriority: -2\nState: small\n");
    const { summary } = await run(repo, { once: true });
    // `two` leaves the agents' place to `three`, although it comes first.
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

  it("sends back what fails, three times at the most", async () => {
    useAgent("echo x >bad.txt");
    ask(repo, "one", "feat: one\n\nState: sort\n");
    await run(repo);
    expect(statesOn(repo, "one").filter((state) => state === "check")).toHaveLength(3);
    expect(headOf(repo, "one")).toContain("State: parked");
  });
});
