/** The pack `chaining` end to end: gates continue, repeat a step, and ask a person. */
import { describe, expect, it } from "vitest";
import type { Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, changedOn, headOf, packRepo, statesOn, useAgent } from "../../support/pack-fixture.ts";

const PACK = "chaining";
const REQUEST = "docs: a page about bread\n\nFor people who never baked.\n\nState: outline\n";
const OUTLINE = "printf '# Bread\\n\\n- Flour\\n- Water\\n- Time & heat\\n' >outline.md";
const DRAFT = "sed -n 's/^- \\(.*\\)/## \\1\\n\\nMuch, much is to be said.\\n/p' outline.md >text.md";
const POLISH = "sed -i.bak 's/Much, much/Much/' text.md; rm text.md.bak";

function start({ outline = OUTLINE, draft = DRAFT, polish = POLISH } = {}): Repo {
  const repo = packRepo(PACK);
  useAgent(`grep -q 'never baked' "$prompt"
case $TRAILHAND_STATE in
outline) ${outline} ;;
draft) ${draft} ;;
polish) ${polish} ;;
esac`);
  ask(repo, "docs/bread", REQUEST);
  return repo;
}

const count = (repo: Repo, state: string): number =>
  statesOn(repo, "docs/bread").filter((one) => one === state).length;

describe(PACK, () => {
  it("continues when every gate passes", async () => {
    const repo = start();
    await run(repo);
    expect(statesOn(repo, "docs/bread")).toEqual(
      "outline gate-outline draft gate-draft polish gate-polish done".split(" "),
    );
    expect(changedOn(repo, "docs/bread")).toEqual(["outline.md", "text.md"]);
    expect(headOf(repo, "docs/bread")).toContain("text.md has 23 words; the draft had 26.");
  });

  it("repeats a step with the reason, and then continues", async () => {
    const repo = start({
      draft: `if grep -q 'The headings of text.md must be' "$prompt"; then ${DRAFT}; else echo '## Flour' >text.md; fi`,
      polish: `if grep -q 'must not add words' "$prompt"; then ${POLISH}; sed -i.bak 's/and more//' text.md; rm text.md.bak; else echo 'and more' >>text.md; git add -A; git commit -qm "gate-draft: passed" -m "State: gate-draft"; fi`,
    });
    await run(repo);
    expect(statesOn(repo, "docs/bread").at(-1)).toBe("done");
    expect([count(repo, "draft"), count(repo, "polish")]).toEqual([2, 2]);
    expect(repo.git("show", "docs/bread:text.md")).not.toContain("and more");
  });

  it.each([
    ["outline", { outline: "echo '- Flour' >outline.md" }, "outline.md has 1 points"],
    ["draft", { draft: "echo '## Flour' >text.md" }, "The headings of text.md must be"],
    ["polish", { polish: "echo more >>text.md" }, "this step must not add words"],
  ])("parks after the third rejection of %s", async (step, steps, why) => {
    const repo = start(steps);
    await run(repo);
    expect(count(repo, step)).toBe(3);
    expect(statesOn(repo, "docs/bread").at(-1)).toBe("parked");
    expect(headOf(repo, "docs/bread")).toContain(why);
  });

  it("parks with the question of an agent, and continues with the answer of a person", async () => {
    const repo = start({
      draft: `if grep -q 'Wheat' "$prompt"; then ${DRAFT}; else echo 'QUESTION: which flour?' >text.md; fi`,
    });
    await run(repo);
    expect(statesOn(repo, "docs/bread").slice(-2)).toEqual(["gate-draft", "parked"]);
    expect(headOf(repo, "docs/bread")).toContain("QUESTION: which flour?");
    repo.git("switch", "-q", "docs/bread");
    repo.request("docs: which flour\n\nWheat.\n\nState: draft\n");
    repo.git("switch", "-q", "main");
    await run(repo);
    expect(statesOn(repo, "docs/bread").at(-1)).toBe("done");
  });
});
