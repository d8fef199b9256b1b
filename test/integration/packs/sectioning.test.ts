/** The pack `sectioning` end to end: disjoint paths, rejected overlap, rejected changes outside of the paths. */
import { describe, expect, it } from "vitest";
import type { Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, changedOn, headOf, packRepo, statesOn, useAgent } from "../../support/pack-fixture.ts";

const GOOD = `
grep -q 'The whole change: feat: a greeting' "$prompt"
case \${TRAILHAND_BRANCH##*.} in
  code) mkdir -p src; echo hello >src/greet ;;
  tests) mkdir -p test; echo 'greets' >test/greet ;;
  pages) echo 'It greets.' >README.md ;;
esac`;

const REQUEST = "feat: a greeting\n\nIt says hello.\n\nState: split\n";

const branches = (repo: Repo): string =>
  repo.git("for-each-ref", "--format=%(refname:short)", "refs/heads/feat").replaceAll("\n", " ");

describe("sectioning", () => {
  it("writes all sections, each within its paths, and merges them", async () => {
    const repo = packRepo("sectioning");
    useAgent(GOOD);
    ask(repo, "feat/greet", REQUEST);
    await run(repo);
    expect(statesOn(repo, "feat/greet")).toEqual(["split", "join", "merge", "done"]);
    expect(changedOn(repo, "feat/greet")).toEqual(["README.md", "src/greet", "test/greet"]);
    expect(headOf(repo, "feat/greet.tests")).toContain("Owns: test/** tests/**\n");
    // Each branch starts at the split and contains nothing of the others.
    expect(changedOn(repo, "feat/greet.tests")).toEqual(["test/greet"]);
  });

  it("rejects a change outside of the paths, stops waiting, and continues when it is fixed", async () => {
    const repo = packRepo("sectioning");
    useAgent(
      `${GOOD}\nif [ "$TRAILHAND_BRANCH" = feat/greet.pages ]; then mkdir -p src; echo x >src/greet; fi`,
    );
    ask(repo, "feat/greet", REQUEST);
    await run(repo);
    expect(headOf(repo, "feat/greet.pages")).toContain("Work may not change src/greet.");
    expect(changedOn(repo, "feat/greet.pages")).toEqual([]);
    expect(statesOn(repo, "feat/greet")).toEqual(["split", "join", "incomplete"]);
    expect(headOf(repo, "feat/greet")).toContain("pages did not succeed");
    expect(changedOn(repo, "feat/greet")).toEqual([]);

    useAgent(GOOD);
    for (const [branch, state] of [
      ["feat/greet.pages", "work"],
      ["feat/greet", "join"],
    ] as const) {
      repo.git("switch", "-q", branch);
      repo.request(`chore: again\n\nThe whole change: feat: a greeting\n\nState: ${state}\n`);
      repo.git("switch", "-q", "main");
    }
    await run(repo);
    expect(statesOn(repo, "feat/greet").at(-1)).toBe("done");
    expect(changedOn(repo, "feat/greet")).toEqual(["README.md", "src/greet", "test/greet"]);
  });

  it("rejects overlapping sections before creating a branch", async () => {
    const repo = packRepo("sectioning");
    repo.write("states/sections.txt", "- code src/**: Code\n- site src/site/*.css: The site\n");
    repo.commit("chore: our sections");
    useAgent(GOOD);
    ask(repo, "feat/greet", REQUEST);
    await run(repo);
    expect(statesOn(repo, "feat/greet")).toEqual(["split", "parked"]);
    expect(headOf(repo, "feat/greet")).toContain('"code" and "site" would both own src/');
    expect(branches(repo)).toBe("feat/greet");
  });

  it("rejects a section without paths", async () => {
    const repo = packRepo("sectioning");
    repo.write("states/sections.txt", "- code src/**: Code\n- rest: The rest\n");
    repo.commit("chore: our sections");
    ask(repo, "feat/greet", REQUEST);
    await run(repo);
    expect(statesOn(repo, "feat/greet")).toEqual(["split", "parked"]);
    expect(headOf(repo, "feat/greet")).toContain("- rest: The rest (it has no paths)");
  });
});
