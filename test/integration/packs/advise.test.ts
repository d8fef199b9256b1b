/** The pack `advise` end to end: the workflow matches the recommendation, and past runs improve it. */
import { describe, expect, it } from "vitest";
import { listPacks } from "../../../src/templates/packs.ts";
import { PACK_OF } from "../../../src/core/analysis/task-facts.ts";
import { cli } from "../../support/run-cli.ts";
import type { Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, contractOf, headOf, packRepo, statesOn, useAgent } from "../../support/pack-fixture.ts";

interface Advice {
  readonly recommended: string;
  readonly plan: { readonly waves: readonly { readonly tasks: readonly string[] }[] };
  readonly estimates: readonly { readonly task: string; readonly source: string; readonly runs?: number }[];
}

const advice = (repo: Repo): Advice =>
  JSON.parse(cli(repo, "advise", "states/tasks.yml", "--json").out) as Advice;

const REQUEST = "feat: a longer name\n\nCall it title.\n\nState: expand\n";

describe("advise", () => {
  it("recommends its own workflow for its tasks", async () => {
    const repo = packRepo("advise");
    const { recommended, plan } = advice(repo);
    expect(recommended).toBe("chain");
    const { states } = (await contractOf(repo)).workflow;
    expect(plan.waves.map(({ tasks }) => tasks)).toEqual(Object.keys(states).map((name) => [name]));
    expect(Object.values(states).flatMap(({ next }) => next)).toEqual(["switch", "contract", "done"]);
  });

  it("runs the tasks one after another, and then estimates one from its past run", async () => {
    const repo = packRepo("advise");
    useAgent(`
grep -q "Do only the task \\"$TRAILHAND_STATE\\" of the list" "$prompt"
grep -q 'Call it title' "$prompt"
if [ "$TRAILHAND_STATE" = contract ]; then grep -q 'did switch' "$prompt"; fi
echo "$TRAILHAND_STATE" >>work.txt
echo "did $TRAILHAND_STATE"`);
    ask(repo, "feat/title", REQUEST);
    await run(repo);
    expect(statesOn(repo, "feat/title")).toEqual(["expand", "switch", "contract", "done"]);
    expect(repo.git("show", "feat/title:work.txt")).toBe("expand\nswitch\ncontract");
    expect(advice(repo).estimates).toMatchObject([
      { task: "expand", source: "file" },
      { task: "switch", source: "history", runs: 1 },
      { task: "contract", source: "file" },
    ]);
    expect(advice(repo).recommended).toBe("chain");
  });

  it("parks with the next command when no agent is configured", async () => {
    const repo = packRepo("advise");
    ask(repo, "feat/title", REQUEST);
    await run(repo);
    expect(headOf(repo, "feat/title")).toContain("TRAILHAND_AGENT='claude -p' trailhand run");
  });

  it("recommends only existing packs", () => {
    const names = new Set(listPacks().map(({ name }) => name));
    expect(Object.values(PACK_OF).filter((pack) => !names.has(pack))).toEqual([]);
  });
});
