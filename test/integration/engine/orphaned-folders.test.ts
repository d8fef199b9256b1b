/** Folders of runners without an owner, and folders that were moved aside: each is removed or named. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { diagnose } from "../../../src/app/doctor.ts";
import { collectGarbage } from "../../../src/app/gc.ts";
import { openWorkspace } from "../../../src/app/open-workspace.ts";
import { filesIn, quarantined, runAttempt } from "../../support/attempt-stage.ts";
import { buildCrashRunner, leftovers } from "../../support/crash-runner.ts";
import { makeDead, runnerFolders } from "../../support/dead-attempt.ts";
import { makeStage, runStage, salvages, type Stage } from "../../support/run-hostile-script.ts";
import { environmentOf } from "../../support/run-runner.ts";

let program = "";
beforeAll(async () => {
  program = await buildCrashRunner();
});

const workspaceOf = ({ repo }: Stage) => openWorkspace(repo.dir, environmentOf(repo));

/** The findings of `doctor` that are not fine: what, and the command that fixes it. */
async function findings(stage: Stage): Promise<string[]> {
  const found = await diagnose(await workspaceOf(stage), environmentOf(stage.repo));
  return found.flatMap(({ about, level, what, next }) =>
    level === "fine" || about === "identity" ? [] : [`${what} -> ${next}`],
  );
}

describe("a folder of a dead runner", () => {
  it.each([
    ["without its owner's name", (owner: string) => rmSync(owner)],
    ["with an empty owner's name", (owner: string) => writeFileSync(owner, "")],
    ["with half of its owner's name", (owner: string) => writeFileSync(owner, '{"boot":"a')],
    ["whose owner's name is of another kind", (owner: string) => writeFileSync(owner, '["x"]')],
    [
      "whose owner's name is a folder",
      (owner: string) => {
        rmSync(owner);
        mkdirSync(owner);
      },
    ],
  ])("%s is saved and removed", async (_, change) => {
    const stage = await makeDead(program, "echo a > a.txt");
    for (const folder of runnerFolders(stage)) change(join(folder, "owner.json"));
    expect(await findings(stage)).toEqual(
      expect.arrayContaining([expect.stringMatching(/runner died.*trailhand run$/)]),
    );
    const { files } = await runAttempt(stage);
    expect(files).toContain("again.txt");
    expect(filesIn(stage.repo, salvages(stage)[0])).toContain("a.txt");
    expect(leftovers(stage.repo)).toEqual([]);
    expect(await findings(stage)).toEqual([]);
  });

  it("that died while it cleaned up a folder without an owner is saved too", async () => {
    const stage = await makeDead(program, "echo a > a.txt");
    const [dead = ""] = runnerFolders(stage);
    const adopter = join(dirname(dead), "runner-00000000");
    mkdirSync(adopter);
    renameSync(join(dead, "owner.json"), join(adopter, "owner.json"));
    renameSync(dead, join(adopter, `adopted-${basename(dead)}`));
    await runStage(stage);
    expect(filesIn(stage.repo, salvages(stage)[0])).toContain("a.txt");
    expect(leftovers(stage.repo)).toEqual([]);
  });

  it.each([
    ["an empty folder", (runs: string) => mkdirSync(join(runs, ".runner-01234567"))],
    ["a file", (runs: string) => writeFileSync(join(runs, "runner-01234567"), "x")],
  ])("beside %s, which is removed", async (_, add) => {
    const stage = makeStage("echo x > x.txt");
    const { cache } = await workspaceOf(stage);
    mkdirSync(cache.runs, { recursive: true });
    add(cache.runs);
    await runAttempt(stage);
    expect(leftovers(stage.repo)).toEqual([]);
  });
});

describe("a folder that was moved aside", () => {
  async function makeAside(): Promise<{ stage: Stage; folder: string }> {
    const stage = await makeDead(program, "mkdir deep; echo a > deep/a.txt; chmod 500 deep");
    for (const folder of runnerFolders(stage))
      for (const name of readdirSync(folder))
        if (!name.endsWith(".json")) writeFileSync(join(folder, name, "run.json"), "garbage");
    await runStage(stage);
    const [folder = ""] = quarantined(stage.repo);
    return { stage, folder };
  }
  const prune = async (stage: Stage, keepDays?: number) =>
    collectGarbage(await workspaceOf(stage), environmentOf(stage.repo), { keepDays, prune: true });

  it("is named by doctor, and kept by gc while it is young", async () => {
    const { stage, folder } = await makeAside();
    expect(await findings(stage)).toEqual([expect.stringMatching(/run\.json cannot be read.*-> rm -rf /)]);
    expect(await prune(stage)).toEqual([]);
    expect(existsSync(folder)).toBe(true);
  });

  it("is removed by gc when it is old, with its reason", async () => {
    const { stage, folder } = await makeAside();
    utimesSync(folder, 1000, 1000);
    const found = await prune(stage);
    expect(found).toEqual([
      { kind: "file", name: folder, why: expect.stringContaining("run.json") as string },
    ]);
    expect(existsSync(folder)).toBe(false);
  });

  it("is removed at once on request, also with folders that cannot be written", async () => {
    const { stage, folder } = await makeAside();
    chmodSync(folder, 0o700);
    expect(await prune(stage, 0)).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: folder })]),
    );
    expect(existsSync(folder)).toBe(false);
  });
});

describe("doctor names locks", () => {
  it("of git that are old, with the command that removes each", async () => {
    const stage = makeStage("echo x > x.txt");
    const git = join(stage.repo.dir, ".git");
    for (const name of ["packed-refs.lock", "index.lock", "refs/heads/topic.lock"]) {
      writeFileSync(join(git, name), "");
      utimesSync(join(git, name), 1000, 1000);
    }
    writeFileSync(join(git, "HEAD.lock"), "");
    const found = (await findings(stage)).filter((line) => line.includes(".lock"));
    expect(found).toHaveLength(3);
    for (const line of found) expect(line).toMatch(/-> rm -f \S+\.lock/);
  });

  it("of a killed runner", async () => {
    const stage = makeStage("echo x > x.txt");
    const { cache } = await workspaceOf(stage);
    const path = join(stage.repo.dir, ".git/refs/heads/topic.lock");
    writeFileSync(path, "");
    mkdirSync(cache.locks, { recursive: true });
    const owner = { boot: "an earlier boot", pid: 1, started: "1", host: hostname() };
    const plan = { locks: [{ path, text: "" }] };
    writeFileSync(join(cache.locks, "left.json"), JSON.stringify({ owner, mark: "gone", plan }));
    expect(await findings(stage)).toEqual([`a git of a killed runner left ${path} -> trailhand run`]);
    await runAttempt(stage);
    expect(await findings(stage)).toEqual([]);
  });
});
