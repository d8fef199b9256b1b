/** The pack `merge-queue` end to end: batches, failing branches, conflicts, and concurrent changes. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { Branch } from "../../../src/core/protocol/ids.ts";
import { temporaryDir, type Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, headOf, packRepo, statesOn, useAgent, usePrograms } from "../../support/pack-fixture.ts";

let repo: Repo;
let log: string;
/** The commits on which the tests ran. */
const tested = (): string[] => readFileSync(log, "utf8").split("\n").filter(Boolean);

beforeEach(() => {
  repo = packRepo("merge-queue", { Makefile: "test:\n", "kept.txt": "one\ntwo\nthree\n" });
  log = join(temporaryDir(), "tested");
  writeFileSync(log, "");
  useTests();
});

/** The tests fail if a file contains "broken"; the command `first` runs before the first test run. */
function useTests(first = ":"): void {
  usePrograms({
    make: `test -z "\${TRAILHAND_OUTPUT:-}" || exit 2
test -z "$(git status --porcelain)" || exit 2
if ! [ -s '${log}' ]; then ${first}; fi
git rev-parse HEAD >>'${log}'
if grep -rl broken . --include='*.txt'; then echo 'it is broken'; exit 1; fi`,
  });
}

/** Creates a branch with these files and a request for `integrate`. */
function queue(branch: string, files: Readonly<Record<string, string>>, trailers = ""): void {
  ask(repo, branch, `feat: ${branch}\n\nWhat ${branch} is for.\n\nState: draft\n`);
  repo.git("switch", "-q", branch);
  for (const [path, text] of Object.entries(files)) repo.write(path, text);
  repo.commit("work");
  repo.request(`chore: ready\n\nState: integrate\nBranch: ${branch}\n${trailers}`);
  repo.git("switch", "-q", "main");
}

const subjects = () =>
  repo.git("log", "--reverse", "--format=%s", `${start}..main`).split("\n").filter(Boolean);
let start: string;
const begin = () => (start = repo.git("rev-parse", "main"));

