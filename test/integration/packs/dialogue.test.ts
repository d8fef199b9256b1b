/** The pack `dialogue` end to end: agreement of both agents, and limits when they do not agree. */
import { describe, expect, it } from "vitest";
import type { Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, changedOn, headOf, packRepo, statesOn, useAgent } from "../../support/pack-fixture.ts";

const PACK = "dialogue";
const TAKE_TURNS = `if [ "$TRAILHAND_STATE" = speaker ]; then other=partner; else other=speaker; fi`;

function start(agent: string, request = "docs: tabs or spaces\n\nWhich?\n\nState: speaker\n"): Repo {
  const repo = packRepo(PACK);
  useAgent(`${TAKE_TURNS}\n${agent}`);
  ask(repo, "talk/a", request);
  return repo;
}

const answers = (state: string): string => `echo "state=${state}" >>"$TRAILHAND_OUTPUT"`;
const AIMLESS = `echo 'How interesting! Tell me more.'; ${answers("$other")}`;

describe(PACK, () => {
  it("ends when both agents write the same conclusion, not when one claims agreement", async () => {
    const repo =
      start(`case $TRAILHAND_STATE-$(git log --first-parent --format=%s main..HEAD | wc -l | tr -d ' ') in
speaker-1) echo 'Conclusion: tabs'; ${answers("conclude")} ;;
partner-*) grep -q 'tabs' "$prompt"; echo 'Conclusion: spaces'; ${answers("speaker")} ;;
speaker-*) echo 'You are right.'; echo 'Conclusion: spaces'; ${answers("conclude")} ;;
esac`);
    await run(repo);
    expect(statesOn(repo, "talk/a")).toEqual("speaker conclude partner speaker conclude done".split(" "));
    expect(headOf(repo, "talk/a")).toContain("\nConclusion: spaces\n");
    expect(changedOn(repo, "talk/a")).toEqual([]);
  });

  it("parks after the last round with the last message", async () => {
    const repo = start(AIMLESS, "chat\n\nState: speaker\n");
    const { summary } = await run(repo);
    expect(summary.startedCount).toBe(13);
    expect(statesOn(repo, "talk/a").at(-1)).toBe("parked");
    expect(headOf(repo, "talk/a")).toMatch(/partner was requested 6 times, and the limit is 6/i);
    expect(headOf(repo, "talk/a")).toContain("Tell me more.");
  });

  it("parks at the cost limit, and continues when a person raises it", async () => {
    const repo = start(`echo cost=0.5 >>"$TRAILHAND_OUTPUT"; ${AIMLESS}`);
    const { summary } = await run(repo);
    expect(summary.startedCount).toBe(5);
    expect(headOf(repo, "talk/a")).toContain(
      '2 USD of 2 are spent; to continue: trailhand resume talk/a --trailer "Budget: 4 USD',
    );
    repo.git("switch", "-q", "talk/a");
    repo.request("chore: a little more\n\nState: speaker\nBudget: 3 USD\n");
    repo.git("switch", "-q", "main");
    expect((await run(repo)).summary.startedCount).toBe(3);
    expect(headOf(repo, "talk/a")).toContain("3 USD of 3 are spent");
  });

  it("passes the message of a person to the next agent", async () => {
    const repo = start(
      `if grep -q 'Spaces, please' "$prompt"; then echo 'As you say.'; ${answers("parked")}; else ${AIMLESS}; fi`,
    );
    await run(repo, { once: true });
    repo.git("switch", "-q", "talk/a");
    repo.request("docs: my word\n\nSpaces, please.\n\nState: partner\n");
    repo.git("switch", "-q", "main");
    await run(repo);
    expect(statesOn(repo, "talk/a")).toEqual(["speaker", "partner", "partner", "parked"]);
  });
});
