/** The pack `orchestrator-workers` end to end: a run for each result, new and cancelled workers, a budget. */
import { describe, expect, it } from "vitest";
import { run } from "../../support/run-runner.ts";
import { ask, changedOn, headOf, packRepo, statesOn, useAgent } from "../../support/pack-fixture.ts";

const REQUEST = "fix: the fault\n\nWherever it is.\n\nState: orchestrate\n";

/** An orchestrator that acts on the fates of its children, and workers by key; `b` runs until it is stopped. */
const agents = (orchestrate: string, cost = 0): void =>
  useAgent(`
start_workers() {
  list=
  for key; do list="$list\${list:+,}{\\"key\\":\\"$key\\",\\"state\\":\\"work\\",\\"subject\\":\\"Do $key\\",\\"owns\\":[\\"$key.txt\\"]}"; done
  printf 'children=[%s]\\n' "$list" >>"$TRAILHAND_OUTPUT"
}
if [ "$TRAILHAND_STATE" = work ]; then
  key=\${TRAILHAND_BRANCH##*.}
  if [ "$key" = b ]; then exec sleep 600; fi
  echo "$key" >"$key.txt"
  printf 'cost=${cost}\\nsummary=found %s\\n' "$key" >>"$TRAILHAND_OUTPUT"
  exit 0
fi
state=listen
# Only keys and fates are matched, because a commit id may end like a key.
case $(printf '%s\\n' "$TRAILHAND_CHILDREN" | cut -d ' ' -f 1,2) in
${orchestrate}
esac
echo "state=$state" >>"$TRAILHAND_OUTPUT"`);

describe("orchestrator-workers", () => {
  it("runs at the first result, cancels and adds workers, and ends the work", async () => {
    const repo = packRepo("orchestrator-workers");
    agents(`
'') start_workers a b ;;
*'c done'*) state=finish ;;
*'c '*) ;;
*'a done'*)
  test -e a.txt
  grep -q 'found a' "$prompt"
  grep -q 'b: going' "$prompt"
  start_workers c
  echo cancel=b >>"$TRAILHAND_OUTPUT" ;;`);
    ask(repo, "fault", REQUEST);
    await run(repo);
    expect(statesOn(repo, "fault").slice(0, 3)).toEqual(["orchestrate", "listen", "orchestrate"]);
    expect(statesOn(repo, "fault").slice(-2)).toEqual(["finish", "done"]);
    expect(changedOn(repo, "fault")).toEqual(["a.txt", "c.txt"]);
    expect(statesOn(repo, "fault.b").at(-1)).toBe("cancelled");
    // A later worker starts with the finished work.
    expect(changedOn(repo, "fault.c")).toEqual(["a.txt", "c.txt"]);
    expect(headOf(repo, "fault")).toMatch(/finish: not merged: b\n[\s\S]*- b: failed, at cancelled/);
  });

  it("cancels all workers when the common budget is used up, and continues when it is raised", async () => {
    const repo = packRepo("orchestrator-workers");
    agents(
      `
'') start_workers a b c ;;
*'b going'*) ;;
*) state=finish ;;`,
      3,
    );
    ask(repo, "fault", REQUEST);
    await run(repo);
    expect(statesOn(repo, "fault").at(-1)).toBe("parked");
    expect(headOf(repo, "fault")).toMatch(
      /listen: 6 of 5 USD are spent\n[\s\S]*--trailer "Budget: 10 USD"\n/,
    );
    expect(statesOn(repo, "fault.b").at(-1)).toBe("cancelled");
    repo.git("switch", "-q", "fault");
    repo.request("chore: go on\n\nState: listen\nBudget: 10 USD\n");
    repo.git("switch", "-q", "main");
    await run(repo);
    expect(statesOn(repo, "fault").at(-1)).toBe("done");
    expect(changedOn(repo, "fault")).toEqual(["a.txt", "c.txt"]);
  });

  it("parks an orchestrator that does nothing, and rejects one that starts too many workers", async () => {
    const repo = packRepo("orchestrator-workers");
    const path = "states/workflow.yml";
    repo.write(
      path,
      repo
        .git("show", `main:${path}`)
        .replace("max: 30", "max: 2")
        .replace("children: 5", "children: 1\n    retries: 0"),
    );
    repo.commit("chore: smaller numbers");
    agents("*) ;;");
    ask(repo, "idle", REQUEST);
    await run(repo);
    expect(statesOn(repo, "idle").filter((state) => state === "orchestrate")).toHaveLength(3);
    expect(headOf(repo, "idle")).toContain("Orchestrate was requested 2 times, and the limit is 2.");
    agents("*) start_workers a c ;;");
    // An identical message in the same second would be the same commit, which is already answered.
    ask(repo, "greedy", REQUEST.replace("the fault", "another fault"));
    await run(repo);
    expect(headOf(repo, "greedy")).toContain("2 children were declared, and the limit is 1");
  });
});