describe("merge-queue", () => {
  it("merges a batch at once, linearly, with messages and archived history", async () => {
    for (const name of ["a", "b", "c"]) queue(name, { [`${name}.txt`]: name });
    ask(
      repo,
      "d",
      "feat: d\n\nWhy.\n\nRefs: #7\nCo-authored-by: Bo <bo@example.com>\nPriority: 9\nState: integrate\n",
    );
    repo.git("switch", "-q", "d");
    repo.write("d.txt", "d");
    repo.commit(
      "feat: d\n\nWhy.\n\nRefs: #7\nCo-authored-by: Bo <bo@example.com>\nPriority: 9\nState: integrate\n",
    );
    repo.git("switch", "-q", "main");
    begin();
    const heads = Object.fromEntries(["a", "b", "c", "d"].map((name) => [name, repo.git("rev-parse", name)]));
    const { summary } = await run(repo);
    expect(summary.startedCount).toBe(1);
    expect(tested()).toEqual([repo.git("rev-parse", "main")]);
    expect(subjects().toSorted()).toEqual(["feat: a", "feat: b", "feat: c", "feat: d"]);
    expect(repo.git("log", "--merges", `${start}..main`)).toBe("");
    // The highest priority is merged first.
    expect(subjects()[0]).toBe("feat: d");
    const messages = repo.git("log", "--format=%B", `${start}..main`);
    expect(messages).not.toMatch(/^(State|Priority|Branch|Answers):/m);
    expect(repo.git("log", "-1", "--format=%B", `${start}..main`, "--grep=feat: d")).toBe(
      `feat: d\n\nWhy.\n\nRefs: #7\nCo-authored-by: Bo <bo@example.com>\nLanded-From: d\nArchive: ${heads["d"]}`,
    );
    for (const name of ["a", "b", "c", "d"]) {
      expect(statesOn(repo, name).at(-1), name).toBe("done");
      expect(repo.git("for-each-ref", "--format=%(objectname)", `refs/trailhand/archive/${name}/`)).toBe(
        repo.git("rev-parse", name),
      );
      expect(repo.git("rev-parse", `${name}~1`)).toBe(heads[name]);
      expect(repo.git("diff", "--name-only", `${heads[name]}`, name)).toBe("");
      expect(repo.git("show", `main:${name}.txt`)).toBe(name);
    }
    // The checkout of main is updated.
    expect(repo.git("status", "--porcelain")).toBe("");
  });

  it.each(["a", "c"])("finds the failing branch of four (%s) and merges the others", async (bad) => {
    for (const name of ["a", "b", "c", "d"]) queue(name, { [`${name}.txt`]: name === bad ? "broken" : name });
    begin();
    useAgent(
      `grep -q 'it is broken' "$prompt"; git merge -q --no-edit "$TRAILHAND_TARGET_COMMIT"; echo fixed >${bad}.txt`,
    );
    const { summary } = await run(repo);
    expect(statesOn(repo, bad).slice(-4)).toEqual(["integrate", "repair", "integrate", "done"]);
    expect(subjects()).toHaveLength(4);
    expect(repo.git("show", `main:${bad}.txt`)).toBe("fixed");
    expect(tested().at(-1)).toBe(repo.git("rev-parse", "main"));
    expect(summary.startedCount).toBe(3);
    expect(repo.git("log", "--format=%B", bad)).toContain("tests failed. The end of its log:");
  });

  it("reports the files of a conflict and does not change the branch", async () => {
    queue("a", { "kept.txt": "one\nTWO\nthree\n" });
    queue("b", { "kept.txt": "one\nzwei\nthree\n", "b.txt": "b" });
    queue("c", { "c.txt": "c" });
    const before = repo.git("rev-parse", "b");
    begin();
    await run(repo);
    expect(statesOn(repo, "b").at(-1)).toBe("conflict");
    expect(headOf(repo, "b")).toContain("\n\nkept.txt\n\n");
    expect(repo.git("diff", "--name-only", before, "b")).toBe("");
    expect(repo.git("show", "main:kept.txt")).toBe("one\nTWO\nthree");
    expect(subjects().toSorted()).toEqual(["feat: a", "feat: c"]);
    expect(repo.git("for-each-ref", "refs/trailhand/archive/b")).toBe("");
  });

  it("tests again when the trusted branch moved, without using an attempt", async () => {
    queue("a", { "a.txt": "a" });
    useTests(`git -C '${repo.dir}' commit -q --allow-empty -m meanwhile`);
    begin();
    const { events } = await run(repo);
    expect(events.flatMap((one) => (one.kind === "resting" ? [one.why] : []))).toEqual([
      expect.stringContaining("has moved since the test"),
    ]);
    expect(subjects()).toEqual(["meanwhile", "feat: a"]);
    expect(tested()).toHaveLength(2);
    expect(tested()[1]).toBe(repo.git("rev-parse", "main"));
    expect(headOf(repo, "a")).toContain("Attempt: 1/2");
    expect(repo.git("for-each-ref", "refs/trailhand/salvage")).toBe("");
  });

  it("merges nothing when a branch of the batch moved, and merges the rest afterwards", async () => {
    for (const name of ["a", "b"]) queue(name, { [`${name}.txt`]: name });
    const push = `new=$(git -C '${repo.dir}' commit-tree -p b -m 'still at it' 'b^{tree}')
git -C '${repo.dir}' update-ref refs/heads/b "$new"`;
    useTests(push);
    begin();
    await run(repo);
    expect(subjects()).toEqual(["feat: a"]);
    expect(tested()).toHaveLength(2);
    expect(repo.git("log", "-1", "--format=%s", "b")).toBe("still at it");
    expect(repo.git("for-each-ref", "refs/trailhand/archive/b")).toBe("");
    expect(statesOn(repo, "a").at(-1)).toBe("done");
  });

  it("waits and tests nothing while the trusted branch is checked out with changes", async () => {
    queue("a", { "a.txt": "a" });
    repo.write("kept.txt", "mine\n");
    begin();
    const { summary } = await run(repo);
    expect(summary.idle.map(({ why }) => why.code)).toContain("blocked");
    expect(tested()).toEqual([]);
    expect(statesOn(repo, "a").at(-1)).toBe("integrate");
    repo.git("checkout", "-q", "kept.txt");
    await run(repo);
    expect(subjects()).toEqual(["feat: a"]);
  });

  it("parks without a merge when the checkout is changed during the tests", async () => {
    for (const name of ["a", "b"]) queue(name, { [`${name}.txt`]: name });
    useTests(`echo mine >'${repo.dir}/kept.txt'`);
    begin();
    await run(repo);
    expect(repo.git("rev-parse", "main")).toBe(start);
    expect([statesOn(repo, "a").at(-1), statesOn(repo, "b").at(-1)]).toEqual(["parked", "integrate"]);
    expect(headOf(repo, "a")).toContain("has uncommitted changes; put them aside with git stash");
    expect(readFileSync(join(repo.dir, "kept.txt"), "utf8")).toBe("mine\n");
    repo.git("checkout", "-q", "kept.txt");
    await run(repo);
    expect(subjects()).toEqual(["feat: b"]);
  });

  it("allows only changes in the paths that the work owns", async () => {
    useAgent('echo x >a.txt; grep -q "may not change" "$prompt" || echo x >other.txt');
    ask(repo, "a", "feat: a\n\nOwns: a.txt\nState: build\n");
    begin();
    const { events } = await run(repo);
    expect(events.flatMap((one) => (one.kind === "resting" ? [one.why] : []))).toEqual([
      "build may not change other.txt",
    ]);
    expect(repo.git("diff", "--name-only", start, "main")).toBe("a.txt");
  });

  it("excludes waiting and forbidden requests from a batch", async () => {
    const file = "states/workflow.yml";
    const text = readFileSync(join(repo.dir, file), "utf8");
    repo.write(file, text.replace("    land: true\n", "    land: true\n    by: bo@example.com\n"));
    repo.commit("chore: an answer or Bo");
    queue("b", { "b.txt": "b" }, "Not-Before: 2099-01-01T00:00:00Z\n");
    queue("c", { "c.txt": "c" });
    useAgent("echo a >a.txt");
    ask(repo, "a", "feat: a\n\nState: build\n");
    begin();
    await run(repo, { branches: ["a" as Branch] });
    expect(subjects()).toEqual(["feat: a"]);
    expect([statesOn(repo, "b").at(-1), statesOn(repo, "c").at(-1)]).toEqual(["integrate", "integrate"]);
    await run(repo);
    expect(subjects()).toEqual(["feat: a"]);
    expect(headOf(repo, "c")).toContain("only bo@example.com may request it");
  });
});
