/** Responses that move the trusted branch and answer other branches: all at once, or not at all. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { callOf, commitOf, id, requestOf, runCall, scriptOf } from "../../support/script-call.ts";
import { ask, makeRemote, makeRunner, sideRefs, trailerOf } from "../../support/bare-remote.ts";
import { answerOf, makeStage, runStage, salvages } from "../../support/run-hostile-script.ts";

const WORKFLOW = `start: work
limits: { hops: 9 }
evidence: { proven: [tests] }
states:
  work: { next: [done, fix, proven], land: true, answers: work, lane: one, retries: 0, max: 2, on-max: look, proves: tests }
  fix: { human: true, max: 1, next: work }
  proven: { human: true, next: work }
  look: { human: true, next: work }
lanes: { one: 1 }
`;

/** Lands one commit for each member; answers its own request with $OWN and the others with $OTHERS. */
const LAND = (own: string, others: string, land = true) => `#!/bin/sh
tip=$TRAILHAND_TARGET_COMMIT between=[
for line in "$TRAILHAND_COMMIT" $(printf '%s\\n' "$TRAILHAND_MEMBERS" | cut -d ' ' -f 1); do
  tip=$(git commit-tree -p "$tip" -m "feat: landed" "$line^{tree}")
done
printf '%s\\n' "$TRAILHAND_MEMBERS" | while read -r commit branch rest; do
  test -n "$commit" || continue
  printf '%s{"branch": "%s", "commit": "%s", "state": "${others}"}' "$between" "$branch" "$commit"
  between=,
done >list
{ echo "state=${own}"; ${land ? 'echo "land=$tip";' : ""} test ! -s list || echo "answers=$(cat list)]"; } >"$TRAILHAND_OUTPUT"
rm list
`;

const REQUEST = "feat: a thing\n\nPlease.\n\nRefs: #7\nState: work\n";

describe("a landing response", () => {
  it("gets its members, one per line", async () => {
    const script = scriptOf({ "states/work": '#!/bin/sh\nprintf "%s" "$TRAILHAND_MEMBERS"\n' });
    const members = [
      requestOf(commitOf(id("4"), "Merge  me\n\nBody.\n\nState: work\n")),
      requestOf(commitOf(id("5"), "And me\n\nState: work\n")),
    ];
    expect((await runCall(callOf(script, { members }))).stdout).toBe(
      `${id("4")} topic Merge me\n${id("5")} topic And me`,
    );
    expect((await runCall(callOf(script))).stdout).toBe("");
  });

  it("is one push together with the trusted branch and the others at a remote", async () => {
    const stage = makeRemote({ "states/workflow.yml": WORKFLOW, "states/work": LAND("done", "done") });
    const before = stage.remote.git("rev-parse", "main");
    const requests = ["a", "b", "c"].map((branch) => ask(stage, branch, REQUEST));
    const { events } = await (await makeRunner(stage, "one", { shared: false })).run();
    expect(events.filter(({ kind }) => kind === "claimed")).toHaveLength(1);
    expect(stage.remote.git("rev-list", "--count", `${before}..main`)).toBe("3");
    for (const [at, branch] of ["a", "b", "c"].entries()) {
      expect([trailerOf(stage, branch, "State"), trailerOf(stage, branch, "Answers")]).toEqual([
        "done",
        requests[at],
      ]);
      expect(
        stage.remote.git("for-each-ref", "--format=%(objectname)", `refs/trailhand/archive/${branch}/`),
      ).toBe(stage.remote.git("rev-parse", branch));
    }
    expect(sideRefs(stage).filter((ref) => !ref.includes("/archive/"))).toEqual([]);
  });

  it("answers others with their carried state and within their own limits", async () => {
    const stage = makeStage(LAND("done", "fix"), { workflow: WORKFLOW });
    const { repo } = stage;
    repo.git("switch", "-q", "-c", "y", "main");
    repo.request(
      `trailhand: y\n\nRefs: #9\nState: work\nBranch: y\nParent: top\nSpent: 2 USD\nRounds: fix=1\n`,
    );
    repo.git("switch", "-q", "main");
    await runStage(stage, { options: { branches: [] } });
    expect(answerOf(stage).state).toBe("done");
    const message = repo.git("log", "-1", "--format=%B", "y");
    // It was at `fix` once before, which is its limit.
    expect(message).toMatch(/^State: parked$/m);
    expect(message).toContain("fix was requested 1 times, and the limit is 1");
    for (const line of ["Refs: #9", "Parent: top", "Spent: 2 USD", "Rounds: fix=1"]) {
      expect(message).toContain(`\n${line}\n`);
    }
    expect(repo.git("for-each-ref", "--format=%(refname)", "refs/trailhand/archive")).toMatch(
      /^refs\/trailhand\/archive\/topic\/[0-9a-f]{12}$/,
    );
  });

  it.each([
    ["the trusted branch moved", 'commit -q --allow-empty -m "feat: another"', "feat: another"],
    [
      "a member moved",
      'update-ref refs/heads/y "$(git -C "$(cat $OUT/repo)" commit-tree -p y -m "fix: y" "y^{tree}")"',
      "add files",
    ],
    ["a member was deleted", "update-ref -d refs/heads/y", "add files"],
  ])("saves a result that is outdated because %s, and runs again", async (_why, move, below) => {
    const land = LAND("done", "done").replace(
      "#!/bin/sh\n",
      `#!/bin/sh
if [ ! -e $OUT/moved ]; then
  touch $OUT/moved; echo resolved >resolution.txt
  git -C "$(cat $OUT/repo)" ${move}
fi
`,
    );
    const stage = makeStage(land, { workflow: WORKFLOW });
    const { repo } = stage;
    repo.git("switch", "-q", "-c", "y", "main");
    repo.request("feat: y\n\nState: work\n");
    repo.git("switch", "-q", "main");
    writeFileSync(join(stage.outside, "repo"), repo.dir);
    await runStage(stage);
    expect(repo.git("log", "--format=%s", "main").split("\n")).toContain(below);
    expect(repo.git("log", "-1", "--format=%s", "main")).toBe("feat: landed");
    expect(answerOf(stage).state).toBe("done");
    expect(salvages(stage).map((ref) => repo.git("show", `${ref}:resolution.txt`))).toEqual(["resolved"]);
  });

  it("does not archive its own branch when only others land", async () => {
    const stage = makeStage(LAND("fix", "done"), { workflow: WORKFLOW });
    stage.repo.git("switch", "-q", "-c", "y", "main");
    stage.repo.request("feat: y\n\nState: work\n");
    stage.repo.git("switch", "-q", "main");
    await runStage(stage, { options: { branches: ["topic" as never] } });
    expect(answerOf(stage).state).toBe("fix");
    expect(stage.repo.git("for-each-ref", "--format=%(refname)", "refs/trailhand/archive")).toMatch(
      /^refs\/trailhand\/archive\/y\/[0-9a-f]{12}$/,
    );
  });

  it("does not give others a state without evidence for their files", async () => {
    const stage = makeStage(LAND("fix", "proven", false), { workflow: WORKFLOW });
    stage.repo.git("switch", "-q", "-c", "y", "main");
    stage.repo.request("feat: y\n\nState: work\n");
    stage.repo.git("switch", "-q", "main");
    await runStage(stage, { options: { branches: ["topic" as never] } });
    expect(answerOf(stage).state).toBe("failed");
    expect(answerOf(stage).message).toContain('Y: "proven" needs evidence for the current files');
  });
});
