/** Repositories with an installed pack, and shell scripts that replace agents and npm. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { packFiles } from "../../src/templates/packs.ts";
import { parseSha } from "../../src/core/protocol/ids.ts";
import { readTrustedConfig, type ReadTrustedConfig } from "../../src/git/read-trusted-config.ts";
import { openWorkspace } from "../../src/app/open-workspace.ts";
import { copyRepo, keepTemplate, makeRepo, temporaryDir, type Repo } from "./temp-repo.ts";
import { environmentOf } from "./run-runner.ts";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const PACKS = join(ROOT, "states", "packs");

/** The paths of all files below a folder, relative to it and sorted. */
export function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => statSync(join(folder, path)).isFile())
    .toSorted();
}

/** Copies the files of a folder to `states/` of a repository, with their modes, and commits them. */
export function installStates(repo: Repo, folder: string, isIncluded = (_path: string) => true): void {
  for (const path of filesOf(folder).filter(isIncluded)) {
    const from = join(folder, path);
    repo.write(`states/${path}`, readFileSync(from, "utf8"), statSync(from).mode & 0o777);
  }
  repo.commit("chore: install states");
}

const templates = new Map<string, string>();

/** Creates a repository whose trusted branch has the pack in `states/`, as written by `init --pack`. */
export function packRepo(pack: string, files: Readonly<Record<string, string>> = {}): Repo {
  const key = JSON.stringify([pack, files]);
  const template = templates.get(key) ?? keepTemplate(makePackRepo(pack, files));
  templates.set(key, template);
  return copyRepo(template);
}

function makePackRepo(pack: string, files: Readonly<Record<string, string>>): Repo {
  const repo = makeRepo(files);
  for (const { path, text, executable } of packFiles(pack))
    repo.write(path, text, executable ? 0o755 : 0o644);
  repo.commit(`chore: install the pack ${pack}`);
  return repo;
}

/** Sets TRAILHAND_AGENT to a shell script. `$prompt` is the path of the prompt. */
export function useAgent(script: string): void {
  const file = join(temporaryDir(), "agent");
  const text = `#!/bin/sh\nset -eu\nprompt=$(mktemp)\ntrap 'rm -f "$prompt"' EXIT\ncat >"$prompt"\n${script}\n`;
  writeFileSync(file, text, { mode: 0o755 });
  process.env["TRAILHAND_AGENT"] = file;
}

/** Adds programs to the start of PATH; each is a shell script. */
export function usePrograms(programs: Readonly<Record<string, string>>): void {
  const bin = join(temporaryDir(), "bin");
  mkdirSync(bin, { recursive: true });
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  process.env["PATH"] = `${bin}:${process.env["PATH"]}`;
}

/** Creates a branch at `main` and commits this message, which requests a state, on it. */
export function ask(repo: Repo, branch: string, message: string): void {
  const request = repo.gitIn(message, "commit-tree", "-p", "main", "-F", "-", "main^{tree}");
  repo.git("branch", branch, request);
}

/** The states of all commits of a branch, oldest first. */
export function statesOn(repo: Repo, branch: string): string[] {
  const format = "--format=%(trailers:key=State,valueonly,separator=%x2C)";
  return repo
    .git("log", "--first-parent", "--reverse", format, `main..${branch}`)
    .split("\n")
    .filter((line) => line !== "");
}

export const headOf = (repo: Repo, branch: string): string => repo.git("log", "-1", "--format=%B", branch);

export const changedOn = (repo: Repo, branch: string): string[] =>
  repo.git("diff", "--name-only", `main...${branch}`).split("\n").filter(Boolean);

/** The workflow and scripts that a runner reads from the trusted branch. */
export async function contractOf(repo: Repo): Promise<ReadTrustedConfig> {
  const { location } = await openWorkspace(repo.dir, environmentOf(repo));
  const commit = parseSha(repo.git("rev-parse", "main"));
  if (!commit) throw new Error("the repository has no branch main");
  return readTrustedConfig(location.git, commit, temporaryDir());
}
