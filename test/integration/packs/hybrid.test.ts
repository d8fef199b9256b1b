/** The pack `hybrid` end to end: prompt or script, and shadows that affect nothing. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { leftovers } from "../../support/crash-runner.ts";
import { temporaryDir, type Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, changedOn, headOf, packRepo, statesOn, useAgent } from "../../support/pack-fixture.ts";

const PACK = "hybrid";
/** An agent that sees a defect in every message with an exclamation mark. */
const SHOUTS = `
case $TRAILHAND_STATE in
classify)
  if grep -q '!' "$prompt"; then state=fix; else state=reply; fi
  printf 'state=%s\\ncost=0.02\\nsummary=it shouts or not\\n' "$state" >>"$TRAILHAND_OUTPUT"
  ;;
reply) mkdir -p replies && echo 'See README.' >replies/one.md ;;
esac`;

function inbox(agent: string): Repo {
  const repo = packRepo(PACK);
  useAgent(agent);
  return repo;
}

const write = (repo: Repo, branch: string, text: string) => ask(repo, branch, `${text}\n\nState: classify\n`);
const shadows = (repo: Repo): string[] =>
  repo.git("for-each-ref", "--format=%(refname)", "refs/trailhand/shadow").split("\n").filter(Boolean);
const shadowOf = (repo: Repo, branch: string): string => {
  const ref = shadows(repo).find((one) => one.startsWith(`refs/trailhand/shadow/${branch}/`)) ?? "none";
  return repo.git("log", "-1", "--format=%B", ref);
};

