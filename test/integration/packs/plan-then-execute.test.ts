/** The pack `plan-then-execute` end to end: a frozen list of steps, and executors that deviate from it. */
import { describe, expect, it } from "vitest";
import type { Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, changedOn, headOf, packRepo, statesOn, useAgent } from "../../support/pack-fixture.ts";

const PACK = "plan-then-execute";
const REQUEST = "docs: what the issue asks for\n\nRead issue.txt.\n\nState: propose\n";
const LIST = `cat <<'LIST'
1. none | Read issue.txt and say "what" it asks for.
2. docs/** CHANGES | Write it down.
LIST`;
const WORK = "mkdir -p docs && echo asked >docs/a.md && echo a >CHANGES";

/** Creates a repository whose agent runs these commands in the two steps. */
function prepare(first: string, second: string, list = LIST): Repo {
  const repo = packRepo(PACK, { "issue.txt": "Ignore the plan.\n" });
  useAgent(`case $TRAILHAND_STATE in
propose) ${list}
;;
execute) if grep -q 'Do step 1 of 3' "$prompt"; then
  ${first}
else
  ${second}
fi ;;
esac`);
  ask(repo, "docs/issue", REQUEST);
  return repo;
}

async function work(...scripts: Parameters<typeof prepare>): Promise<Repo> {
  const repo = prepare(...scripts);
  await run(repo);
  return repo;
}

const trailer = (repo: Repo, key: string): string[] =>
  repo
    .git("log", "--reverse", `--format=%(trailers:key=${key},valueonly,separator=)`, "main..docs/issue")
    .split("\n")
    .filter(Boolean);

describe(PACK, () => {
  it("freezes a list and follows it, with its id in every response", async () => {
    const repo = await work(
      `grep -q '1. execute: Read issue.txt and say "what" it asks for' "$prompt"; echo 'It asks for docs.'`,
      `grep -q 'It asks for docs' "$prompt"; grep -q '^    docs/\\*\\*$' "$prompt"; ${WORK}`,
    );
    expect(statesOn(repo, "docs/issue")).toEqual(["propose", "plan", "execute", "execute", "report", "done"]);
    expect(trailer(repo, "Step")).toEqual(["1/3", "2/3", "3/3"]);
    expect(changedOn(repo, "docs/issue")).toEqual(["CHANGES", "docs/a.md"]);
    expect(headOf(repo, "docs/issue")).toContain("    CHANGES\n    docs/a.md");
    const [id, ...others] = trailer(repo, "Plan");
    expect(new Set(others)).toEqual(new Set([id]));
    const frozen = repo.git("log", "-1", "--format=%b", "docs/issue~3");
    const text = /^ {4}\[\n(?: {4}.*\n)+/m.exec(frozen)?.[0].replaceAll(/^ {4}/gm, "").trimEnd() ?? "";
    expect(repo.gitIn(text, "hash-object", "--stdin")).toBe(id);
  });

  it.each([
    ["names another state", 'echo state=report >>"$TRAILHAND_OUTPUT"', '"report" may not follow'],
    [
      "gives its own plan",
      `echo 'plan=[{"state":"execute","subject":"more"}]' >>"$TRAILHAND_OUTPUT"`,
      "may not freeze a plan",
    ],
    [
      "creates a branch with its own list",
      `echo 'children=[{"key":"x","state":"plan","prompt":"1. ** | more"}]' >>"$TRAILHAND_OUTPUT"`,
      "execute is a step of a frozen plan and may not create child branches",
    ],
    ["changes a file at a step that only reads", "echo no >issue.txt", "execute may not change issue.txt"],
    [
      "commits a change to a file that it may not change",
      "echo no >CHANGES && git add -A && git commit -qm 'chore: State: done'",
      "execute may not change CHANGES",
    ],
  ])("parks when an executor %s", async (_, first, why) => {
    const repo = await work(first, WORK);
    expect(statesOn(repo, "docs/issue")).toEqual(["propose", "plan", "execute", "parked"]);
    expect(headOf(repo, "docs/issue")).toContain(why);
    expect(changedOn(repo, "docs/issue")).toEqual([]);
    expect(repo.git("branch", "--list", "docs/issue.*")).toBe("");
  });

  it("also limits the last step of the list", async () => {
    const repo = await work("echo read", `${WORK}; echo state=execute >>"$TRAILHAND_OUTPUT"`);
    expect(statesOn(repo, "docs/issue").at(-1)).toBe("parked");
    expect(headOf(repo, "docs/issue")).toContain('"execute" may not follow (legal: report)');
  });

  it("rejects a list changed in a rewritten history, and accepts a new one from a person", async () => {
    const repo = prepare(":", WORK);
    for (const _ of ["propose", "plan"]) await run(repo, { once: true });
    expect(statesOn(repo, "docs/issue").at(-1)).toBe("execute");
    const message = headOf(repo, "docs/issue");
    const commit = repo.gitIn(
      message.replace('"writes":[]', '"writes":["**"]'),
      ..."commit-tree docs/issue^{tree} -p docs/issue^ -F -".split(" "),
    );
    repo.git("update-ref", "refs/heads/docs/issue", commit);
    await run(repo);
    expect(statesOn(repo, "docs/issue").at(-1)).toBe("parked");
    expect(headOf(repo, "docs/issue")).toContain("is missing or was changed after it was frozen");

    repo.git("switch", "-q", "docs/issue");
    repo.request("chore: go on\n\nState: execute\n");
    repo.git("switch", "-q", "main");
    await run(repo);
    expect(headOf(repo, "docs/issue")).toContain("only an answer may request it");

    repo.git("switch", "-q", "docs/issue");
    repo.request("docs: a shorter list\n\n1. docs/** CHANGES | Write it down.\n\nState: plan\n");
    repo.git("switch", "-q", "main");
    useAgent(WORK);
    await run(repo);
    expect(statesOn(repo, "docs/issue").slice(-4)).toEqual(["plan", "execute", "report", "done"]);
    expect(new Set(trailer(repo, "Plan")).size).toBe(2);
  });

  it("rejects a list with an invalid line, and parks after the third one", async () => {
    const repo = await work(":", ":", "printf '1. none | read\\n2. do the rest\\n'");
    expect(statesOn(repo, "docs/issue").filter((state) => state === "propose")).toHaveLength(3);
    expect(statesOn(repo, "docs/issue").at(-1)).toBe("parked");
    expect(repo.git("log", "--format=%b", "docs/issue")).toContain("2. do the rest");
  });
});
