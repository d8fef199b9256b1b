/** The pack `phase-separation` end to end: only hand-off files pass from phase to phase. */
import { describe, expect, it } from "vitest";
import type { Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, changedOn, headOf, packRepo, statesOn, useAgent } from "../../support/pack-fixture.ts";

const PACK = "phase-separation";
const REQUEST = "feat: a greeting\n\nIt says hello.\n\nState: research\n";

const AGENT = (research = "", plan = "", implement = "") => `
grep -q 'It says hello' "$prompt"
if grep -q 'a long way round' "$prompt"; then exit 1; fi
echo "It was a long way round, $TRAILHAND_STATE."
mkdir -p handoff
case $TRAILHAND_STATE in
research) echo 'src/a.js:1: nothing greets' >handoff/research.md
${research} ;;
plan) grep -q 'nothing greets' handoff/research.md; echo 'Write src/hello.js.' >handoff/plan.md
${plan} ;;
implement) grep -q 'Write src/hello.js' handoff/plan.md; test ! -e handoff/research.md
mkdir -p src; echo hello >src/hello.js
${implement} ;;
esac`;

function start(agent: string): Repo {
  const repo = packRepo(PACK, { "src/a.js": "1;\n" });
  useAgent(agent);
  ask(repo, "feat/hello", REQUEST);
  return repo;
}

const STORY = ["research", "gate-research", "plan", "gate-plan", "implement", "finish", "done"];

describe(PACK, () => {
  it("passes two short hand-off files without a transcript, and removes them at the end", async () => {
    const repo = start(AGENT());
    await run(repo);
    expect(statesOn(repo, "feat/hello")).toEqual(STORY);
    expect(changedOn(repo, "feat/hello")).toEqual(["src/hello.js"]);
    expect(headOf(repo, "feat/hello")).toContain("src/hello.js | 1 +");
    expect(repo.git("show", "feat/hello~2:handoff/plan.md")).toBe("Write src/hello.js.");
  });

  it("rejects research that changes a source file, and gives the next attempt the reason", async () => {
    const touch = "if ! grep -q 'research may not change src/a.js' \"$prompt\"; then echo 2 >src/a.js; fi";
    const repo = start(AGENT(touch));
    const { events } = await run(repo);
    expect(events.filter(({ kind }) => kind === "resting")).toMatchObject([
      { state: "research", why: "research may not change src/a.js" },
    ]);
    expect(statesOn(repo, "feat/hello")).toEqual(STORY);
    expect(changedOn(repo, "feat/hello")).toEqual(["src/hello.js"]);
  });

  it("rejects a plan that is too long, and parks after the third one", async () => {
    const repo = start(AGENT("", "seq 121 >handoff/plan.md"));
    await run(repo);
    expect(statesOn(repo, "feat/hello").filter((state) => state === "plan")).toHaveLength(3);
    expect(statesOn(repo, "feat/hello").at(-1)).toBe("parked");
    expect(repo.git("log", "--format=%b", "feat/hello")).toContain("handoff/plan.md has 121 lines");
    expect(changedOn(repo, "feat/hello").some((path) => path.startsWith("src"))).toBe(false);
  });

  it("continues with a hand-off file that a person corrected", async () => {
    const repo = start(
      AGENT("", "cat handoff/research.md >>handoff/plan.md", "cp handoff/plan.md src/hello.js"),
    );
    for (const _ of ["research", "gate-research"]) await run(repo, { once: true });
    expect(statesOn(repo, "feat/hello").at(-1)).toBe("plan");
    repo.git("switch", "-q", "feat/hello");
    repo.write("handoff/research.md", "nothing greets, and it must be in French\n");
    repo.commit("docs: what research did not see");
    repo.git("switch", "-q", "main");
    await run(repo);
    expect(statesOn(repo, "feat/hello")).toEqual(STORY);
    expect(repo.git("show", "feat/hello:src/hello.js")).toContain("it must be in French");
  });
});
