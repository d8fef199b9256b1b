/** The pack `routing` end to end: declared routes, unknown work, and a person when the route is missing. */
import { describe, expect, it } from "vitest";
import type { Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, changedOn, headOf, packRepo, statesOn, useAgent } from "../../support/pack-fixture.ts";

const PACK = "routing";
const state = (name: string): string => `echo 'state=${name}' >>"$TRAILHAND_OUTPUT"`;

async function sort(classify: string, work = ""): Promise<Repo> {
  const repo = packRepo(PACK);
  useAgent(`case $TRAILHAND_STATE in
classify) ${classify} ;;
*) grep -q 'The route is deep, I say' "$prompt"; echo "$TRAILHAND_STATE" >work.md
${work || 'echo state=done >>"$TRAILHAND_OUTPUT"'} ;;
esac`);
  ask(repo, "feat/a", "feat: a thing\n\nThe route is deep, I say.\n\nState: classify\n");
  await run(repo);
  return repo;
}

describe(PACK, () => {
  it.each(["docs", "quick", "deep"])("sends work along the route %s", async (route) => {
    const repo = await sort(state(route));
    expect(statesOn(repo, "feat/a")).toEqual(["classify", route, "done"]);
    expect(repo.git("show", "feat/a:work.md")).toBe(route);
  });

  it("passes unknown work to deep, with the reason", async () => {
    const repo = await sort(`${state("unknown")}; echo 'It could be anything.'`);
    expect(statesOn(repo, "feat/a")).toEqual(["classify", "unknown", "deep", "done"]);
    expect(repo.git("log", "-1", "--format=%B", "feat/a~1")).toContain("It could be anything.");
  });

  it.each([
    ["names no declared route", state("sort"), '"sort" may not follow (legal: docs, quick, deep, unknown)'],
    ["ends the work itself", state("done"), '"done" may not follow'],
    ["names no route", "echo quick", "the script named no next state"],
    ["does the work as well", `${state("quick")}; echo a >work.md`, "classify may not change work.md"],
  ])("asks a person when the classifier %s", async (_, classify, why) => {
    const repo = await sort(classify);
    expect(statesOn(repo, "feat/a")).toEqual(["classify", "sort"]);
    expect(headOf(repo, "feat/a")).toContain("Attempt: 2/2");
    expect(headOf(repo, "feat/a")).toContain(why);
    expect(changedOn(repo, "feat/a")).toEqual([]);
  });

  it("continues with the route of a person, and passes larger work to deep", async () => {
    const repo = await sort(state("nothing"), `if [ "$TRAILHAND_STATE" = quick ]; then ${state("deep")}; fi`);
    repo.git("switch", "-q", "feat/a");
    repo.request("chore: it is small\n\nState: quick\n");
    repo.git("switch", "-q", "main");
    await run(repo);
    expect(statesOn(repo, "feat/a")).toEqual(["classify", "sort", "quick", "deep", "done"]);
  });
});
