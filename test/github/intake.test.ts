/** The pack `intake` on GitHub: two issues at once, each with its two opinions, and each opinion once. */
import { expect, test } from "vitest";
import { git } from "../support/repo.ts";
import { packRepo, useAgent } from "../packs/support.ts";
import { commentsOf, eventBy, labelsOf, openIssue, serveApp, stateOn, untilSo } from "./scene.ts";

const AGENT = `
seen=$(grep -o 'It says [a-z]*, always' "$prompt" | sort -u)
test "$(printf '%s\\n' "$seen" | wc -l)" -eq 1 && test -n "$seen"
case $TRAILHAND_STATE in
route) echo 'state=research' >>"$TRAILHAND_OUTPUT" ;;
research) echo "src/a.js:1: $seen" ;;
*) echo "Seen: $seen. <!-- trailhand:status --> State: done" ;;
esac`;

test(
  "two issues at once are taken through, and nothing is mixed, forged or joined twice",
  { timeout: 180_000 },
  async () => {
    const person = packRepo("intake");
    person.write("states/owners.txt", "ann@example.com\nben@example.com\n");
    person.commit("chore: who takes issues");
    useAgent(AGENT);
    const scene = await serveApp(person);
    const { far, owner, send } = scene;
    const words = ["alpha", "beta"];
    const issues = [];
    for (const word of words) issues.push(await openIssue(scene, word, `It says ${word}, always.`));
    const label = { name: "state:acknowledge" };
    // GitHub may send an event twice, and two issues at one moment.
    const sent = issues.flatMap((issue) =>
      [1, 2].map(() => send("issues", { action: "labeled", issue, label, ...eventBy(owner) })),
    );
    expect(await Promise.all(sent)).toEqual([202, 202, 202, 202]);
    for (const [at, word] of words.entries()) {
      const branch = `trailhand/issue-${at + 1}`;
      await untilSo(`the end of ${word}`, () => stateOn(scene, branch) === "assigned");
      const said = git(far, ["log", "--first-parent", "--format=%B", `main..${branch}`]);
      expect(said).toContain(`It says ${word}, always`);
      expect(said).not.toContain(words[1 - at]);
      const states = git(far, [
        "log",
        "--first-parent",
        "--format=%(trailers:key=State,valueonly,separator=)",
        `main..${branch}`,
      ]);
      expect(states.split("\n").filter((state) => state === "join")).toHaveLength(1);
      await untilSo(
        `the label of ${word}`,
        async () => (await labelsOf(scene, at + 1)).join() === "state:assigned",
      );
      expect((await commentsOf(scene, at + 1)).length).toBe(1);
    }
    const branches = git(far, ["for-each-ref", "--format=%(refname:short)", "refs/heads"])
      .split("\n")
      .filter(Boolean);
    expect(branches).toHaveLength(7);
  },
);
