/** Records of linked worktrees: broken ones, and those of runners of older versions. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { openWorkspace } from "../../../src/app/open-workspace.ts";
import { thisOwner } from "../../../src/process/process-identity.ts";
import { quarantined } from "../../support/attempt-stage.ts";
import { leftovers } from "../../support/crash-runner.ts";
import { environmentOf } from "../../support/run-runner.ts";
import { answerOf, makeStage, runStage, salvages, type Stage } from "../../support/run-hostile-script.ts";

/** The owner file of a process that has ended. */
function deadOwner(): object {
  const { pid } = spawnSync(process.execPath, ["-e", "0"]);
  return { boot: "an earlier boot", pid, started: "1", host: hostname() };
}

/** What a runner of an older version leaves when it is killed while a script works. */
async function leaveOldWorktree({ repo, request }: Stage, change: (tree: string) => void): Promise<string> {
  const { cache } = await openWorkspace(repo.dir, environmentOf(repo));
  const runner = join(cache.worktrees, "runner-0123abcd");
  const side = join(runner, "w1");
  mkdirSync(side, { recursive: true });
  writeFileSync(join(runner, "owner.json"), JSON.stringify(deadOwner()));
  const record = { run: "0123abcd-0000-4000-8000-000000000000", branch: "topic", request, state: "work" };
  writeFileSync(join(side, "run.json"), JSON.stringify(record));
  const tree = join(side, "tree-runner-0123abcd-w1");
  repo.git("worktree", "add", "-q", "--detach", tree, request);
  change(tree);
  return runner;
}

describe("a broken record of a worktree", () => {
  it.each([
    ["an empty commondir", { locked: "initializing", gitdir: "/nowhere/.git\n", commondir: "" }],
    ["an empty gitdir", { gitdir: "", commondir: "../..\n", HEAD: "ref: refs/heads/main\n" }],
    ["an empty HEAD", { gitdir: "/nowhere/.git\n", commondir: "../..\n", HEAD: "" }],
    ["nothing", {}],
  ])("with %s holds up no attempt", async (_name, files) => {
    const stage = makeStage("echo x > work.txt");
    const record = join(stage.repo.dir, ".git/worktrees/broken");
    mkdirSync(record, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(record, name), text);
    const { summary, events } = await runStage(stage);
    expect(summary.faultCount, JSON.stringify(events)).toBe(0);
    expect(answerOf(stage).state).toBe("done");
    expect(existsSync(record)).toBe(true);
  });
});

describe("a worktree of a runner of an older version", () => {
  it("is saved with its commits, and removed with its record", async () => {
    const stage = makeStage('test -n "$TRAILHAND_SALVAGE" || true; echo x > work.txt');
    const runner = await leaveOldWorktree(stage, (tree) => {
      writeFileSync(join(tree, "committed.txt"), "committed\n");
      spawnSync("git", ["-C", tree, "add", "."]);
      const name = ["-c", "user.name=x", "-c", "user.email=x@example.com"];
      spawnSync("git", ["-C", tree, ...name, "commit", "-qm", "by the script"]);
      writeFileSync(join(tree, "left.txt"), "left\n");
    });
    await runStage(stage);
    expect(answerOf(stage).state).toBe("done");
    const [saved = "none"] = salvages(stage);
    expect(stage.repo.git("ls-tree", "-r", "--name-only", saved)).toMatch(
      /committed\.txt\nkept\.txt\nleft\.txt/,
    );
    expect(stage.repo.git("log", "-1", "--format=%s", `${saved}^`)).toBe("by the script");
    expect(existsSync(runner)).toBe(false);
    expect(stage.repo.git("worktree", "list").split("\n")).toHaveLength(1);
    expect(leftovers(stage.repo)).toEqual([]);
  });

  it("is removed though its record was half written", async () => {
    const stage = makeStage("echo x > work.txt");
    await leaveOldWorktree(stage, (tree) => {
      const records = join(stage.repo.dir, ".git/worktrees");
      for (const id of readdirSync(records)) writeFileSync(join(records, id, "gitdir"), "");
      writeFileSync(join(tree, "left.txt"), "left\n");
    });
    await runStage(stage);
    expect(answerOf(stage).state).toBe("done");
    expect(stage.repo.git("show", `${salvages(stage)[0]}:left.txt`)).toBe("left");
    const records = join(stage.repo.dir, ".git/worktrees");
    expect(existsSync(records) ? readdirSync(records) : []).toEqual([]);
    expect(leftovers(stage.repo)).toEqual([]);
  });

  it.each([
    ["without its owner's name", "owner.json", undefined],
    ["with an empty owner's name", "owner.json", ""],
  ])("%s is saved and removed", async (_name, file, text) => {
    const stage = makeStage("echo x > work.txt");
    const runner = await leaveOldWorktree(stage, (tree) => writeFileSync(join(tree, "left.txt"), "left\n"));
    if (text === undefined) rmSync(join(runner, file));
    else writeFileSync(join(runner, file), text);
    await runStage(stage);
    expect(stage.repo.git("show", `${salvages(stage)[0]}:left.txt`)).toBe("left");
    expect(leftovers(stage.repo)).toEqual([]);
  });

  it.each([
    "",
    "{",
    '{"run":1,"branch":{},"request":null}',
    '{"run":"r","branch":"topic","request":"--all"}',
  ])("with the record %j is moved aside with its files", async (text) => {
    const stage = makeStage("echo x > work.txt");
    const runner = await leaveOldWorktree(stage, (tree) => writeFileSync(join(tree, "left.txt"), "left\n"));
    writeFileSync(join(runner, "w1/run.json"), text);
    await runStage(stage);
    expect(answerOf(stage).state).toBe("done");
    const [aside = ""] = quarantined(stage.repo);
    expect(readFileSync(join(aside, "reason.txt"), "utf8")).toContain("run.json cannot be read");
    expect(existsSync(join(aside, "tree-runner-0123abcd-w1/left.txt"))).toBe(true);
    expect(stage.repo.git("worktree", "list").split("\n")).toHaveLength(1);
  });

  it("of a runner that another one cleans up is left to that one", async () => {
    const stage = makeStage("echo x > work.txt");
    const runner = await leaveOldWorktree(stage, () => undefined);
    const living = join(dirname(runner), "runner-living");
    mkdirSync(living);
    writeFileSync(join(living, "owner.json"), JSON.stringify(thisOwner()));
    renameSync(join(runner, "owner.json"), join(living, "runner-0123abcd.taken.json"));
    await runStage(stage);
    expect(existsSync(join(runner, "w1"))).toBe(true);
  });

  it("of a person is left alone", async () => {
    const stage = makeStage("echo x > work.txt");
    stage.repo.git("worktree", "add", "-q", "--detach", `${stage.repo.dir}-mine`, "main");
    await leaveOldWorktree(stage, () => undefined);
    await runStage(stage);
    expect(stage.repo.git("worktree", "list").split("\n")).toHaveLength(2);
  });
});
