/** The pack `hybrid-phases` end to end: parallel pieces in each phase, a barrier after it, and failures. */
import { beforeEach, describe, expect, it } from "vitest";
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

const GOAL = `feat: accounts

Names are short.

Phase interface
- api api.txt: Describe the calls
- tables tables.txt: Describe the tables
Phase users
- web web.txt: Show accounts

State: phase
`;

let repo: Repo;
beforeEach(() => {
  repo = packRepo("hybrid-phases", { Makefile: "test:\n" });
  usePrograms({ make: "touch left; ! grep -l broken *.txt" });
});

/** Each piece writes a file with its name, after the commands in `more`. */
const usePieces = (more = ":") =>
  useAgent(`
name=\${TRAILHAND_BRANCH##*-}
${more}
if [ "$TRAILHAND_STATE" = piece ]; then
  grep -q 'Names are short' "$prompt"
  test "$name" != web || cat api.txt tables.txt >web.txt
  echo "$name" >>"$name.txt"
fi`);

async function work(message = GOAL): Promise<void> {
  ask(repo, "feat", message);
  await run(repo);
}

describe("hybrid-phases", () => {
  it("starts the next phase from the merged and tested commit", async () => {
    usePieces();
    await work();
    expect(statesOn(repo, "feat")).toEqual(["phase", "barrier", "phase", "barrier", "done"]);
    expect(repo.git("show", "feat:web.txt")).toBe("api\ntables\nweb");
    expect(changedOn(repo, "feat")).toEqual(["api.txt", "tables.txt", "web.txt"]);
    const passed = repo.git("log", "--first-parent", "--format=%H", "--grep=barrier 1: passed", "feat");
    expect(repo.git("merge-base", passed, "feat.2-web")).toBe(passed);
    expect(repo.git("log", "-1", "--format=%(trailers:key=Evidence,valueonly)", passed).trim()).toBe(
      `tests ${repo.git("rev-parse", `${passed}^{tree}`)}`,
    );
  });

  it("stops while a piece is missing, and continues after a person fixed it", async () => {
    usePieces('if [ "$name" = tables ]; then echo state=failed >"$TRAILHAND_OUTPUT"; exit 0; fi');
    await work();
    expect(statesOn(repo, "feat").at(-1)).toBe("stuck");
    expect(headOf(repo, "feat")).toContain("1-tables did not succeed");
    expect(repo.git("branch", "--list", "feat.2-*")).toBe("");
    usePieces();
    for (const [branch, state] of [
      ["feat.1-tables", "piece"],
      ["feat", "barrier"],
    ] as const) {
      repo.git("switch", "-q", branch);
      repo.request(`again\n\nState: ${state}\nBranch: ${branch}\n`);
    }
    repo.git("switch", "-q", "main");
    await run(repo);
    expect(headOf(repo, "feat")).toContain("State: done");
    expect(changedOn(repo, "feat")).toEqual(["api.txt", "tables.txt", "web.txt"]);
  });

  it("lists the files of a conflict and leaves it to a person", async () => {
    usePieces('echo "$name" >same.txt');
    await work(GOAL.replaceAll(/ (api|tables|web)\.txt:/g, ":"));
    expect(statesOn(repo, "feat").at(-1)).toBe("stuck");
    expect(headOf(repo, "feat")).toContain("not merged: 1-tables");
    expect(headOf(repo, "feat")).toContain("\n    same.txt\n");
    expect(repo.git("show", "feat:same.txt")).toBe("api");
  });

  it("fixes failures after the merge before the next phase starts", async () => {
    usePieces(`case $TRAILHAND_STATE:$name in
piece:tables) echo broken >tables.txt ;;
piece:*) ;;
*) grep -q 'The end of their log' "$prompt"; echo fixed >tables.txt ;;
esac`);
    await work();
    expect(statesOn(repo, "feat")).toEqual([
      "phase",
      "barrier",
      "mend",
      "barrier",
      "phase",
      "barrier",
      "done",
    ]);
    expect(repo.git("show", "feat:web.txt")).toBe("api\nfixed\nweb");
  });

  it("creates nothing from an invalid list", async () => {
    usePieces();
    await work(GOAL.replace("- tables tables.txt", "- api"));
    expect(statesOn(repo, "feat")).toEqual(["phase", "parked"]);
    expect(headOf(repo, "feat")).toContain("    - api: Describe the tables");
    expect(repo.git("branch", "--list", "feat.*")).toBe("");
  });
});
