/**
 * A power cut may leave any file that was just written empty or half: the next run goes on without a person,
 * or names the file with the command that removes it.
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { diagnose } from "../../../src/app/doctor.ts";
import { openWorkspace } from "../../../src/app/open-workspace.ts";
import { LocalRun, type RunResult } from "../../../src/app/run.ts";
import type { Workspace } from "../../../src/app/workspace.ts";
import { ask, makeRemote, makeRunner, trailerOf } from "../../support/bare-remote.ts";
import { buildCrashRunner } from "../../support/crash-runner.ts";
import { DAMAGES, filesBelow, type Damage } from "../../support/damage.ts";
import { makeDead } from "../../support/dead-attempt.ts";
import { answerOf, makeStage } from "../../support/run-hostile-script.ts";
import { environmentOf } from "../../support/run-runner.ts";
import { stride } from "../../support/scale.ts";
import { temporaryDir } from "../../support/temp-repo.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What `trailhand run` does in this workspace. */
const runProgram = (workspace: Workspace, env: Environment): Promise<RunResult> =>
  new LocalRun(workspace, env, {
    branches: [],
    concurrency: undefined,
    once: false,
    watch: false,
    ttlMs: undefined,
    wake: undefined,
    report: () => undefined,
  }).run();

/** What a runner leaves that used the repository when the power was cut. */
function leaveUse(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const owner = { boot: "an earlier boot", pid: 1, started: "1", host: hostname() };
  writeFileSync(join(folder, "left.json"), JSON.stringify(owner));
}

/** Saves folders, and returns the function that restores them. */
function backUp(folders: readonly string[]): () => void {
  const backup = temporaryDir();
  const copy = (from: string, to: string) => {
    rmSync(to, { recursive: true, force: true });
    cpSync(from, to, { recursive: true, preserveTimestamps: true });
  };
  for (const [at, folder] of folders.entries()) copy(folder, join(backup, String(at)));
  return () => {
    for (const [at, folder] of folders.entries()) copy(join(backup, String(at)), folder);
  };
}

/** Every kind of damage to every file, or an even part of them. */
function damagesOf(files: readonly string[], distance: number): (readonly [file: string, damage: Damage])[] {
  const kinds = Object.keys(DAMAGES) as Damage[];
  const all = files.flatMap((file) => kinds.map((damage) => [file, damage] as const));
  return all.filter((_, at) => at % stride(distance) === 0);
}

/** Findings without a command would need a person to think. */
async function findingsWithoutCommand(workspace: Workspace, env: Environment): Promise<string[]> {
  const found = await diagnose(workspace, env);
  return found.flatMap(({ level, what, next }) => (level !== "fine" && next === undefined ? [what] : []));
}

/** Files of the cache that no runner needs any more and nothing removes. */
const leftIn = (cache: string): string[] =>
  filesBelow(join(cache, "trailhand")).filter((file) => /^[^/]+\/(?:runs|worktrees|locks|uses)\//.test(file));

describe("after a power cut", () => {
  let program = "";
  beforeAll(async () => {
    program = await buildCrashRunner();
  });

  it("any damaged file of a runner holds nothing up", async () => {
    const stage = await makeDead(program, "echo a > a.txt");
    const { repo } = stage;
    const env = environmentOf(repo);
    const restore = backUp([repo.dir, repo.cache]);
    const files = filesBelow(repo.cache);
    expect(files.map((file) => basename(file))).toEqual(
      expect.arrayContaining(["owner.json", "run.json", "process.json", "index", "packed-refs"]),
    );
    for (const [file, damage] of damagesOf(files, 13)) {
      restore();
      DAMAGES[damage](join(repo.cache, file));
      const { faults } = await runProgram(await openWorkspace(repo.dir, env), env);
      expect(faults, `${damage} ${file}`).toBe(0);
      expect(answerOf(stage).state, `${damage} ${file}`).toBe("done");
      expect(leftIn(repo.cache), `${damage} ${file}`).toEqual([]);
      const workspace = await openWorkspace(repo.dir, env);
      expect(await findingsWithoutCommand(workspace, env), `${damage} ${file}`).toEqual([]);
    }
  });

  it("any damaged file of a remote's cache is created again", async () => {
    const stage = makeRemote({
      "states/work": "#!/bin/sh\necho x > x.txt\n",
      "states/workflow.yml": "states:\n  work: { next: done, retries: 0 }\n",
    });
    const env = stage.machine("one");
    const cache = env["XDG_CACHE_HOME"] ?? "";
    const open = () => openWorkspace(stage.person.dir, env, { remote: "origin" });
    ask(stage, "first", "feat: a thing\n\nPlease.\n\nState: work\n");
    await (await makeRunner(stage, "one")).run();
    ask(stage, "second", "feat: a thing\n\nPlease.\n\nState: work\n");
    leaveUse((await open()).cache.uses);
    const restore = backUp([cache, stage.remote.dir]);
    const files = filesBelow(cache).filter((file) => file.includes("/repo.git/"));
    expect(files.map((file) => basename(file))).toEqual(expect.arrayContaining(["HEAD", "config"]));
    for (const [file, damage] of damagesOf(files, 11)) {
      restore();
      DAMAGES[damage](join(cache, file));
      const { faults } = await runProgram(await open(), env);
      expect(faults, `${damage} ${file}`).toBe(0);
      expect(trailerOf(stage, "second", "State"), `${damage} ${file}`).toBe("done");
      expect(leftIn(cache), `${damage} ${file}`).toEqual([]);
      expect(await findingsWithoutCommand(await open(), env), `${damage} ${file}`).toEqual([]);
    }
  });

  it("an object that is empty is written again", async () => {
    const stage = makeStage("echo the same > new.txt");
    const { repo } = stage;
    const env = environmentOf(repo);
    const blob = repo.gitIn("the same\n", "hash-object", "-w", "--stdin");
    DAMAGES.empty(join(repo.dir, ".git/objects", blob.slice(0, 2), blob.slice(2)));
    leaveUse((await openWorkspace(repo.dir, env)).cache.uses);
    await runProgram(await openWorkspace(repo.dir, env), env);
    expect(repo.git("show", "topic:new.txt")).toBe("the same");
    expect(repo.git("fsck", "--strict", "--no-dangling")).toBe("");
  });
});
