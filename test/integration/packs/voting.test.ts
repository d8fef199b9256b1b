/** The pack `voting` end to end: majority, union, best attempt, an early end, and no decision. */
import { describe, expect, it } from "vitest";
import type { Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import {
  ask,
  changedOn,
  headOf,
  packRepo,
  statesOn,
  useAgent,
  usePrograms,
} from "../../support/pack-fixture.ts";

/** An agent with one case for each voter; other voters run until they are stopped. */
const voters = (...arms: string[]): void =>
  useAgent(`
grep -q 'Is it a bug' "$prompt"
case \${TRAILHAND_BRANCH##*.} in
${arms.join("\n")}
*) exec sleep 600 ;;
esac`);

const says = (who: string, word: string): string =>
  `${who}) echo 'trailers=Vote: ${word}' >>"$TRAILHAND_OUTPUT"; echo because ;;`;

async function vote(rule: string | undefined, files: Readonly<Record<string, string>> = {}): Promise<Repo> {
  const repo = packRepo("voting", files);
  const rest = rule === undefined ? "" : `Rule: ${rule}\n`;
  ask(repo, "bug", `Is it a bug\n\nThat it says hello.\n\nState: ask\n${rest}`);
  await run(repo);
  return repo;
}

const endOf = (repo: Repo, branch: string): string | undefined => statesOn(repo, branch).at(-1);

describe("voting", () => {
  it("decides as soon as there is a majority, and cancels the remaining voters", async () => {
    voters(says("v1 | v2 | v3", " Yes!"));
    const repo = await vote(undefined);
    expect(statesOn(repo, "bug")).toEqual(["ask", "quorum", "tally", "done"]);
    expect(headOf(repo, "bug")).toMatch(/- yes: 3\n[\s\S]*^Decision: yes$/m);
    expect(["bug.v4", "bug.v5"].map((name) => endOf(repo, name))).toEqual(["cancelled", "cancelled"]);
  });

  it("leaves a tie to a person, with the count", async () => {
    voters(says("v1 | v2", "yes"), says("v3 | v4", "no"), "v5) echo state=failed >>$TRAILHAND_OUTPUT ;;");
    const repo = await vote(undefined);
    expect(endOf(repo, "bug")).toBe("undecided");
    expect(headOf(repo, "bug")).toContain("Voters: 5, finished: 4, still running: 0.\n\n- no: 2\n- yes: 2\n");
  });

  it("stops waiting when a quorum is impossible", async () => {
    voters(says("v1", "yes"), "v2 | v3 | v4) echo state=failed >>$TRAILHAND_OUTPUT ;;", says("v5", "yes"));
    const repo = await vote("majority");
    expect(endOf(repo, "bug")).toBe("undecided");
    expect(headOf(repo, "bug")).toContain("no majority of 5");
  });

  it("collects all findings, with the number of voters for each", async () => {
    voters(
      "v1) printf -- '- a.c:1: one\\n- a.c:2: two\\n' ;;",
      "v2) printf -- '- a.c:2: two\\n- a.c:2: two\\n' ;;",
      "v3) printf 'Nothing else:\\n- b.c:3: $(three)\\n' ;;",
    );
    const repo = await vote("union");
    expect(headOf(repo, "bug")).toContain("- a.c:2: two (2)\n- a.c:1: one (1)\n- b.c:3: $(three) (1)\n");
    expect(headOf(repo, "bug")).toContain("Decision: 3 findings of 3 voters");
    expect(endOf(repo, "bug")).toBe("done");
  });

  it("merges the best attempt: the smallest one that passes the tests", async () => {
    usePrograms({ npm: "test ! -e broken" });
    voters("v1) seq 9 >nine ;;", "v2) seq 3 >three ;;", "v3) echo 1 >broken ;;", "v4) seq 5 >five ;;");
    const repo = await vote("best", { "package.json": "{}\n" });
    expect(endOf(repo, "bug.v3")).toBe("failed");
    expect(changedOn(repo, "bug")).toEqual(["three"]);
    expect(headOf(repo, "bug")).toMatch(/- v2: 3\n- v4: 5\n- v1: 9\n[\s\S]*^Decision: v2, with 3$/m);
    expect(endOf(repo, "bug.v5")).toBe("cancelled");
  });
});
