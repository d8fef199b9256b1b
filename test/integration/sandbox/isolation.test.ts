/** What a script can reach from inside the sandbox, and what is left of it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { answerOf, makeStage, runStage, type StageOptions } from "../../support/run-hostile-script.ts";
import { cliStart } from "../../support/run-cli.ts";
import { callOf, runCall, scriptOf } from "../../support/script-call.ts";
import { temporaryDir } from "../../support/temp-repo.ts";
import { until } from "../../support/until.ts";

const HOME = process.env["HOME"] ?? "";
const ON = { TRAILHAND_SANDBOX: "" };

interface Report {
  readonly text: string;
  readonly state: string;
  readonly message: string;
}

/** Runs a script in the sandbox. What it prints is a file of its answer. */
async function reportOf(
  script: string,
  env: Readonly<Record<string, string>> = {},
  options: StageOptions = {},
): Promise<Report> {
  const stage = makeStage(`exec >report 2>&1\n${script}\nexit 0`, options);
  const { summary, events } = await runStage(stage, { env: { ...ON, ...env } });
  expect(summary.faultCount, JSON.stringify(events)).toBe(0);
  const { state, message, files } = answerOf(stage);
  const text = files.includes("report") ? stage.repo.git("show", "topic:report") : "";
  return { text, state, message };
}

/** The command lines of all processes of the machine. */
const commandLines = (): string[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return [];
      }
    });

