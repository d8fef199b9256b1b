/**
 * A build step: runs the bundle in a temporary repository, and saves V8's compiled code.
 *
 * Invariants:
 * - The user's configuration and cache do not affect the result.
 * - The temporary repository is removed.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CACHE_FILE, load, RUN_CACHE_FILE } from "../src/cli/load.ts";

const home = mkdtempSync(join(tmpdir(), "trailhand-build-"));
const repo = join(home, "repo");
const who = ["-c", "user.name=Build", "-c", "user.email=build@example.com"];
Object.assign(process.env, { HOME: home, XDG_CACHE_HOME: join(home, "cache"), GIT_CONFIG_NOSYSTEM: "1" });

const git = (...args: string[]) => execFileSync("git", [...who, ...args], { cwd: repo, stdio: "ignore" });
mkdirSync(join(repo, "states"), { recursive: true });
writeFileSync(join(repo, "states/work"), "#!/bin/sh\nexit 0\n");
chmodSync(join(repo, "states/work"), 0o755);
writeFileSync(join(repo, "states/workflow.yml"), "states:\n  work: { next: done }\n");
git("init", "-q", "-b", "main");
git("add", "-A");
git("commit", "-q", "-m", "states");
git("switch", "-q", "-c", "work/1");
git("commit", "-q", "--allow-empty", "-m", "do it", "-m", "State: work");

/** Saves what a command compiled, after a separate process has filled the caches that the command reads. */
async function warm(command: string, cacheFile: string, before: string): Promise<void> {
  execFileSync(process.execPath, [join(__dirname, "trailhand.js"), before, "-C", repo], { stdio: "ignore" });
  const { program, script } = load(__dirname, cacheFile);
  await program.main([command, "-C", repo]);
  writeFileSync(join(__dirname, cacheFile), script.createCachedData());
}

// A larger code cache takes longer to load, so each holds what its commands usually need.
void warm("status", CACHE_FILE, "status")
  .then(() => warm("run", RUN_CACHE_FILE, "status"))
  .finally(() => rmSync(home, { recursive: true, force: true }));
