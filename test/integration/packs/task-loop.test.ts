/** The pack `task-loop` end to end: rounds, rate limits, and the ways to stop. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDir, type Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, headOf, packRepo, statesOn, useAgent } from "../../support/pack-fixture.ts";

const PACK = "task-loop";
const LIST = "- [ ] one\n- [ ] two\n- [ ] three\n";
/** Marks the first open item as done. */
const ROUND = `
awk '!n && sub(/^- \\[ \\]/, "- [x]") { n = 1 } 1' TODO.md >TODO.new && mv TODO.new TODO.md
if grep -q '^- \\[ \\]' TODO.md; then next=work; else next=finish; fi
printf 'state=%s\\nsummary=one item\\n' "$next" >>"$TRAILHAND_OUTPUT"`;

function loop(agent: string, files: Readonly<Record<string, string>> = { "TODO.md": LIST }): Repo {
  const repo = packRepo(PACK, files);
  useAgent(agent);
  ask(repo, "chore/list", "chore: process the list\n\nState: work\n");
  return repo;
}

const trailers = (repo: Repo, key: string): string[] =>
  repo
    .git("log", "--reverse", `--format=%(trailers:key=${key},valueonly,separator=)`, "main..chore/list")
    .split("\n");

describe(PACK, () => {
  it("requests itself until the list is empty, each round as a first attempt", async () => {
    const repo = loop(ROUND);
    await run(repo);
    expect(statesOn(repo, "chore/list")).toEqual(["work", "work", "work", "finish", "done"]);
    expect(repo.git("show", "chore/list:TODO.md")).toBe("- [x] one\n- [x] two\n- [x] three");
    expect(trailers(repo, "Attempt").slice(1)).toEqual(["1/3", "1/3", "1/3", "1/3"]);
  });

  it("does not trust an agent that claims to be finished", async () => {
    const repo = loop(`
if grep -q 'These items of TODO.md are open' "$prompt"; then
  grep -q '^    - \\[ \\] three' "$prompt"
  ${ROUND}
else
  printf 'state=finish\\nsummary=all is well\\n' >>"$TRAILHAND_OUTPUT"
fi`);
    await run(repo);
    const states = statesOn(repo, "chore/list");
    expect(states.slice(0, 3)).toEqual(["work", "finish", "work"]);
    expect(states.at(-1)).toBe("done");
    expect(repo.git("show", "chore/list:TODO.md")).not.toContain("[ ]");
  });

  it("retries later at a rate limit, without counting an attempt or a round", async () => {
    const seen = join(temporaryDir(), "seen");
    const repo = loop(`
echo x >>${seen}
if [ "$(wc -l <${seen})" -le 4 ]; then echo retry-after=0 >>"$TRAILHAND_OUTPUT"; exit 75; fi
${ROUND}`);
    const { events } = await run(repo);
    expect(events.filter(({ kind }) => kind === "resting")).toHaveLength(4);
    expect(statesOn(repo, "chore/list").at(-1)).toBe("done");
    expect(new Set(trailers(repo, "Attempt").slice(1))).toEqual(new Set(["1/3"]));
    expect(trailers(repo, "Rounds").at(-1)).toMatch(/\bwork=2\b/);
  });

  it("closes the whole lane until a rate limit ends", async () => {
    const repo = loop('echo retry-after=10m >>"$TRAILHAND_OUTPUT"; exit 75');
    ask(repo, "chore/other", "chore: another list\n\nState: work\n");
    const { summary } = await run(repo, { once: true, concurrency: 1 });
    expect(summary.startedCount).toBe(1);
    const again = await run(repo, { once: true });
    expect(again.summary.startedCount).toBe(0);
    expect(again.summary.idle.map(({ why }) => why.code).toSorted()).toEqual([
      "lane-closed",
      "resting",
      "target",
    ]);
  });

  it("parks after three rounds without a change, and after the maximum number of rounds", async () => {
    const idle = loop('printf "state=work\\nsummary=thinking\\n" >>"$TRAILHAND_OUTPUT"');
    await run(idle);
    expect(headOf(idle, "chore/list")).toContain("with identical files");
    expect(statesOn(idle, "chore/list")).toEqual(["work", "work", "work", "parked"]);

    const busy = loop('date +%s%N >>log.txt; printf "state=work\\nsummary=x\\n" >>"$TRAILHAND_OUTPUT"');
    const workflow = busy.git("show", "main:states/workflow.yml").replace("max: 30", "max: 4");
    busy.write("states/workflow.yml", `${workflow}\n`);
    busy.commit("chore: fewer rounds");
    await run(busy);
    expect(headOf(busy, "chore/list")).toContain("the limit is 4");
    expect(statesOn(busy, "chore/list")).toEqual(["work", "work", "work", "work", "work", "parked"]);
  });
});