describe("a script in the sandbox", () => {
  it("works at a path that is the same for each attempt, in an ordinary clone", async () => {
    const { text, state } = await reportOf(
      'pwd; echo "$TRAILHAND_WORKTREE"; git status --porcelain; git log --format=%s -1; git merge-base main HEAD; cat "$TRAILHAND_REQUEST" | head -c 1; ls "$TRAILHAND_STATES"',
    );
    expect(state).toBe("done");
    expect(text).toMatch(
      /^\/trailhand\/tree\n\/trailhand\/tree\n\?\? report\nfeat: a thing\n[0-9a-f]{40}\n\{/,
    );
    expect(text).toContain("states");
  });

  it("has a home of its own, and may write to the tree, its home, /tmp and its cache only", async () => {
    const { text } = await reportOf(
      `for d in . "$HOME" /tmp /var/tmp "$TRAILHAND_CACHE" /dev/shm "$XDG_RUNTIME_DIR" / /usr /etc "$TRAILHAND_STATES" /trailhand; do
if touch "$d/try" 2>/dev/null; then echo "writes $d"; else echo "not $d"; fi; rm -f "$d/try"; done; ls -A "$HOME" /tmp /run`,
    );
    expect(text).toContain(
      `writes .\nwrites ${HOME}\nwrites /tmp\nwrites /var/tmp\nwrites /trailhand/cache\nwrites /dev/shm\nwrites /run/user/`,
    );
    expect(text).toContain("not /\nnot /usr\nnot /etc\nnot /trailhand/states/\nnot /trailhand\n");
  });

  it("sees no file of the user: home, clone, caches, temporary files", async () => {
    writeFileSync(join(HOME, ".secret-of-home"), "home-secret\n");
    const temporary = join(tmpdir(), "secret-of-tmp");
    writeFileSync(temporary, "tmp-secret\n");
    const stage = makeStage(
      `exec >report 2>&1; cat ${HOME}/.secret-of-home ${temporary} REPO/kept.txt REPO/.git/config; ls REPO CACHE; exit 0`,
    );
    const { repo } = stage;
    const script = repo.git("show", "main:states/work");
    repo.write("states/work", script.replaceAll("REPO", repo.dir).replaceAll("CACHE", repo.cache), 0o755);
    repo.commit("name the folders");
    await runStage(stage, { env: ON });
    const report = repo.git("show", "topic:report");
    expect(report).not.toMatch(/secret\n|kept\n|\[core\]/);
    expect(report.match(/No such file or directory/g)?.length).toBeGreaterThanOrEqual(3);
  });

  it("sees no other process, and so no variable of the runner", async () => {
    const { text } = await reportOf(
      `ls -d /proc/[0-9]* | wc -l; cat /proc/*/environ | tr '\\0' '\\n' | grep -c RUNNER_TOKEN`,
      { RUNNER_TOKEN: "runner-token" },
    );
    const [count = "", found = ""] = text.split("\n");
    expect(Number(count)).toBeLessThan(12);
    expect(found).toBe("0");
  });

  it("reaches no socket of the machine below /run, /tmp and the runtime folder", async () => {
    const folder = temporaryDir();
    const path = join(folder, "socket");
    const server = createServer().listen(path);
    try {
      const { text } = await reportOf(`ls ${path} "$XDG_RUNTIME_DIR"; ls -A /run /var/run`, {
        XDG_RUNTIME_DIR: folder,
      });
      expect(text).toContain("No such file");
      expect(text).not.toContain("docker.sock");
    } finally {
      server.close();
    }
  });

  it("finds the programs of the PATH, also those in the home folder", async () => {
    const bin = join(HOME, "tool", "bin");
    mkdirSync(bin, { recursive: true });
    mkdirSync(join(HOME, "tool", "lib"), { recursive: true });
    writeFileSync(join(HOME, "tool", "lib", "part"), "part of the tool\n");
    writeFileSync(join(bin, "my-tool"), '#!/bin/sh\ncat "$(dirname "$0")/../lib/part"\n', { mode: 0o755 });
    const { text } = await reportOf("my-tool; touch ~/tool/lib/x || echo read-only", {
      PATH: `${bin}:${process.env["PATH"] ?? ""}`,
    });
    expect(text).toContain("part of the tool\n");
    expect(text).toContain("read-only");
  });

  it("cannot change what the runner believes about its files", async () => {
    const { text, state } = await reportOf(
      "ls /trailhand/tree/..; rm -f ../run.json ../index; git config core.worktree /etc; echo x >kept.txt; git update-index --assume-unchanged kept.txt",
    );
    expect(text).toBe("cache\nside\nstates\ntree");
    expect(state).toBe("done");
  });

  it.each([
    ["in another session with an empty environment", "setsid env -i sleep MARK &"],
    ["forked twice, in the root folder", "(cd /; (setsid sleep MARK >/dev/null 2>&1 &) )"],
    ["that ignores signals", "(trap '' TERM HUP INT; exec sleep MARK) &"],
    ["whose parent has ended", "sh -c 'nohup sleep MARK >/dev/null 2>&1 &'"],
  ])("leaves no process %s", async (name, command) => {
    const mark = `9${String(process.pid)}.${name.length}`;
    const { state } = await reportOf(command.replace("MARK", mark));
    expect(state).toBe("done");
    expect(commandLines().filter((line) => line.includes(`sleep ${mark}`))).toEqual([]);
  });

  it("gets time to end when it is stopped, and its children too", async () => {
    const call = callOf(
      scriptOf({
        "states/work": `#!/bin/sh
trap 'echo ended >ended; wait; exit 0' TERM
(trap 'echo child >child; exit 0' TERM; touch ready; while :; do sleep 0.05; done) &
while :; do sleep 0.05; done
`,
      }),
      { sandbox: { level: "files", files: [] } },
    );
    const isReady = until("a script that is ready", () => existsSync(join(call.tree.path, "ready")));
    const graceMs = 300_000;
    const { exit } = await runCall(
      call,
      ON,
      isReady.then(() => "test"),
      graceMs,
    );
    expect(exit).toEqual({ kind: "stopped", why: "test" });
    expect(readdirSync(call.tree.path).toSorted()).toEqual(["child", "ended", "ready"]);
  });

  it("ends with its runner, however that ends", async () => {
    const mark = `8${process.pid}.5`;
    const stage = makeStage(`touch "$TRAILHAND_CACHE/started"; setsid sleep ${mark} & sleep ${mark}`);
    const runner = cliStart(stage.repo, ON, "run");
    const running = () => commandLines().filter((line) => line.includes(`sleep ${mark}`)).length;
    await until("a running script", () => running() === 2);
    runner.kill("SIGKILL");
    await until("the end of the script", () => running() === 0);
  });

  it.each([
    ["kill -9 $$", "killed by SIGKILL"],
    ["exit 3", "exit 3"],
    ["exit 64", "exit 64"],
  ])("that ends by `%s` is reported as without a sandbox", async (end, why) => {
    const { message } = await reportOf(end);
    expect(message.toLowerCase()).toContain(why.toLowerCase());
  });

  it("with an interpreter that does not exist is not started, and the reason says so", async () => {
    const stage = makeStage("#!/no/such/program\n");
    await runStage(stage, { env: ON });
    expect(answerOf(stage).message).toContain(
      "the script could not be started: the program of its #! line does not exist",
    );
  });

  it("has one cache for each state", async () => {
    const workflow = "states:\n  work: { next: more, retries: 0 }\n  more: { next: done, retries: 0 }\n";
    const files = { "states/more": '#!/bin/sh\nls -A "$TRAILHAND_CACHE" >seen\n' };
    const stage = makeStage('touch "$TRAILHAND_CACHE/mine"', { workflow, files });
    await runStage(stage, { env: ON });
    expect(answerOf(stage).state).toBe("done");
    expect(stage.repo.git("show", "topic:seen")).toBe("");
    expect(existsSync(join(stage.outside, "../cache/script-work/mine"))).toBe(true);
  });

  it("reads the files that the workflow lists, and what looks like a secret in them is redacted", async () => {
    const token = "npm_a1b2c3d4e5f6g7h8i9j0";
    writeFileSync(join(HOME, ".tool-rc"), `//registry.example.com/:_authToken=${token}\nname = tool\n`);
    const workflow = "files: [~/.tool-rc, ~/.missing]\nstates:\n  work: { next: done, retries: 0 }\n";
    const { text, message } = await reportOf(
      `cat ~/.tool-rc; echo x >>~/.tool-rc || echo read-only; touch ~/other && echo writes; echo "summary=the token is $(sed -n 's/.*_authToken=//p' ~/.tool-rc)" >"$TRAILHAND_OUTPUT"`,
      {},
      { workflow },
    );
    expect(text, message).toContain("name = tool");
    expect(text).toContain("read-only\nwrites");
    expect(message).toContain("the token is");
    expect(message).not.toContain(token);
  });

  it("runs without a sandbox where the trusted workflow says so", async () => {
    const workflow = "states:\n  work: { next: done, retries: 0, sandbox: off }\n";
    const { text } = await reportOf("pwd", {}, { workflow });
    expect(text).not.toContain("/trailhand/tree");
  });
});
