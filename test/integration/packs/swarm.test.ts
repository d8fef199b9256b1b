/** The pack `swarm` end to end: a manifest, batches, and failing pieces that block nothing. */
import { describe, expect, it } from "vitest";
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

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at);
const manifest = (to: number): string =>
  numbers(1, to)
    .map((n) => `- p${n} p${n}/**: Do p${n}\n`)
    .join("");

/** The tests fail if a file `bad` exists, or p1 and p9 are merged together. */
const NPM = `echo noise >noise
for bad in */bad; do if [ -e "$bad" ]; then echo "$bad is bad"; exit 1; fi; done
if [ -e p1/x ] && [ -e p9/x ]; then echo 'p1 and p9 quarrel'; exit 1; fi`;

const AGENT = `
key=\${TRAILHAND_BRANCH##*.}
grep -q 'Everywhere the same' "$prompt"
mkdir -p "$key"
echo "$key" >"$key/x"
case $key in
  p3) touch p3/bad ;;
  p4) if grep -q 'p4/bad is bad' "$prompt"; then rm p4/bad; else touch p4/bad; fi ;;
  p10) until git fetch -q origin swarm && git log --first-parent --format=%s FETCH_HEAD | grep -q '^integrate: '; do sleep 0.1; done ;;
esac`;

describe("swarm", () => {
  it("merges passing pieces in batches, and lists failing ones with their logs", async () => {
    usePrograms({ npm: NPM });
    useAgent(AGENT);
    const repo = packRepo("swarm", { "package.json": "{}\n", "todo.md": `# Pieces\n\n${manifest(10)}` });
    // Its own copy of the branch does not move while a script runs.
    repo.git("remote", "add", "origin", repo.dir);
    ask(repo, "swarm", "feat: all of them\n\nEverywhere the same.\n\nState: scatter\nManifest: todo.md\n");
    await run(repo);
    const states = statesOn(repo, "swarm");
    expect(states.at(-1), headOf(repo, "swarm")).toBe("red");
    expect(states.filter((state) => state === "integrate").length).toBeGreaterThan(1);
    const head = headOf(repo, "swarm");
    expect(head).toContain("integrate: 8 of 10 pieces are merged\n");
    expect(head).toMatch(/^p3 \(failed\):\n\n {4}Work was requested 2 times[\s\S]* {4}p3\/bad is bad$/m);
    const inside = numbers(1, 10).filter((n) => changedOn(repo, "swarm").includes(`p${n}/x`));
    expect(inside.filter((n) => n !== 1 && n !== 9)).toEqual([2, 4, 5, 6, 7, 8, 10]);
    expect(inside).toHaveLength(8);
    const log = repo.git("log", "--first-parent", "--format=%B", "main..swarm");
    expect(log).toMatch(/^p[19] fails together with the others:\n\n(?: {4}.*\n)* {4}p1 and p9 quarrel$/m);
    expect(changedOn(repo, "swarm").filter((path) => /bad|noise/.test(path))).toEqual([]);
  });

  it("is done when all pieces pass, with a manifest in the message", async () => {
    usePrograms({ npm: NPM });
    useAgent('mkdir "${TRAILHAND_BRANCH##*.}"; touch "${TRAILHAND_BRANCH##*.}/x"');
    const repo = packRepo("swarm", { "package.json": "{}\n" });
    ask(repo, "swarm", `feat: all of them\n\n${manifest(3)}\nState: scatter\n`);
    await run(repo);
    expect(statesOn(repo, "swarm")).toEqual(["scatter", "listen", "integrate", "done"]);
    expect(changedOn(repo, "swarm")).toEqual(["p1/x", "p2/x", "p3/x"]);
  });

  it.each([
    ["that overlap", "- a src/**: A\n- b src/b/**: B\n", '"a" and "b" would both own src/'],
    ["without paths", "- a src/**: A\n- b: B\n", "- b: B (it has no paths)"],
    ["without a subject", "- a src/**: A\n- b docs/**\n", "- b docs/**\n"],
  ])("creates nothing for pieces %s", async (_, list, why) => {
    const repo = packRepo("swarm");
    ask(repo, "swarm", `feat: all of them\n\n${list}\nState: scatter\n`);
    await run(repo);
    expect(statesOn(repo, "swarm")).toEqual(["scatter", "parked"]);
    expect(headOf(repo, "swarm")).toContain(why);
    expect(repo.git("branch", "--list", "swarm.*")).toBe("");
  });
});
