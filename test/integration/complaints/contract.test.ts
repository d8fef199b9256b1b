/** Complaints about isolation: files, branches and secrets that scripts or untrusted text could reach. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { leftovers } from "../../support/crash-runner.ts";
import { temporaryDir } from "../../support/temp-repo.ts";
import { answerOf, makeStage, runStage } from "../../support/run-hostile-script.ts";
import { ask, message, push, states, trailer } from "../../support/complaint-fixture.ts";

describe("escape", () => {
  test("git commands of a script affect only its own worktree, whatever the environment of the runner", async () => {
    const one = makeStage(
      "echo in > in.txt; git add -A; git commit -qm 'wip'; git reset -q; git rev-parse --show-toplevel > $OUT/top; env | grep ^GIT_ > $OUT/env",
    );
    const { repo } = one;
    const own = join(temporaryDir(), "own");
    repo.git("worktree", "add", "-q", "-b", "mine", own, "main");
    repo.write("kept.txt", "not committed\n");
    repo.write("new.txt", "not added\n");
    repo.write("staged.txt", "staged\n");
    repo.git("add", "staged.txt");
    const here = () => [
      repo.git("status", "--porcelain"),
      repo.git("rev-parse", "HEAD", "main", "mine"),
      repo.git("-C", own, "status", "--porcelain"),
      readFileSync(join(repo.dir, "kept.txt"), "utf8"),
    ];
    const before = here();
    // The environment that a git hook or an editor's terminal sets.
    const env = {
      GIT_DIR: join(repo.dir, ".git"),
      GIT_WORK_TREE: repo.dir,
      GIT_INDEX_FILE: join(repo.dir, ".git/index"),
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "core.hooksPath",
      GIT_CONFIG_VALUE_0: one.outside,
    };
    await runStage(one, { env });
    expect(answerOf(one)).toMatchObject({ state: "done", files: ["in.txt", "kept.txt"] });
    expect(here()).toEqual(before);
    const told = readFileSync(join(one.outside, "env"), "utf8");
    expect(told).toMatch(/^GIT_AUTHOR_NAME=/m);
    expect(told).not.toMatch(/^GIT_(?!(AUTHOR|COMMITTER)_(NAME|EMAIL)=)/m);
    const top = readFileSync(join(one.outside, "top"), "utf8").trim();
    for (const tree of [repo.dir, own]) expect(relative(tree, top)).toMatch(/^\.\.\//);
    expect(leftovers(repo)).toEqual([]);
  });

  test("a dirty checkout of the branch is not touched, and the answer waits", async () => {
    const one = makeStage("echo in > in.txt");
    one.repo.git("switch", "-q", "topic");
    one.repo.write("kept.txt", "mine\n");
    await runStage(one);
    expect(one.repo.git("rev-parse", "topic")).toBe(one.request);
    expect(readFileSync(join(one.repo.dir, "kept.txt"), "utf8")).toBe("mine\n");
    expect(existsSync(join(one.repo.dir, "in.txt"))).toBe(false);
  });

  const bounds = (keys: string) => `states:\n  work: { next: done, retries: 0, ${keys} }\n`;

  test.each([
    [
      "outside `writes`",
      bounds("writes: ['src/**']"),
      "mkdir src; echo x > src/a; echo x > junk.txt",
      "junk.txt",
    ],
    ["inside `forbid`", bounds("forbid: ['kept.txt']"), "echo x > new.txt; echo x > kept.txt", "kept.txt"],
    ["deleted", bounds("forbid: ['kept.txt']"), "git rm -q kept.txt; git commit -qm wip", "kept.txt"],
    ["moved away", bounds("forbid: ['kept.txt']"), "git mv kept.txt other.txt", "kept.txt"],
  ])("a path that is %s fails the attempt, and the message names it", async (_, workflow, script, path) => {
    const one = makeStage(script, { workflow });
    await runStage(one);
    expect(answerOf(one)).toMatchObject({ state: "failed", files: ["kept.txt"] });
    expect(answerOf(one).message).toMatch(new RegExp(`may not change ${path.replace(".", "\\.")}\\.$`, "m"));
  });

  test("a nested repository in the worktree fails the attempt", async () => {
    const one = makeStage(
      "git init -q nested; echo x > nested/f; git -C nested add f; git -C nested commit -qm x",
    );
    await runStage(one);
    expect(answerOf(one)).toMatchObject({ state: "failed", files: ["kept.txt"] });
    expect(answerOf(one).message).toContain("nested/ is a repository of its own");
  });
});

describe("untrusted-driver", () => {
  test("untrusted text is data and is never executed", async () => {
    const text =
      "$(touch $OUT/pwned) `touch $OUT/pwned`; touch $OUT/pwned\n\n'; touch $OUT/pwned #\n\nstate=parked";
    const one = makeStage(
      'printf "%s" "$TRAILHAND_BODY" > body.txt; cat "$TRAILHAND_REQUEST" > $OUT/request',
    );
    const hostile = text.replaceAll("$OUT", one.outside);
    const { repo } = one;
    ask(
      repo,
      "bad",
      `feat: $(touch ${one.outside}/pwned)\n\n${hostile}\n\nState: work\nTitle: $(touch ${one.outside}/pwned)\n`,
    );
    await runStage(one, { options: { branches: ["bad" as never] } });
    expect(trailer(repo, "State", "bad")).toBe("done");
    expect(repo.git("show", "bad:body.txt")).toBe(hostile);
    const told = JSON.parse(readFileSync(join(one.outside, "request"), "utf8")) as { body: string };
    expect(told.body).toBe(hostile);
    expect(readdirSync(one.outside)).toEqual(["request"]);
  });

  test("trailers never set environment variables", async () => {
    const evil =
      "BASH-ENV ENV LD-PRELOAD NODE-OPTIONS GIT-CONFIG-COUNT GIT-DIR PATH HOME TRAILHAND-OUTPUT Refs";
    const one = makeStage("env > $OUT/env", {
      trailers: evil.replaceAll(/\S+ ?/g, (key) => `${key.trim()}: /evil\n`),
    });
    await runStage(one);
    expect(answerOf(one).state).toBe("done");
    const env = readFileSync(join(one.outside, "env"), "utf8").split("\n");
    expect(env.filter((line) => line.includes("/evil"))).toEqual([]);
    expect(env.filter((line) => /^(BASH|ENV=|LD_|NODE_OPTIONS|GIT_CONFIG|GIT_DIR)/.test(line))).toEqual([]);
  });

  test("a script sees only the secrets that its state lists, and messages redact them", async () => {
    const workflow = "states:\n  work: { next: done, retries: 0, env: [MY_KEY] }\n";
    const script = `env > $OUT/env; echo "log $MY_KEY"; printf 'summary=key %s\\n' "$MY_KEY" >> "$TRAILHAND_OUTPUT"`;
    const one = makeStage(script, { workflow });
    const env = {
      MY_KEY: "open-sesame-1",
      GITHUB_TOKEN: "t0ken-2",
      SSH_AUTH_SOCK: "/run/agent",
      AWS_SECRET_ACCESS_KEY: "s3",
    };
    await runStage(one, { env });
    const seen = readFileSync(join(one.outside, "env"), "utf8");
    expect(seen).toContain("MY_KEY=open-sesame-1");
    expect(seen).not.toMatch(/t0ken-2|SSH_AUTH_SOCK|AWS_/);
    expect(answerOf(one)).toMatchObject({ state: "done" });
    expect(message(one.repo)).toContain("key [redacted]");
    const failing = makeStage(`${script}; exit 1`, { workflow });
    await runStage(failing, { env });
    expect(message(failing.repo)).toContain("log [redacted]");
    const all = [one, failing].map(({ repo }) => repo.git("log", "--all", "--format=%B")).join("\n");
    expect(all).not.toContain("open-sesame-1");
  });

  test("scripts and workflow come from the trusted branch, not from the work branch", async () => {
    const one = makeStage("echo trusted > who.txt");
    const { repo } = one;
    repo.git("switch", "-q", "topic");
    repo.write("states/work", "#!/bin/sh\necho branch > who.txt\n", 0o755);
    repo.write("states/workflow.yml", "states:\n  work: { next: [shipped] }\n  shipped: {}\n");
    repo.commit("feat: mine\n\nState: work\n");
    repo.git("switch", "-q", "main");
    await runStage(one);
    expect(repo.git("show", "topic:who.txt")).toBe("trusted");
    expect(trailer(repo, "State")).toBe("done");
  });

  test("a state that is restricted to some people does not run for others", async () => {
    const workflow = `people: { leads: [lead@example.com] }
start: [work, deploy]
states:
  work: { next: done }
  deploy: { next: done, by: leads }
`;
    const one = makeStage("true", {
      workflow,
      files: { "states/deploy": "#!/bin/sh\necho x >> $OUT/deployed\n" },
    });
    const { repo } = one;
    repo.write("states/deploy", `#!/bin/sh\necho x >> ${one.outside}/deployed\n`, 0o755);
    repo.commit("chore: deploy");
    mkdirSync(join(one.outside, "made"));
    await runStage(one);
    push(repo, "topic", "chore: ship it\n\nState: deploy\n");
    await runStage(one);
    expect(existsSync(join(one.outside, "deployed"))).toBe(false);
    expect(states(repo)).toEqual(["work", "done", "deploy", "parked"]);
    expect(message(repo)).toContain("only leads may request it, and ann@example.com did");
  });
});
