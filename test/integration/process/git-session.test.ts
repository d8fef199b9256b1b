/** Long-lived gits end with the program that started them, however it ends. */
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { cliStart } from "../../support/run-cli.ts";
import { makeRepo, temporaryDir } from "../../support/temp-repo.ts";
import { isAlive, until } from "../../support/until.ts";

it.each(["SIGKILL", "SIGTERM"] as const)("no git outlives a runner that ends by %s", async (signal) => {
  const repo = makeRepo({ "states/work": "#!/bin/sh\ntrue\n" });
  const bin = temporaryDir();
  const pids = join(bin, "pids");
  const real = process.env["PATH"] ?? "";
  const record = `case "$*" in *--batch*|*--stdin*) echo $$ >>'${pids}' ;; esac`;
  writeFileSync(join(bin, "git"), `#!/bin/sh\nPATH='${real}'\n${record}\nexec git "$@"\n`, { mode: 0o755 });
  repo.git("switch", "-qc", "topic");
  repo.request("do it\n\nState: work\n");
  repo.git("switch", "-q", "main");
  const child = cliStart(repo, { PATH: `${bin}:${real}` }, "run", "--watch");
  const answers = () => repo.git("log", "--format=%(trailers:key=Answers,valueonly)", "topic").trim();
  await until("the answer", () => existsSync(pids) && answers() !== "");
  child.kill(signal);
  await once(child, "exit");
  const started = readFileSync(pids, "utf8").trim().split("\n").map(Number);
  expect(started.length).toBeGreaterThan(0);
  await until("all gits have ended", () => !started.some(isAlive));
});
