import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cli, cliIn, introduce } from "../../support/run-cli.ts";
import { git, makeRepo, repoAt, temporaryDir } from "../../support/temp-repo.ts";

const STATE = '#!/bin/sh\necho state=done >>"$TRAILHAND_OUTPUT"\n';
const ready = () => introduce(makeRepo({ "states/work": STATE }));

describe("repositories", () => {
  test("not a repository", () => {
    const said = cliIn(temporaryDir(), {}, "status");
    expect(said).toMatchObject({ code: 2, out: "" });
    expect(said.err).toContain("is not inside a git repository");
    expect(said.err).toContain("next: git init");
  });

  test("no such directory", () => {
    expect(cliIn(temporaryDir(), {}, "-C", "nowhere", "status").err).toContain(
      "There is no directory nowhere",
    );
  });

  test("an empty repository", () => {
    const dir = join(temporaryDir(), "empty");
    git(temporaryDir(), ["init", "-q", dir]);
    const repo = introduce(repoAt(dir));
    for (const command of [["status"], ["run"], ["request", "work"], ["log"], ["graph"]]) {
      const said = cli(repo, ...command);
      expect(said.err).toContain("no commits yet");
      expect(said.code).toBe(2);
    }
    expect(cli(repo, "doctor").code).toBe(1);
    expect(cli(repo, "init").code).toBe(0);
  });

  test("run works in a bare repository, and init explains why it does not", () => {
    const source = ready();
    source.git("switch", "-qc", "feat/x");
    source.request("do it\n\nState: work\n");
    const dir = join(temporaryDir(), "bare.git");
    git(source.dir, ["clone", "-q", "--bare", ".", dir]);
    const bare = repoAt(dir);
    expect(cli(bare, "run").code).toBe(0);
    expect(bare.git("log", "-1", "--format=%s", "feat/x")).toContain("work is done");
    expect(cli(bare, "init").err).toContain("bare");
  });

  test("run works in a shallow clone, and doctor suggests fetching the full history", () => {
    const source = ready();
    source.git("switch", "-qc", "feat/x");
    source.request("do it\n\nState: work\n");
    const dir = join(temporaryDir(), "shallow");
    git(source.dir, ["clone", "-q", "--depth", "1", "--no-single-branch", `file://${source.dir}`, dir]);
    const clone = introduce(repoAt(dir));
    clone.git("branch", "main", "origin/main");
    expect(cli(clone, "doctor").out).toContain("git fetch --unshallow");
    expect(cli(clone, "run").code).toBe(0);
  });

  test("an unborn branch and a detached HEAD", () => {
    const repo = ready();
    repo.git("checkout", "-q", "--orphan", "unborn");
    expect(cli(repo, "request", "work").err).toContain('There is no branch "unborn"');
    repo.git("checkout", "-q", "-f", "--detach", "main");
    const said = cli(repo, "request", "work");
    expect(said).toMatchObject({ code: 2 });
    expect(said.err).toContain("HEAD is detached");
    expect(cli(repo, "status").code).toBe(0);
  });

  test("git is too old or missing", () => {
    const repo = ready();
    const bin = temporaryDir();
    const real = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
    writeFileSync(
      join(bin, "git"),
      `#!/bin/sh\nfor a; do [ "$a" = version ] && { echo "git version 2.20.1"; exit 0; }; done\nexec ${real} "$@"\n`,
    );
    chmodSync(join(bin, "git"), 0o755);
    const old = cliIn(repo.dir, { PATH: `${bin}:${process.env["PATH"]}` }, "run");
    expect(old.err).toContain("git 2.20.1 is too old: Trailhand needs 2.39 or newer");
    const empty = temporaryDir();
    expect(cliIn(repo.dir, { PATH: empty }, "status").err).toContain("git is not on the PATH");
  });

  test("a repository whose refs cannot be written", () => {
    const repo = ready();
    repo.git("switch", "-qc", "feat/x");
    const head = repo.request("do it\n\nState: work\n");
    // A file blocks the directory, because permissions would not stop root.
    mkdirSync(join(repo.dir, ".git/refs/trailhand"), { recursive: true });
    writeFileSync(join(repo.dir, ".git/refs/trailhand/leases"), "");
    const said = cli(repo, "run");
    expect(said.code).toBe(1);
    expect(said.err).toMatch(/Cannot write to .*Nothing was changed/);
    expect(said.err).toContain("next:");
    expect(repo.git("rev-parse", "feat/x")).toBe(head);
  });
});

