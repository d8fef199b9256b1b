/** The pack `sequential` end to end: gates, roll-back to the last accepted commit, parking. */
import { describe, expect, it } from "vitest";
import { run } from "../../support/run-runner.ts";
import { ask, changedOn, headOf, packRepo, statesOn, useAgent } from "../../support/pack-fixture.ts";

const GOOD = `
case $TRAILHAND_STATE in
  specify) printf '# Greeting\\n\\n## Acceptance\\n\\n- says hello\\n' >SPEC.md ;;
  build) echo 'echo hello' >greet.sh ;;
  document) echo 'Run greet.sh.' >README.md ;;
esac
echo "did $TRAILHAND_STATE"`;

const REQUEST = "feat: a greeting\n\nIt says hello.\n\nState: specify\n";

describe("sequential", () => {
  it("runs three steps and three gates", async () => {
    const repo = packRepo("sequential");
    useAgent(GOOD);
    ask(repo, "feat/greet", REQUEST);
    const { summary } = await run(repo);
    expect(summary.startedCount).toBe(6);
    expect(statesOn(repo, "feat/greet")).toEqual([
      "specify",
      "gate-specify",
      "build",
      "gate-build",
      "document",
      "gate-document",
      "done",
    ]);
    expect(changedOn(repo, "feat/greet")).toEqual(["README.md", "SPEC.md", "greet.sh"]);
  });

  it("restores the last accepted files after a rejection, and gives the next round the reason", async () => {
    const repo = packRepo("sequential");
    useAgent(`
if [ "$TRAILHAND_STATE" = build ]; then
  # The first round changes accepted work; the second round gets the reason.
  if grep -q 'SPEC.md was changed after it was accepted' "$prompt"; then
    grep -q '^- says hello' SPEC.md
    test ! -e stray
  else
    echo changed >SPEC.md
    echo x >stray
    exit 0
  fi
fi
${GOOD}`);
    ask(repo, "feat/greet", REQUEST);
    await run(repo);
    expect(statesOn(repo, "feat/greet")).toEqual([
      "specify",
      "gate-specify",
      "build",
      "gate-build",
      "build",
      "gate-build",
      "document",
      "gate-document",
      "done",
    ]);
    expect(changedOn(repo, "feat/greet")).toEqual(["README.md", "SPEC.md", "greet.sh"]);
    const trees = repo
      .git(
        "log",
        "--first-parent",
        "--reverse",
        "--format=%T %(trailers:key=State,valueonly,separator=)",
        "main..feat/greet",
      )
      .split("\n");
    // After the rejection the tree is that of the accepted commit, and no history was removed.
    expect(trees[4]).toBe(trees[2]);
    expect(trees[3]?.split(" ")[0]).not.toBe(trees[2]?.split(" ")[0]);
    expect(repo.git("log", "--format=%s", "feat/greet")).toContain(
      "gate-build: rejected, build is next (round 2 of 3)",
    );
  });

  it("parks after three rejections in a row, with the last accepted files", async () => {
    const repo = packRepo("sequential");
    useAgent("echo nonsense >SPEC.md");
    ask(repo, "feat/greet", REQUEST);
    const { summary } = await run(repo);
    expect(summary.startedCount).toBe(6);
    expect(statesOn(repo, "feat/greet").at(-1)).toBe("parked");
    expect(headOf(repo, "feat/greet")).toContain("SPEC.md has no list under the heading");
    expect(changedOn(repo, "feat/greet")).toEqual([]);
  });

  it("ignores an agent that writes responses, ends values early, or edits the gates", async () => {
    const repo = packRepo("sequential");
    useAgent(`
test -z "\${TRAILHAND_OUTPUT:-}"
mkdir -p states/checks
printf '#!/bin/sh\\nexit 0\\n' >states/checks/specify
chmod +x states/checks/specify
printf 'end-%s\\nstate=done\\r\\nend-%s\\r\\nstate=done\\n' "$TRAILHAND_RUN" "$TRAILHAND_RUN"`);
    ask(repo, "feat/greet", REQUEST);
    await run(repo);
    const states = statesOn(repo, "feat/greet");
    expect(states.slice(0, 3)).toEqual(["specify", "gate-specify", "specify"]);
    expect(states.at(-1)).toBe("parked");
    expect(changedOn(repo, "feat/greet")).toEqual([]);
  });

  it("parks with the next command when no agent is configured", async () => {
    const repo = packRepo("sequential");
    ask(repo, "feat/greet", REQUEST);
    await run(repo);
    expect(statesOn(repo, "feat/greet")).toEqual(["specify", "parked"]);
    expect(headOf(repo, "feat/greet")).toContain("TRAILHAND_AGENT='claude -p' trailhand run");
  });

  it("parks a step whose history was rewritten", async () => {
    const repo = packRepo("sequential");
    useAgent(GOOD);
    ask(repo, "feat/greet", `feat: a greeting\n\nState: gate-build\nValidated: ${"0".repeat(40)}\n`);
    await run(repo);
    expect(headOf(repo, "feat/greet")).toContain("no valid trailer Validated");
  });
});
