/** The pack `planner-workers-judge` end to end: cycles, nested planners, and limits. */
import { describe, expect, it } from "vitest";
import type { Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, changedOn, headOf, packRepo, statesOn, useAgent } from "../../support/pack-fixture.ts";

const REQUEST = "feat: users\n\nWith a page each.\n\nState: plan\n";

/** The branches of the pieces, each with its first state. */
const pieces = (repo: Repo, branch: string): string[] =>
  repo
    .git("for-each-ref", "--format=%(refname:short)", `refs/heads/${branch}.*`)
    .split("\n")
    .map((name) => {
      const states = repo.git(
        "log",
        "--reverse",
        "--format=%(trailers:key=State,valueonly)",
        `main..${name}`,
        "--grep",
        `^Branch: ${name.replaceAll(".", "\\.")}$`,
      );
      return `${name}: ${states.split("\n")[0]}`;
    });

describe("planner-workers-judge", () => {
  it("plans, works, judges and plans again, with a nested planner", async () => {
    const repo = packRepo("planner-workers-judge");
    useAgent(`
case $TRAILHAND_STATE:$TRAILHAND_BRANCH in
  plan:users)
    if [ -e api/user ]; then
      grep -q 'there is no help' "$prompt"
      grep -q -- '- api: done' "$prompt"
      printf -- '- api help.md: Write help\\n'
    else
      printf -- 'Two:\\n- api api/**: Names\\n  The route is /name.\\n+ site site/**: Pages\\n'
    fi ;;
  plan:users.site) printf -- '- list site/list: The list\\n- page site/page: The page\\n' ;;
  work:users.api)
    grep -q 'The route is /name' "$prompt"
    ! grep -q Pages "$prompt"
    mkdir api; echo api >api/user ;;
  work:users.api-2) echo help >help.md ;;
  work:users.site.*) test ! -e api; mkdir site; echo x >"site/\${TRAILHAND_BRANCH##*.}" ;;
  judge:users)
    test -e site/list; test -e site/page
    if [ -e help.md ]; then echo state=done; else printf 'state=plan\\nsummary=there is no help\\n'; fi \\
      >>"$TRAILHAND_OUTPUT" ;;
  judge:users.site) echo state=done >>"$TRAILHAND_OUTPUT" ;;
  *) exit 1 ;;
esac`);
    ask(repo, "users", REQUEST);
    await run(repo);
    const cycle = ["plan", "join", "gather", "judge"];
    expect(statesOn(repo, "users"), headOf(repo, "users")).toEqual([...cycle, ...cycle, "done"]);
    expect(changedOn(repo, "users")).toEqual(["api/user", "help.md", "site/list", "site/page"]);
    expect(pieces(repo, "users")).toEqual([
      "users.api: work",
      "users.api-2: work",
      "users.site: plan",
      "users.site.list: work",
      "users.site.page: work",
    ]);
    // One response created the branches and requested the wait.
    const request = repo.git(
      "log",
      "--format=%H",
      "--grep=^Parent: users$",
      "--grep=^State: work$",
      "--all-match",
      "users.api",
    );
    expect(repo.git("log", "-1", "--format=%(trailers:key=State,valueonly)", `${request}~1`).trim()).toBe(
      "join",
    );
  });

  it("creates no planner below the second level", async () => {
    const repo = packRepo("planner-workers-judge");
    useAgent(`
case $TRAILHAND_STATE in
  plan) printf -- '+ more x/**: Still too large\\n' ;;
  work) mkdir x; echo x >x/x ;;
  judge) echo state=done >>"$TRAILHAND_OUTPUT" ;;
esac`);
    ask(repo, "users", REQUEST);
    await run(repo);
    expect(pieces(repo, "users")).toEqual([
      "users.more: plan",
      "users.more.more: plan",
      "users.more.more.more: work",
    ]);
    expect(changedOn(repo, "users")).toEqual(["x/x"]);
  });

  it("asks a person when the judge never accepts, and names the failed pieces", async () => {
    const repo = packRepo("planner-workers-judge");
    useAgent(`
case $TRAILHAND_STATE in
  plan) printf -- '- a a/**: A\\n' ;;
  work) printf 'state=failed\\nsubject=it cannot be done\\n' >>"$TRAILHAND_OUTPUT" ;;
  judge)
    grep -q 'a: failed, at failed. it cannot be done' "$prompt"
    printf 'state=plan\\nsummary=a is missing\\n' >>"$TRAILHAND_OUTPUT" ;;
esac`);
    ask(repo, "users", REQUEST);
    await run(repo);
    expect(statesOn(repo, "users").filter((state) => state === "plan")).toHaveLength(4);
    expect(statesOn(repo, "users").at(-1)).toBe("stuck");
    expect(headOf(repo, "users")).toContain("Plan was requested 3 times, and the limit is 3.");
    expect(pieces(repo, "users").map((name) => name.split(":")[0])).toEqual([
      "users.a",
      "users.a-2",
      "users.a-3",
      "users.a-4",
    ]);
  });

  it("rejects a plan with overlapping pieces, and gives the planner the reason", async () => {
    const repo = packRepo("planner-workers-judge");
    useAgent(`
case $TRAILHAND_STATE in
  plan)
    if grep -q 'would both own' "$prompt"; then printf -- '- a src/a/**: A\\n'
    else printf -- '- a src/**: A\\n- b src/b/**: B\\n'; fi ;;
  judge) echo state=done >>"$TRAILHAND_OUTPUT" ;;
esac`);
    ask(repo, "users", REQUEST);
    await run(repo);
    expect(statesOn(repo, "users").at(-1)).toBe("done");
    expect(pieces(repo, "users")).toEqual(["users.a: work"]);
  });
});