describe("arguments", () => {
  test("unknown commands and options, extra and missing arguments, invalid numbers", () => {
    const repo = ready();
    expect(cli(repo, "statsu")).toMatchObject({ code: 2, out: "" });
    expect(cli(repo, "statsu").err).toContain('Did you mean "status"?');
    expect(cli(repo, "status", "--jsn").err).toContain("Did you mean --json?");
    expect(cli(repo, "status", "extra").err).toContain("one word too many");
    expect(cli(repo, "request").err).toContain("needs <state>");
    expect(cli(repo, "run", "-j", "many").err).toContain("whole number");
    expect(cli(repo, "completions", "tcsh").err).toContain("bash, zsh, fish");
    expect(cli(repo, "help", "nothing").code).toBe(2);
    expect(cli(repo).out).toContain("usage: trailhand");
    expect(cli(repo, "--help").code).toBe(0);
  });

  test("invalid, unknown and reserved state names", () => {
    const repo = ready();
    repo.git("switch", "-qc", "feat/x");
    for (const name of ["../escape", "/etc/passwd", "Work", "a b", "x".repeat(65), "work\nState: other"]) {
      const said = cli(repo, "request", name);
      expect(said.err).toContain("is not a valid state name");
      expect(said.code).toBe(2);
    }
    expect(cli(repo, "request", "wrok").err).toContain('Did you mean "work"?');
    expect(cli(repo, "request", "done").err).toContain("reserved");
    expect(repo.git("log", "--format=%s", "-1")).toBe("add files");
  });

  test("a manually committed state name with ../ is rejected, and the reason names it", () => {
    const repo = ready();
    repo.git("switch", "-qc", "feat/x");
    repo.request("do it\n\nState: ../../evil\n");
    expect(cli(repo, "run").code).toBe(0);
    const [row] = JSON.parse(cli(repo, "status", "--needs-me", "--json").out).branches;
    expect(row).toMatchObject({ code: "bad-name", reason: '"../../evil" is not a valid state name' });
  });

  test("unknown, invalid, trusted and existing branch names", () => {
    const repo = ready();
    expect(cli(repo, "log", "feat/nothing").err).toContain("There is no branch");
    expect(cli(repo, "request", "work", "--new", "a..b").err).toContain("is not a valid branch name");
    expect(cli(repo, "request", "work").err).toContain("is the trusted branch");
    repo.git("branch", "feat/x");
    expect(cli(repo, "request", "work", "--new", "feat/x").err).toContain("exists already");
    expect(cli(repo, "run", "--branch", "--weird").code).toBe(2);
  });

  test("a branch name with quotes and special characters works in every command", () => {
    const repo = ready();
    const name = 'feat/it\'s-"quoted"-%41-$(touch\u00a0x)-ü';
    expect(cli(repo, "request", "work", "--new", name).code).toBe(0);
    expect(cli(repo, "run").code).toBe(0);
    expect(cli(repo, "log", name).out).toContain("work → done");
    expect(JSON.parse(cli(repo, "status", "--json").out).branches[0].branch).toBe(name);
  });

  test("reserved trailers and trailers without a colon", () => {
    const repo = ready();
    expect(cli(repo, "request", "work", "--new", "b", "--trailer", "Answers: 1").err).toContain(
      "Trailhand writes it itself",
    );
    expect(cli(repo, "request", "work", "--new", "b", "--trailer", "nothing").err).toContain(
      "is not a valid trailer",
    );
    expect(cli(repo, "request", "work", "--new", "b", "--trailer", "Priority: 3").code).toBe(0);
    expect(repo.git("log", "-1", "--format=%(trailers:key=Priority,valueonly)", "b").trim()).toBe("3");
  });

  test("without a git identity", () => {
    const repo = makeRepo({ "states/work": STATE });
    expect(cli(repo, "request", "work", "--new", "b").err).toContain("git config user.name");
    expect(cli(repo, "doctor").out).toContain("git does not know who you are");
    repo.git("switch", "-qc", "c");
    repo.request("do it\n\nState: work\n");
    expect(cli(repo, "run").code).toBe(0);
    expect(repo.git("log", "-1", "--format=%an")).toBe("Trailhand");
  });
});