describe(PACK, () => {
  it("answers with the script and keeps the answer of the prompt", async () => {
    const repo = inbox(SHOUTS);
    write(repo, "in/one", "The export crashes!");
    write(repo, "in/two", "How do I export?\n\nThanks!");
    await run(repo);
    expect(statesOn(repo, "in/one")).toEqual(["classify", "fix"]);
    expect(statesOn(repo, "in/two")).toEqual(["classify", "reply", "review"]);
    expect(headOf(repo, "in/one")).toContain('The message contains "crashes"');
    expect(changedOn(repo, "in/two")).toEqual(["replies/one.md"]);

    expect(shadows(repo)).toHaveLength(2);
    expect(shadowOf(repo, "in/one")).toMatch(/it shouts or not[^]*Would-Answer: fix[^]*Cost: 0.02 USD/);
    expect(shadowOf(repo, "in/two")).toContain("Would-Answer: fix");
    expect(leftovers(repo)).toEqual([]);

    ask(repo, "look", "How well do they agree?\n\nState: compare\n");
    await run(repo);
    expect(headOf(repo, "look")).toContain("classify: 1 of 2 are identical");
    expect(headOf(repo, "look")).toContain("# classify: script reply, prompt fix");
  });

  it("continues while the shadow is running, and lets it finish", async () => {
    const file = join(temporaryDir(), "replied");
    const repo = inbox(`
if [ "$TRAILHAND_STATE" = reply ]; then touch ${file}; exit 0; fi
n=0
until [ -e ${file} ]; do n=$((n + 1)); [ "$n" -lt 200 ]; sleep 0.2; done
printf 'state=reply\\nsummary=thought long\\n' >>"$TRAILHAND_OUTPUT"`);
    write(repo, "in/one", "How do I export?");
    await run(repo);
    expect(statesOn(repo, "in/one")).toEqual(["classify", "reply", "review"]);
    expect(shadowOf(repo, "in/one")).toMatch(/thought long[^]*Would-Answer: reply\nEnded: exit 0/);
  });

  it("starts no shadow during a hold", async () => {
    const repo = inbox(SHOUTS);
    write(repo, "in/one", "It fails!");
    const hold = repo.git("commit-tree", "-m", "hold: stop", "HEAD^{tree}");
    await run(repo, {}, ({ repository, ...ports }) => {
      const swap = repository.swap.bind(repository);
      repository.swap = async (updates, why) => {
        const done = await swap(updates, why);
        if (why === "answered") repo.git("update-ref", "refs/trailhand/hold", hold);
        return done;
      };
      return { ...ports, repository };
    });
    expect(statesOn(repo, "in/one")).toEqual(["classify", "fix"]);
    expect(shadows(repo)).toEqual([]);
  });

  it("uses the prompt when the script is deleted, and a script when one is added", async () => {
    const repo = inbox(SHOUTS);
    rmSync(join(repo.dir, "states/classify"));
    repo.write("states/reply", "#!/bin/sh\necho summary=by code >>$TRAILHAND_OUTPUT\n", 0o755);
    repo.commit("chore: classify by prompt, reply by code");
    write(repo, "in/one", "The export crashes, calmly");
    await run(repo);
    expect(statesOn(repo, "in/one")).toEqual(["classify", "reply", "review"]);
    expect(headOf(repo, "in/one")).toContain("by code");
    expect(shadows(repo)).toEqual([]);
  });

  it.each([
    ["fails", "exit 3", "It would not have answered: exit 3."],
    ["names a state that may not follow", "echo state=done >>$TRAILHAND_OUTPUT", '"done" may not follow'],
    ["writes unreadable output", "echo nonsense >>$TRAILHAND_OUTPUT", "neither key=value"],
    ["names no state", "echo summary=hm >>$TRAILHAND_OUTPUT", "named no next state"],
    ["writes an empty state", `printf '{"state":"","subject":"x"}' >>$TRAILHAND_OUTPUT`, "Would-Answer: -"],
    ["kills itself", "kill -9 0", "killed by SIGKILL"],
  ])("is not affected when the shadow %s", async (_how, act, words) => {
    const repo = inbox(`if [ "$TRAILHAND_STATE" = classify ]; then\n${act}\nfi`);
    write(repo, "in/one", "The export crashes");
    const { summary } = await run(repo);
    expect(statesOn(repo, "in/one")).toEqual(["classify", "fix"]);
    expect(summary.faultCount).toBe(0);
    expect(shadowOf(repo, "in/one")).toContain(words);
    expect(leftovers(repo)).toEqual([]);
  });

  it("keeps the files of a shadow and redacts its secrets", async () => {
    const repo = inbox(
      'echo mine >stray.txt; printf "state=reply\\nsummary=%s\\n" "$TRAILHAND_AGENT" >>"$TRAILHAND_OUTPUT"',
    );
    write(repo, "in/one", "The export crashes");
    await run(repo);
    expect(changedOn(repo, "in/one")).toEqual([]);
    const [ref = ""] = shadows(repo);
    expect(repo.git("show", `${ref}:stray.txt`)).toBe("mine");
    expect(shadowOf(repo, "in/one")).toContain("[redacted]");
  });

  it("starts no shadow for a failed attempt, and ignores internal errors of a shadow", async () => {
    const repo = inbox(SHOUTS);
    repo.write(
      "states/classify",
      '#!/bin/sh\n[ "$TRAILHAND_ATTEMPT" = 2 ] || exit 1\necho state=fix >>$TRAILHAND_OUTPUT\n',
      0o755,
    );
    repo.write(
      "states/workflow.yml",
      `${repo.git("show", "main:states/workflow.yml").replace("shadow: true", "shadow: true\n    backoff: 1ms")}\n`,
    );
    repo.commit("chore: fail once");
    write(repo, "in/one", "The export crashes!");
    await run(repo);
    expect(statesOn(repo, "in/one")).toEqual(["classify", "fix"]);
    expect(shadows(repo)).toHaveLength(1);

    write(repo, "in/two", "It fails!");
    const { summary, events } = await run(repo, {}, ({ repository, ...ports }) => {
      const swap = repository.swap.bind(repository);
      repository.swap = (updates, why) =>
        why === "shadow" ? Promise.reject(new Error("the disk is full")) : swap(updates, why);
      return { ...ports, repository };
    });
    expect(summary.faultCount).toBe(0);
    expect(events).toContainEqual(
      expect.objectContaining({ kind: "fault", what: expect.stringContaining("the disk is full") as string }),
    );
    expect(statesOn(repo, "in/two")).toEqual(["classify", "fix"]);
  });
});
