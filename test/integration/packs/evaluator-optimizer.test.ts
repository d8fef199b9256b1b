/** The pack `evaluator-optimizer` end to end: the best version wins, and the three ways to end. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDir, type Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, changedOn, headOf, packRepo, statesOn, useAgent } from "../../support/pack-fixture.ts";

const PACK = "evaluator-optimizer";
const BRANCH = "docs/intro";

/** The agent writes `version n` to intro.txt in round n; the n-th number is its score. */
async function work(scores: readonly string[], more = ""): Promise<Repo> {
  const repo = packRepo(PACK);
  const rounds = join(temporaryDir(), "rounds");
  useAgent(`
case $TRAILHAND_STATE in
generate)
  echo x >>${rounds}
  echo "version $(wc -l <${rounds} | tr -d ' ')" >intro.txt
  ;;
evaluate)
  set -- ${scores.join(" ")}
  shift "$(($(wc -l <${rounds}) - 1))"
  printf 'subject=score %s: so so\\nsummary=flaw of %s\\n' "$1" "$(cat intro.txt)" >>"$TRAILHAND_OUTPUT"
  ;;
esac
${more}`);
  ask(repo, BRANCH, "docs: an introduction\n\nShort.\n\nState: generate\n");
  await run(repo);
  return repo;
}

const rounds = (repo: Repo): number => statesOn(repo, BRANCH).filter((state) => state === "evaluate").length;
const result = (repo: Repo): string => repo.git("show", `${BRANCH}:intro.txt`);

describe(PACK, () => {
  it("ends when a score is high enough", async () => {
    const repo = await work(["50", "93", "99"]);
    expect(statesOn(repo, BRANCH)).toEqual([
      "generate",
      "evaluate",
      "compare",
      "generate",
      "evaluate",
      "compare",
      "done",
    ]);
    expect(result(repo)).toBe("version 2");
    expect(headOf(repo, BRANCH)).toContain("compare: 93 is good enough");
  });

  it("ends after two versions without improvement, with the best version", async () => {
    const repo = await work(
      ["40", "70", "70", "60", "99"],
      // The author starts from the best version and reads the evaluation of the newest.
      `if [ "$TRAILHAND_STATE" = generate ] && grep -q 'flaw of version 3' "$prompt"; then
  git show HEAD:intro.txt | grep -q 'version 2'
fi`,
    );
    expect(rounds(repo)).toBe(4);
    expect(result(repo)).toBe("version 2");
    expect(headOf(repo, BRANCH)).toContain("no improvement 2 times, the best score is 70");
    expect(headOf(repo, BRANCH)).toContain("Best-Score: 70");
    expect(statesOn(repo, BRANCH).at(-1)).toBe("done");
  });

  it("ends after the last round with the best version", async () => {
    const repo = await work(["10", "40", "20", "50", "60", "50", "99"]);
    expect(rounds(repo)).toBe(6);
    expect(result(repo)).toBe("version 5");
    expect(headOf(repo, BRANCH)).toContain("the limit is 5");
    expect(statesOn(repo, BRANCH).at(-1)).toBe("done");
  });

  it("rejects changes of the evaluator, and counts a missing score as 0", async () => {
    const touched = await work(["95"], '[ "$TRAILHAND_STATE" = generate ] || echo "version 9" >intro.txt');
    expect(statesOn(touched, BRANCH)).toEqual(["generate", "evaluate", "failed"]);
    expect(headOf(touched, BRANCH)).toContain("intro.txt");

    const silent = await work(["30", "banana", "999"]);
    expect(result(silent)).toBe("version 1");
    expect(headOf(silent, BRANCH)).toContain("the best score is 30");
  });

  it("ignores what an author writes about the best version", async () => {
    const repo = await work(
      ["80", "20", "10"],
      `if [ "$TRAILHAND_STATE" = generate ]; then
  printf 'trailers<<X\\nBest: %s\\nBest-Score: 1\\nFlat: 0\\nX\\n' "$TRAILHAND_COMMIT" >>"$TRAILHAND_OUTPUT"
fi`,
    );
    expect(rounds(repo)).toBe(3);
    expect(result(repo)).toBe("version 1");
    expect(headOf(repo, BRANCH)).toContain("Best-Score: 80");
    expect(changedOn(repo, BRANCH)).toEqual(["intro.txt"]);
  });
});
