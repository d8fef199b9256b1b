/** Refs and commits that cannot be read stop only their own branch, and are named. */
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Branch } from "../../../src/core/protocol/ids.ts";
import { diagnose } from "../../../src/app/doctor.ts";
import { openWorkspace } from "../../../src/app/open-workspace.ts";
import { branchKey } from "../../../src/git/swap-refs.ts";
import { quarantined } from "../../support/attempt-stage.ts";
import { answerOf, makeStage, runStage, type Stage } from "../../support/run-hostile-script.ts";
import { environmentOf } from "../../support/run-runner.ts";
import type { Repo } from "../../support/temp-repo.ts";

const fileOf = ({ dir }: Repo, id: string) => join(dir, ".git/objects", id.slice(0, 2), id.slice(2));

/** Overwrites a loose object. */
function breakObject(repo: Repo, id: string, text: string | undefined): void {
  const file = fileOf(repo, id);
  chmodSync(file, 0o600);
  if (text === undefined) rmSync(file);
  else writeFileSync(file, text);
}

function breakRef({ dir }: Repo, ref: string, text: string): void {
  const file = join(dir, ".git", ref);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

const findings = async ({ repo }: Stage) =>
  (await diagnose(await openWorkspace(repo.dir, environmentOf(repo)), environmentOf(repo))).filter(
    ({ about }) => about === "ref",
  );

const newCommit = (repo: Repo, text: string): string =>
  repo.gitIn(text, "commit-tree", "-p", "topic", "-F", "-", "topic^{tree}");

const KINDS: readonly (readonly [name: string, act: (repo: Repo, ref: string) => void])[] = [
  ["an empty file in the place of its commit", (repo, ref) => breakCommit(repo, ref, "")],
  ["garbage in the place of its commit", (repo, ref) => breakCommit(repo, ref, "garbage")],
  ["a commit that is gone", (repo, ref) => breakCommit(repo, ref, undefined)],
  ["an empty file in its own place", (repo, ref) => breakRef(repo, ref, "")],
  ["garbage in its own place", (repo, ref) => breakRef(repo, ref, "garbage\n")],
];

function breakCommit(repo: Repo, ref: string, text: string | undefined): void {
  const commit = newCommit(repo, `on ${ref}\n`);
  repo.git("update-ref", ref, commit);
  breakObject(repo, commit, text);
}

describe.each(KINDS)("a ref with %s", (_, act) => {
  it("as another branch stops no other branch, and doctor names it", async () => {
    const stage = makeStage("echo x > x.txt");
    stage.repo.git("branch", "other", "main");
    act(stage.repo, "refs/heads/other");
    await runStage(stage);
    expect(answerOf(stage).state).toBe("done");
    const [finding, ...more] = await findings(stage);
    expect(more).toEqual([]);
    expect(finding?.what).toMatch(/^refs\/heads\/other cannot be read/);
    expect(finding?.next).toContain("git update-ref refs/heads/other ");
  });

  it.each([
    ["lease", `refs/trailhand/leases/${branchKey("topic" as Branch)}`],
    ["parked answer", `refs/trailhand/parked/${branchKey("topic" as Branch)}`],
    ["lane slot", "refs/trailhand/lanes/wide/0"],
  ])("as the %s of the branch is moved aside", async (_name, ref) => {
    const stage = makeStage("echo x > x.txt");
    act(stage.repo, ref);
    expect(await findings(stage)).toMatchObject([{ next: "trailhand run" }]);
    await runStage(stage);
    expect(answerOf(stage).state).toBe("done");
    expect(quarantined(stage.repo)).toHaveLength(1);
    expect(await findings(stage)).toEqual([]);
  });

  it.each([
    ["the hold", "refs/trailhand/hold"],
    ["the trusted branch", "refs/heads/main"],
  ])("as %s stops everything, with the reason", async (_name, ref) => {
    const stage = makeStage("echo x > x.txt");
    act(stage.repo, ref);
    await expect(runStage(stage)).rejects.toThrow(`${ref}, `);
    const found = await diagnose(
      await openWorkspace(stage.repo.dir, environmentOf(stage.repo)),
      environmentOf(stage.repo),
    );
    expect(found.map(({ what }) => what)).toContainEqual(expect.stringContaining(`${ref}, `));
  });

  it("as salvage or a tag stops no attempt", async () => {
    const stage = makeStage("echo x > x.txt");
    act(stage.repo, "refs/trailhand/salvage/topic/run");
    act(stage.repo, "refs/tags/v1");
    await runStage(stage);
    expect(answerOf(stage).state).toBe("done");
  });
});

it("many branches with one unreadable are all read", async () => {
  const stage = makeStage("echo x > x.txt");
  const names = Array.from({ length: 450 }, (_, at) => `many/${at}`);
  const main = stage.repo.git("rev-parse", "main");
  stage.repo.gitIn(
    names.map((name) => `create refs/heads/${name} ${main}\n`).join(""),
    "update-ref",
    "--stdin",
  );
  breakCommit(stage.repo, "refs/heads/many/7", "");
  breakCommit(stage.repo, "refs/heads/many/333", undefined);
  const { repository } = await openWorkspace(stage.repo.dir, environmentOf(stage.repo));
  const { heads } = await repository.listRefs();
  expect(heads).toHaveLength(names.length);
  expect(repository.unreadableRefs.map(({ ref }) => ref).toSorted()).toEqual([
    "refs/heads/many/333",
    "refs/heads/many/7",
  ]);
  stage.repo.git("update-ref", "refs/heads/many/7", main);
  expect((await repository.listRefs()).heads).toHaveLength(names.length + 1);
  expect(repository.unreadableRefs).toHaveLength(1);
});

it("a remote's HEAD that names a deleted branch is not reported", async () => {
  const stage = makeStage("echo x > x.txt");
  stage.repo.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/gone");
  await runStage(stage);
  expect(answerOf(stage).state).toBe("done");
  expect(await findings(stage)).toEqual([]);
});

it("the quarantine of a ref holds its reason", async () => {
  const stage = makeStage("echo x > x.txt");
  breakRef(stage.repo, "refs/trailhand/closed/wide", "garbage\n");
  await runStage(stage);
  const [folder = ""] = quarantined(stage.repo);
  expect(readdirSync(folder).toSorted()).toEqual(["reason.txt", "ref"]);
});
