/** The pack `advise` from end to end: its workflow is what is recommended, and its runs are learnt from. */
import { describe, expect, it } from "vitest";
import { listPacks } from "../../../src/templates/packs.ts";
import { PACK_OF } from "../../../src/core/analysis/task-facts.ts";
import { cli } from "../../support/run-cli.ts";
import type { Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, contractOf, headOf, packRepo, statesOn, useAgent } from "../../support/pack-fixture.ts";

interface Advised {
  readonly recommended: string;
  readonly plan: { readonly waves: readonly { readonly tasks: readonly string[] }[] };
  readonly estimates: readonly { readonly task: string; readonly source: string; readonly runs?: number }[];
}

const advised = (repo: Repo): Advised =>
  JSON.parse(cli(repo, "advise", "states/tasks.yml", "--json").out) as Advised;

const REQUEST = "feat: a longer name\n\nCall it title.\n\nState: expand\n";

describe("advise", () => {
  it("has the workflow that is recommended for its tasks", async () => {
    const repo = packRepo("advise");
    const { recommended, plan } = advised(repo);
    expect(recommended).toBe("chain");
    const { states } = (await contractOf(repo)).workflow;
    expect(plan.waves.map(({ tasks }) => tasks)).toEqual(Object.keys(states).map((name) => [name]));
    expect(Object.values(states).flatMap(({ next }) => next)).toEqual(["switch", "contract", "done"]);
  });

  it("does its tasks in a row, each told what is its own, and then knows how long one took", async () => {
    const repo = packRepo("advise");
    useAgent(`
grep -q "Do the task \\"$TRAILHAND_STATE\\" of these" "$prompt"
grep -q 'Call it title' "$prompt"
if [ "$TRAILHAND_STATE" = contract ]; then grep -q 'did switch' "$prompt"; fi
echo "$TRAILHAND_STATE" >>work.txt
echo "did $TRAILHAND_STATE"`);
    ask(repo, "feat/title", REQUEST);
    await run(repo);
    expect(statesOn(repo, "feat/title")).toEqual(["expand", "switch", "contract", "done"]);
    expect(repo.git("show", "feat/title:work.txt")).toBe("expand\nswitch\ncontract");
    expect(advised(repo).estimates).toMatchObject([
      { task: "expand", source: "file" },
      { task: "switch", source: "history", runs: 1 },
      { task: "contract", source: "file" },
    ]);
    expect(advised(repo).recommended).toBe("chain");
  });

  it("parks with the next command when no agent is named", async () => {
    const repo = packRepo("advise");
    ask(repo, "feat/title", REQUEST);
    await run(repo);
    expect(headOf(repo, "feat/title")).toContain("TRAILHAND_AGENT='claude -p' trailhand run");
  });

  it("recommends only packs that there are", () => {
    const names = new Set(listPacks().map(({ name }) => name));
    expect(Object.values(PACK_OF).filter((pack) => !names.has(pack))).toEqual([]);
  });
});
