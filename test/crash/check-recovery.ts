/** Runs the next runner after a crash, and checks that nothing is lost, doubled or left behind. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { git, type CrashStage } from "./crash-stage.ts";

export interface Program {
  readonly node: string;
  readonly program: string;
}

/** Files of the cache that outlive a runner. */
const LASTING = /^(?:logs|shared|states|configs|probed\.json|bring)(?:\/|$)/;

export function checkRecovery(stage: CrashStage, { node, program }: Program): string[] {
  const { env, repo, isRemote, remote } = stage;
  const target = isRemote ? ["--remote", "origin"] : [];
  const call = (...args: string[]) =>
    spawnSync(node, [program, ...args, ...target], { cwd: repo, env, encoding: "utf8", timeout: 120_000 });
  const run = call("run");
  const printed = `${run.stdout}${run.stderr}`.trim();
  if (run.status !== 0) return [`the next run ended with ${run.status ?? run.signal}: ${printed}`];
  const trusted = isRemote ? remote : repo;
  const problems = [...checkAnswer(stage, trusted), ...checkStores(stage), ...findLeft(stage)];
  const doctor = call("doctor", "--json");
  const { findings } = JSON.parse(doctor.stdout) as { findings: { level: string; what: string }[] };
  for (const { level, what } of findings) if (level !== "fine") problems.push(`doctor: ${what}`);
  return problems;
}

function checkAnswer(stage: CrashStage, trusted: string): string[] {
  const field = (format: string) => git(stage, trusted, "log", "-1", `--format=${format}`, "topic").trim();
  const problems: string[] = [];
  const state = field("%(trailers:key=State,valueonly)");
  if (state !== "done") problems.push(`the branch is at ${state || "its request"}`);
  const request = git(stage, trusted, "log", "--format=%H", "--grep=^State: work", "topic")
    .split("\n")
    .at(-1);
  const answers = git(stage, trusted, "log", "--format=%(trailers:key=Answers,valueonly)", "--branches")
    .split("\n")
    .filter((line) => line === request);
  if (answers.length !== 1) problems.push(`${answers.length} answers to the request`);
  if (problems.length > 0) return problems;
  const run = field("%(trailers:key=Run,valueonly)");
  const content = git(stage, trusted, "show", "topic:new.txt");
  if (content !== run) problems.push(`new.txt is of the run ${content}, and the answer is of ${run}`);
  if (git(stage, trusted, "show", "topic:kept.txt") !== "changed") problems.push("kept.txt is the old one");
  const commits = git(stage, trusted, "log", "--format=%s", "--grep=^the work$", "topic").split("\n");
  const expected = stage.work === "commits" ? 1 : 0;
  if (commits.filter(Boolean).length !== expected) problems.push(`${commits.length} commits of the script`);
  if (stage.isRemote || git(stage, stage.repo, "branch", "--show-current") !== "topic") return problems;
  const changes = git(stage, stage.repo, "status", "--porcelain");
  return changes === "" ? problems : [...problems, `the checkout differs: ${changes}`];
}

function checkStores(stage: CrashStage): string[] {
  return [stage.repo, ...(stage.isRemote ? [stage.remote] : [])].flatMap((dir) => {
    const { status, stderr } = spawnSync("git", ["fsck", "--strict", "--no-dangling"], {
      cwd: dir,
      env: stage.env,
      encoding: "utf8",
    });
    return status === 0 ? [] : [`git fsck in ${dir}: ${stderr.trim()}`];
  });
}

/** What nothing will remove: files of the cache, and locks. Those in the copy of a remote go once they are old. */
function findLeft(stage: CrashStage): string[] {
  const base = join(stage.cache, "trailhand");
  const caches = existsSync(base) ? readdirSync(base).map((name) => join(base, name)) : [];
  const left = caches.flatMap((cache) =>
    filesIn(cache).filter((path) => !LASTING.test(path) && !path.startsWith("repo.git/")),
  );
  const locks = filesIn(join(stage.repo, ".git"))
    .filter((path) => path.endsWith(".lock"))
    .map((path) => `a lock: ${path}`);
  return [...left.map((path) => `left in the cache: ${path}`), ...locks];
}

/** Every file, and every empty folder, relative to the folder. */
function filesIn(root: string, folder = ""): string[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (!entry.isDirectory()) return [name];
    return readdirSync(join(root, name)).length === 0 && folder !== "" ? [name] : filesIn(root, name);
  });
}
