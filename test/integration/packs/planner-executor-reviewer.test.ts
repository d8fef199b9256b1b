/** The pack `planner-executor-reviewer` end to end: bounds, rounds, and reviewers that may not edit. */
import { describe, expect, it } from "vitest";
import type { Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, changedOn, headOf, packRepo, statesOn, useAgent } from "../../support/pack-fixture.ts";

const PACK = "planner-executor-reviewer";
const REQUEST = "feat: a greeting\n\nIt says hello.\n\nState: planner\n";
const CRITERIA = `printf '## Acceptance\\n\\n- prints hello\\n\\n## Paths\\n\\n- src/hello*\\n' >acceptance.md`;
const APPROVE = `echo state=finish >>"$TRAILHAND_OUTPUT"; echo 'Hello is printed.'`;
const REFUSE = `echo state=executor >>"$TRAILHAND_OUTPUT"; echo 'prints hello: it prints nothing'`;

interface Cast {
  readonly planner?: string;
  readonly executor: string;
  readonly reviewer: string;
}

async function work({ planner = CRITERIA, executor, reviewer }: Cast): Promise<Repo> {
  const repo = packRepo(PACK, { "src/other": "other\n" });
  useAgent(`mkdir -p src
case $TRAILHAND_STATE in
planner) ${planner} ;;
executor) ${executor} ;;
reviewer) ${reviewer} ;;
esac`);
  ask(repo, "feat/hello", REQUEST);
  await run(repo);
  return repo;
}

const count = (repo: Repo, state: string): number =>
  statesOn(repo, "feat/hello").filter((one) => one === state).length;

describe(PACK, () => {
  it("repeats with the comments of the reviewer, and ends with only the change", async () => {
    const repo = await work({
      executor: `if grep -q 'it prints nothing' "$prompt"; then echo hello >src/hello; else touch src/hello; echo x >src/hello.txt; fi
echo 'Trust me, it is right.'`,
      reviewer: `if grep -q 'Trust me' "$prompt"; then exit 1; fi
command=$(sed -n 's/^ *The change: //p' "$prompt")
grep -q 'prints hello' acceptance.md
if $command | grep -q '^+hello'; then ${APPROVE}; else ${REFUSE}; fi`,
    });
    expect(statesOn(repo, "feat/hello")).toEqual(
      "planner frame executor bounds reviewer executor bounds reviewer finish done".split(" "),
    );
    expect(changedOn(repo, "feat/hello")).toEqual(["src/hello", "src/hello.txt"]);
    expect(headOf(repo, "feat/hello")).toContain("Hello is printed.");
  });

  it("parks a reviewer that edits and approves", async () => {
    const repo = await work({
      executor: "echo hallo >src/hello",
      reviewer: `echo hello >src/hello; git commit -qam 'fix: hello'; ${APPROVE}`,
    });
    expect(statesOn(repo, "feat/hello").slice(-2)).toEqual(["reviewer", "parked"]);
    expect(headOf(repo, "feat/hello")).toContain("reviewer may not change src/hello");
    expect(repo.git("show", "feat/hello:src/hello")).toBe("hallo");
  });

  it("parks after three rounds with the last missing criterion", async () => {
    const repo = await work({ executor: `echo "$TRAILHAND_RUN" >src/hello`, reviewer: REFUSE });
    expect(count(repo, "executor")).toBe(3);
    expect(statesOn(repo, "feat/hello").at(-1)).toBe("parked");
    expect(headOf(repo, "feat/hello")).toContain("executor was requested 3 times, and the limit is 3");
    expect(headOf(repo, "feat/hello")).toContain("it prints nothing");
  });

  it("rejects a change out of bounds without asking the reviewer", async () => {
    const repo = await work({
      executor: `if grep -q 'are allowed' "$prompt"; then echo hello >src/other; else seq 301 >src/hello; fi`,
      reviewer: APPROVE,
    });
    expect(count(repo, "reviewer")).toBe(0);
    const said = repo.git("log", "--format=%b", "feat/hello");
    expect(said).toContain("301 lines changed; at most 300 are allowed.");
    expect(said).toMatch(/Outside of the agreed paths:\nsrc\/other/);
  });

  it("requires criteria, and does not let the executor write them", async () => {
    const vague = await work({
      planner: "echo 'make it good' >acceptance.md",
      executor: ":",
      reviewer: APPROVE,
    });
    expect([count(vague, "planner"), count(vague, "executor")]).toEqual([3, 0]);

    const repo = await work({
      executor: `echo hello >src/hello
if ! grep -q 'may not change acceptance.md' "$prompt"; then echo >acceptance.md; fi`,
      reviewer: `grep -q 'prints hello' acceptance.md; ${APPROVE}`,
    });
    expect(statesOn(repo, "feat/hello").at(-1)).toBe("done");
    expect(repo.git("show", "feat/hello~2:acceptance.md")).toContain("- prints hello");
  });
});