describe("workflows and messages", () => {
  test("a broken workflow runs nothing, and every problem names its line", () => {
    const repo = introduce(
      makeRepo({
        "states/work": STATE,
        "states/workflow.yml": "states:\n  work:\n    nxt: done\n    timeout: soon\n",
      }),
    );
    repo.git("switch", "-qc", "feat/x");
    repo.request("do it\n\nState: work\n");
    const said = cli(repo, "run");
    expect(said.code).toBe(3);
    expect(said.err).toContain('line 3: states.work.nxt: unknown key "nxt"; did you mean "next"?');
    expect(said.err).toContain('"soon" is not a valid duration');
    expect(cli(repo, "doctor").code).toBe(1);
    expect(cli(repo, "status").err).toContain("nothing runs");
    expect(repo.git("log", "-1", "--format=%s")).toBe("do it");
  });

  test("a workflow that is not valid YAML", () => {
    const repo = makeRepo({ "states/work": STATE, "states/workflow.yml": "states: [\n" });
    expect(cli(repo, "graph")).toMatchObject({ code: 3 });
  });

  test("messages with NUL, invalid UTF-8, and 10 MB of body", () => {
    const repo = ready();
    const tree = repo.git("rev-parse", "main^{tree}");
    const parent = repo.git("rev-parse", "main");
    const head = `tree ${tree}\nparent ${parent}\nauthor A <a@b> 1700000000 +0000\ncommitter A <a@b> 1700000000 +0000\n\n`;
    const make = (branch: string, message: Buffer) => {
      const id = execFileSync("git", ["hash-object", "-t", "commit", "-w", "--stdin", "--literally"], {
        cwd: repo.dir,
        input: Buffer.concat([Buffer.from(head), message]),
        encoding: "utf8",
      }).trim();
      repo.git("update-ref", `refs/heads/${branch}`, id);
    };
    make("nul", Buffer.from("do it\n\nState: work\n\0\n\nState: other\n"));
    make("latin", Buffer.concat([Buffer.from("f\xfcr dich\n\n", "latin1"), Buffer.from("State: work\n")]));
    make("long", Buffer.from(`do it\n\n${"A line of the prompt.\n".repeat(500_000)}\nState: work\n`));
    const said = cli(repo, "run");
    expect(said.code).toBe(0);
    for (const branch of ["nul", "latin", "long"]) expect(said.err).toContain(`${branch}: work → done`);
    const row = (branch: string) =>
      repo.git("log", "-1", "--format=%(trailers:key=State,valueonly)", branch).trim();
    expect([row("nul"), row("latin"), row("long")]).toEqual(["done", "done", "done"]);
  });

  test("control characters in a commit message never reach the terminal", () => {
    const repo = ready();
    repo.git("switch", "-qc", "feat/x");
    repo.request("\u001b[31mred\u001b[0m\u0007 subject\n\nbody \u001b]0;title\u0007\n\nState: work\n");
    for (const command of [["log"], ["show"], ["status"]]) {
      expect(cli(repo, ...command).out).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
    }
  });
});
