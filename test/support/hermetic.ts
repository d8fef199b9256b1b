/**
 * Gives the whole test run an empty home and a directory for temporary files.
 *
 * Invariants:
 * - No git configuration, identity or cache of the user takes part.
 * - No test reaches a remote other than its own, on the loopback interface.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Tests create many small, short-lived repositories, for which memory is faster than a disk. */
const MEMORY = "/dev/shm";
const PREFIX = "trailhand-tests-";
/**
 * Variables of the machine that would change results or times. With NODE_EXTRA_CA_CERTS, each of the
 * thousands of node processes would parse the certificates at its start, and no test uses TLS.
 */
const FOREIGN = /^(?:GIT_|XDG_|TRAILHAND_)|^(?:https?|all)_proxy$|^NODE_EXTRA_CA_CERTS$/i;

export default function setup(): () => void {
  const temporary = makeTemporaryDir();
  const home = mkdtempSync(join(temporary, "home-"));
  for (const name of Object.keys(process.env)) {
    if (FOREIGN.test(name)) delete process.env[name];
  }
  useGit(process.env["TEST_GIT"]);
  Object.assign(process.env, {
    TMPDIR: temporary,
    HOME: home,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_ALLOW_PROTOCOL: "file:http",
    NO_COLOR: "1",
    // Most tests watch scripts by files outside of their attempts. Those of the sandbox switch it on again.
    TRAILHAND_SANDBOX: "off",
    TZ: "UTC",
  });
  return () => rmSync(temporary, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** Puts the folder of another git first on PATH, for the tests and all programs that they start. */
function useGit(file: string | undefined): void {
  if (file === undefined || file === "") return;
  const version = execFileSync(file, ["version"], { encoding: "utf8" }).trim();
  process.env["PATH"] = `${dirname(file)}:${process.env["PATH"] ?? ""}`;
  console.log(`The tests run with ${version}, ${file}.`);
}

/** Creates a directory in memory if programs can run there, otherwise in the system's temporary folder. */
function makeTemporaryDir(): string {
  let inMemory: string | undefined;
  try {
    removeOrphans();
    inMemory = mkdtempSync(join(MEMORY, `${PREFIX}${process.pid}-`));
    const program = join(inMemory, "program");
    writeFileSync(program, "#!/bin/sh\n", { mode: 0o755 });
    execFileSync(program);
    return inMemory;
  } catch {
    if (inMemory !== undefined) rmSync(inMemory, { recursive: true, force: true });
    return mkdtempSync(join(tmpdir(), PREFIX));
  }
}

/** Removes the directories of killed test runs, which occupy memory. */
function removeOrphans(): void {
  for (const name of readdirSync(MEMORY)) {
    const [, pid] = new RegExp(`^${PREFIX}([0-9]+)-`).exec(name) ?? [];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    try {
      rmSync(join(MEMORY, name), { recursive: true, force: true });
    } catch {
      // A test of hostile trees was killed. Its files occupy memory, but memory is still faster than the disk.
    }
  }
}
