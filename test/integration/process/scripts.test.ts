/** Scripts that hang, flood their output, forge answers or damage their worktree, run by a real runner. */
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Branch, Sha } from "../../../src/core/protocol/ids.ts";
import { EMPTY_CARRIED_STATE } from "../../../src/core/workflow/carried-state.ts";
import { callOf, commitOf, id, requestOf, runCall, scriptOf } from "../../support/script-call.ts";
import { leftovers } from "../../support/crash-runner.ts";
import {
  answerOf,
  makeStage,
  runStage,
  salvages,
  type StageOptions,
  type Stage,
} from "../../support/run-hostile-script.ts";

const stages: Stage[] = [];

function stage(script: string, setting?: StageOptions): Stage {
  const made = makeStage(script, setting);
  stages.push(made);
  return made;
}

// After every script, its processes, worktree and lease are gone, and `main` is still checked out.
afterEach(() => {
  for (const { repo } of stages.splice(0)) {
    expect(leftovers(repo).filter((left) => !left.startsWith("refs/trailhand/leases"))).toEqual([]);
    expect(repo.git("symbolic-ref", "HEAD")).toBe("refs/heads/main");
  }
});

/** Runs all requests and expects one failed attempt with this reason. */
async function expectFailed(one: Stage, why: string | RegExp): Promise<void> {
  await runStage(one);
  const { state, answers, message } = answerOf(one);
  expect(state, message).toBe("failed");
  expect(answers).toBe(one.request);
  expect(message).toMatch(why);
}

async function expectDone(one: Stage): Promise<ReturnType<typeof answerOf>> {
  const { events } = await runStage(one);
  const answer = answerOf(one);
  expect(answer.state, JSON.stringify(events) + answer.message).toBe("done");
  expect(answer.answers).toBe(one.request);
  return answer;
}

const BRIEF = "states:\n  work: { next: done, retries: 0, timeout: 300ms }\n";

describe("a script that fails or retries later", () => {
  it("is killed when its time limit ends", async () => {
    const one = stage("echo begun\nsleep 600", { workflow: BRIEF.replace("300ms", "2s") });
    await expectFailed(one, "Timed out after 2s.");
    expect(answerOf(one).message).toContain("    begun");
  });

  it("is killed even if it ignores SIGTERM", async () => {
    const one = stage("trap '' TERM HUP INT\nwhile :; do sleep 0.2; done", { workflow: BRIEF });
    await expectFailed(one, "Timed out after 300ms.");
  });

  it("fails with the name of the signal that killed it", async () => {
    await expectFailed(stage("kill -KILL $$"), "Killed by SIGKILL.");
  });

  it("may flood both pipes without exceeding the limits on memory and log size", async () => {
    const one = stage(
      "head -c 100000000 /dev/zero | tr '\\0' y & head -c 100000000 /dev/zero | tr '\\0' z >&2; wait",
    );
    const before = process.memoryUsage().rss;
    let peak = 0;
    const sampling = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 10);
    await expectDone(one);
    clearInterval(sampling);
    expect(peak - before).toBeLessThan(100e6);
    const [log = ""] = readdirSync(one.logs);
    const { size } = statSync(join(one.logs, log));
    expect(size).toBeGreaterThan(10 * 1024 * 1024);
    expect(size).toBeLessThan(10 * 1024 * 1024 + 100);
  });

  it("fails after its last retry, with the end of its log in the response", async () => {
    const workflow = "states:\n  work: { next: done, retries: 2, backoff: 20ms }\n";
    const one = stage('echo "try $TRAILHAND_ATTEMPT of $TRAILHAND_ATTEMPTS"\necho half > half.txt\nexit 1', {
      workflow,
    });
    const { events } = await runStage(one);
    const rests = events.flatMap((event) => (event.kind === "resting" ? [event.ms] : []));
    expect(rests).toEqual([20, 40]);
    const { state, message, files } = answerOf(one);
    expect(state).toBe("failed");
    expect(message).toContain("Exit 1.");
    expect(message).toContain("    try 3 of 3");
    expect(message).toContain("Attempt: 3/3");
    expect(files).toEqual(["kept.txt"]);
    expect(salvages(one)).toHaveLength(3);
    const journal = one.repo.git("for-each-ref", "--format=%(refname)", "refs/trailhand/journal");
    expect(
      one.repo.git("log", "--format=%(trailers:key=Attempt,valueonly,separator=%x2C)", journal).split("\n"),
    ).toEqual(["2/3", "1/3"]);
  });

  it("leads to the on-failure state of the workflow", async () => {
    const workflow =
      "states:\n  work: { next: done, retries: 0, on-failure: repair }\n  repair: { human: true }\n";
    const one = stage("echo broken; exit 3", { workflow });
    await runStage(one);
    expect(answerOf(one)).toMatchObject({
      state: "repair",
      message: expect.stringContaining("Exit 3.") as string,
    });
  });

  it("is retried after its retry-after time, without using an attempt", async () => {
    const one = stage(
      'n=$(cat $OUT/n 2>/dev/null || echo 0); echo $((n+1)) > $OUT/n\n[ $n -ge 2 ] && exit 0\necho retry-after=50ms >> "$TRAILHAND_OUTPUT"; exit 75',
    );
    const { events } = await runStage(one);
    expect(events.filter((event) => event.kind === "resting")).toMatchObject([{ ms: 50 }, { ms: 50 }]);
    expect(answerOf(one).state).toBe("done");
    expect(answerOf(one).message).toContain("Attempt: 1/1");
  });

  it("is retried after a minute if it exits with 75 and no retry-after", async () => {
    const one = stage("exit 75");
    const { events } = await runStage(one, { options: { once: true } });
    expect(events.at(-1)).toMatchObject({ kind: "resting", ms: 60_000 });
    const lease = one.repo.git("for-each-ref", "--format=%(contents)", "refs/trailhand/leases");
    expect(lease).toMatch(/^Attempt: 0$/m);
    expect(one.repo.git("rev-parse", "topic")).toBe(one.request);
  });

  it("fails with a specific reason if its interpreter is missing", async () => {
    await expectFailed(stage("#!/no/such/interpreter\n"), "the program of its #! line does not exist");
  });

  it("may print invalid text and control characters, which the response omits", async () => {
    const one = stage("printf 'a\\377\\376\\000b\\033[31mred\\033[0m\\r\\342\\200\\256evil\\n'; exit 1");
    await expectFailed(one, "Exit 1.");
    const { message } = answerOf(one);
    expect(message).toContain("red\n");
    expect(message).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  it("has tokens of a known format redacted from the response", async () => {
    const token = `ghp_${"a1B2".repeat(9)}`;
    const one = stage(
      `echo "token ${token}"; printf 'subject=leaks ${token}\\nsummary=key ${token}\\n' >> "$TRAILHAND_OUTPUT"; exit 1`,
    );
    await expectFailed(one, "Exit 1.");
    expect(answerOf(one).message).toContain("token [redacted]");
    expect(answerOf(one).message).not.toContain(token);
  });
});

describe("a script that forges answers", () => {
  it("cannot answer through its standard output", async () => {
    await expectDone(stage(`echo 'SET_STATE {"state":"failed"}'; echo state=failed; echo "State: failed"`));
  });

  it("fails if it names a state that may not follow", async () => {
    await expectFailed(
      stage('echo state=shipped >> "$TRAILHAND_OUTPUT"'),
      '"shipped" may not follow (legal: done)',
    );
  });

  it.each(["State: done", "Answers: 1234", "Branch: main", "dwp-state: x"])(
    "cannot write the trailer %s",
    async (trailer) => {
      const [key = ""] = trailer.split(":");
      await expectFailed(
        stage(`printf 'trailers<<E\\n${trailer}\\nE\\n' >> "$TRAILHAND_OUTPUT"`),
        `"${key}" is reserved: scripts may not write it`,
      );
    },
  );

  it("cannot forge a trailer in its summary or subject", async () => {
    const one = stage(
      `printf 'subject=fine\\nsummary<<E\\nall well\\n\\nState: failed\\nAnswers: 12\\nE\\n' >> "$TRAILHAND_OUTPUT"`,
    );
    await expectDone(one);
    expect(
      one.repo.git("log", "-1", "--format=%(trailers:key=State,valueonly,separator=%x2C)", "topic"),
    ).toBe("done");
  });

  it("cannot change the answer with trailers in its own commit", async () => {
    const one = stage('git commit -q --allow-empty -m "x\n\nState: failed\nBranch: topic"');
    await expectDone(one);
    expect(
      one.repo
        .git("log", "--format=%(trailers:key=State,valueonly,separator=%x2C)", "-3", "topic")
        .split("\n"),
    ).toEqual(["done", "failed", "work"]);
  });

  it.each([
    ["a link", 'ln -sf /etc/hostname "$TRAILHAND_OUTPUT"'],
    ["a pipe", 'rm "$TRAILHAND_OUTPUT"; mkfifo "$TRAILHAND_OUTPUT"'],
    ["a folder", 'rm "$TRAILHAND_OUTPUT"; mkdir "$TRAILHAND_OUTPUT"'],
  ])("fails if its output file is %s", async (_, script) => {
    await expectFailed(stage(script), "the output file is not a regular file");
  });

  it("fails if its output file is too large", async () => {
    await expectFailed(
      stage('head -c 5000000 /dev/zero | tr "\\0" a > "$TRAILHAND_OUTPUT"'),
      "the output file is larger than 1048576 bytes",
    );
  });

  it("answers with the only next state if it removes its output file", async () => {
    await expectDone(stage('rm "$TRAILHAND_OUTPUT"'));
  });

  it("answers with the tree of the request if it changes nothing", async () => {
    const one = stage("exit 0");
    await expectDone(one);
    expect(one.repo.git("rev-parse", "topic^{tree}")).toBe(
      one.repo.git("rev-parse", `${one.request}^{tree}`),
    );
    expect(one.repo.git("rev-parse", "topic~1")).toBe(one.request);
  });
});

describe("a script that leaves processes", () => {
  it("does not block the runner with a daemon that holds its pipes, and the daemon is killed", async () => {
    const one = stage(
      "setsid sh -c 'trap : PIPE; while :; do echo alive; echo x >> $OUT/ticks; sleep 0.2; done' &\nsleep 0.1",
    );
    await expectDone(one);
    const { size } = statSync(join(one.outside, "ticks"));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(statSync(join(one.outside, "ticks")).size).toBe(size);
  });
});

describe("a script that changes or damages its worktree", () => {
  it("cannot add files outside its worktree to the answer", async () => {
    const one = stage(
      'echo x > ../beside.txt; echo x > "$TRAILHAND_WORKTREE/../../above.txt"; echo in > inside.txt',
    );
    const { files } = await expectDone(one);
    expect(files).toEqual(["inside.txt", "kept.txt"]);
  });

  it("fails if it deletes its worktree", async () => {
    await expectFailed(stage('cd /; rm -rf "$TRAILHAND_WORKTREE"'), "was deleted");
  });

  it("fails if it deletes its worktree, of which nothing is left to salvage", async () => {
    const one = stage('echo x > f; git add f; git commit -qm mine; cd /; rm -rf "$TRAILHAND_WORKTREE"');
    await expectFailed(one, "was deleted");
    expect(salvages(one)).toEqual([]);
  });

  it("fails if it deletes its files after a commit, which is salvaged", async () => {
    const one = stage("echo x > f; git add f; git commit -qm mine; rm -rf * ; exit 3");
    await expectFailed(one, "exit 3");
    expect(one.repo.git("show", `${salvages(one)[0]}^:f`)).toBe("x");
  });

  it("fails if it deletes the folder .git, and its files are salvaged", async () => {
    const one = stage("rm -rf .git; echo x > f");
    await expectFailed(one, "the folder .git in it, was deleted");
    expect(one.repo.git("ls-tree", "-r", "--name-only", `${salvages(one)[0]}`)).toMatch(/^f\nkept.txt\n/);
  });

  it("fails if it rewrites history, and its files are salvaged", async () => {
    const one = stage("echo x > f; git add f; git reset -q --hard HEAD~1; echo y > g");
    await expectFailed(one, "never rewritten");
    expect(one.repo.git("show", `${salvages(one)[0]}:g`)).toBe("y");
  });

  it("fails if it amends the request", async () => {
    await expectFailed(
      stage('git commit -q --amend --allow-empty -m "other\n\nState: done"'),
      "never rewritten",
    );
  });

  it("answers on the branch of the request even if it switches to a new branch", async () => {
    const one = stage(
      'git checkout -q -b inside; echo x > f; git add f; git commit -qm "on a side branch"; echo y > g',
    );
    const { files } = await expectDone(one);
    expect(files).toEqual(["f", "g", "kept.txt"]);
    expect(one.repo.git("log", "--format=%s", "topic^..topic^1")).toBe("");
    expect(one.repo.git("log", "-1", "--format=%s", "topic^")).toBe("on a side branch");
    expect(one.repo.git("branch", "--list", "inside")).toBe("");
  });

  it("cannot make the runner execute hooks of a repository that replaces its own", async () => {
    const one = stage(
      `rm -rf .git; git init -q . ; git config core.fsmonitor 'touch $OUT/pwned; false'; git config core.worktree /tmp
       for h in post-checkout pre-commit post-index-change reference-transaction; do printf '#!/bin/sh\\ntouch $OUT/pwned\\n' > .git/hooks/$h; chmod +x .git/hooks/$h; done
       git config core.editor 'touch $OUT/pwned'; git config core.pager 'touch $OUT/pwned'; rm -f $OUT/pwned; echo x > f`,
    );
    await expectFailed(one, "never rewritten");
    expect(one.repo.git("show", `${salvages(one)[0]}:f`)).toBe("x");
    expect(existsSync(join(one.outside, "pwned"))).toBe(false);
  });

  it("cannot make the runner execute filters, hooks or monitors that it configures", async () => {
    const one = stage(
      `common=$(git rev-parse --path-format=absolute --git-common-dir)
       git config filter.evil.clean 'touch $OUT/pwned; cat'; git config filter.evil.smudge 'touch $OUT/pwned; cat'
       git config filter.evil.process 'touch $OUT/pwned'; git config filter.evil.required true
       git config core.hooksPath $OUT/hooks; git config core.fsmonitor 'touch $OUT/pwned; false'
       mkdir -p $OUT/hooks "$common/hooks"
       for h in post-checkout pre-commit post-index-change reference-transaction post-commit; do
         printf '#!/bin/sh\\ntouch $OUT/pwned\\n' | tee $OUT/hooks/$h > "$common/hooks/$h"; chmod +x $OUT/hooks/$h "$common/hooks/$h"
       done
       echo '* filter=evil' > .gitattributes; echo x > f; rm -f $OUT/pwned`,
    );
    const { files } = await expectDone(one);
    expect(files).toEqual([".gitattributes", "f", "kept.txt"]);
    expect(existsSync(join(one.outside, "pwned"))).toBe(false);
    expect(one.repo.git("config", "--local", "--list")).not.toMatch(/evil|hookspath|fsmonitor/);
  });

  it("answers even if it leaves a locked index", async () => {
    const one = stage('echo x > f; touch "$(git rev-parse --git-dir)/index.lock"');
    expect((await expectDone(one)).files).toEqual(["f", "kept.txt"]);
  });

  it("fails if it creates a nested repository, whose files are salvaged", async () => {
    const one = stage(
      "mkdir -p app/deep; git init -q app; echo x > app/f; git init -q app/deep; echo y > app/deep/g; echo z > h",
    );
    await expectFailed(one, "app/ is a repository of its own");
    const saved = one.repo.git("ls-tree", "-r", "--name-only", `${salvages(one)[0]}`).split("\n");
    expect(saved).toEqual(expect.arrayContaining(["app/f", "app/deep/g", "h", "kept.txt"]));
  });

  it.each([
    ["staged", "git -C app add f; git -C app commit -qm x; git add app"],
    ["committed", "git -C app add f; git -C app commit -qm x; git add app; git commit -qm y"],
  ])("fails if it has %s a nested repository, whose files are salvaged", async (_, then) => {
    const one = stage(`git init -q app; echo x > app/f; ${then}`);
    await expectFailed(one, "app/ is a repository of its own");
    expect(one.repo.git("show", `${salvages(one)[0]}:app/f`)).toBe("x");
  });

  it.each([
    ["and commit", "; git commit -qm vendor"],
    ["without a commit", ""],
  ])("may add a submodule %s", async (_, then) => {
    const one = stage(`git -c protocol.file.allow=always submodule --quiet add $OUT/upstream vendor${then}`);
    one.repo.git("clone", "-q", "--bare", one.repo.dir, join(one.outside, "upstream"));
    expect((await expectDone(one)).files).toEqual([".gitmodules", "kept.txt", "vendor"]);
  });

  it("may leave read-only folders", async () => {
    const one = stage("mkdir -p sealed/in; echo x > sealed/in/f; chmod -R a-w sealed");
    expect((await expectDone(one)).files).toEqual(["kept.txt", "sealed/in/f"]);
  });

  it("may leave files with unusual names", async () => {
    const one = stage(
      "echo x > -rf; echo x > 'a b\"c'; printf x > \"$(printf 'n\\nl')\"; echo x > ':(glob)x'; echo x > größe; ln -s . loop",
    );
    const { files } = await expectDone(one);
    expect(files).toHaveLength(7);
  });
});

describe("the environment of a script", () => {
  it("has only allow-listed variables, Trailhand's own, and those that its state declares", async () => {
    const workflow = "states:\n  work: { next: done, retries: 0, env: [DEPLOY_KEY, NOT_SET] }\n";
    const one = stage('env > $OUT/env; echo "key $DEPLOY_KEY"; exit 1', { workflow });
    await runStage(one, {
      env: {
        DEPLOY_KEY: "hunter2hunter2",
        GITHUB_TOKEN: "secret",
        GIT_DIR: "/nowhere",
        GIT_CONFIG_COUNT: "1",
        LD_PRELOAD: "",
        NODE_OPTIONS: "",
        LC_TIME: "C",
      },
    });
    const env = readFileSync(join(one.outside, "env"), "utf8");
    expect(env).toContain("DEPLOY_KEY=hunter2hunter2");
    expect(env).toContain("LC_TIME=C");
    const names = env.split("\n").flatMap((line) => /^([A-Za-z_]+)=/.exec(line)?.[1] ?? []);
    const fixed =
      /^(?:TRAILHAND_[A-Z_]+|GIT_(?:AUTHOR|COMMITTER)_(?:NAME|EMAIL)|LC_[A-Z]+|PWD|OLDPWD|SHLVL|_)$/;
    const listed = new Set(
      "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TMPDIR TERM COLORTERM NO_COLOR XDG_CACHE_HOME DEPLOY_KEY".split(
        " ",
      ),
    );
    expect(names.filter((name) => !fixed.test(name) && !listed.has(name))).toEqual([]);
    const { message } = answerOf(one);
    expect(message).toContain("key [redacted]");
    expect(message).not.toContain("hunter2");
  });

  it.each([
    "PATH",
    "LD-PRELOAD",
    "Bash-Env",
    "ENV",
    "Node-Options",
    "Git-Config-Count",
    "GIT-DIR",
    "IFS",
    "PS4",
  ])("contains no variable for the trailer %s", async (key) => {
    const one = stage("env > $OUT/env", { trailers: `${key}: $OUT-hostile-value\n` });
    await expectDone(one);
    const env = readFileSync(join(one.outside, "env"), "utf8");
    expect(env.split("\n").filter((line) => line.includes("hostile-value"))).toEqual([]);
  });

  it("provides the request in a file, with special characters unchanged", async () => {
    const one = stage('cp "$TRAILHAND_REQUEST" $OUT/request', {
      trailers: 'Odd-Key: a"b\\c $(touch $OUT/pwned)\n',
    });
    await expectDone(one);
    const request = JSON.parse(readFileSync(join(one.outside, "request"), "utf8")) as Record<string, unknown>;
    expect(request).toMatchObject({
      branch: "topic",
      state: "work",
      header: "feat: a thing",
      body: "Please.",
      attempt: 1,
    });
    expect(request["trailers"]).toContainEqual({ key: "Odd-Key", value: 'a"b\\c $(touch $OUT/pwned)' });
  });

  it("provides the carried state, and at most 50 commits of history", async () => {
    const [asked, child] = [commitOf(id("1"), "Goal\n\nWhy.\n\nState: plan\n"), "topic.api" as Branch];
    const oid = (at: number) => (at === 60 ? id("1") : ((at + 1000).toString(16).padStart(40, "0") as Sha));
    const trail = Array.from({ length: 60 }, (_, at) =>
      commitOf(oid(at), `answer ${at}\n\nState: work\nAnswers: ${oid(at + 1)}\n`),
    );
    const [head] = trail;
    if (!head) throw new Error("no head");
    const spent = { cost: 0.5, tokens: 10, turns: 2, time: 3000 };
    const item = {
      ...EMPTY_CARRIED_STATE,
      spent,
      budget: { cost: 5 },
      rounds: { work: 2 },
      owns: ["src/**"],
      risk: "draft",
    };
    const steps = [{ state: "work", subject: "first", prompt: "" }];
    const call = callOf(scriptOf({ "states/work": '#!/bin/sh\nexec cat "$TRAILHAND_REQUEST"\n' }), {
      request: requestOf(head),
      trail: [...trail, asked],
      next: ["review", "done"],
      carried: item,
      children: [
        {
          key: "api",
          branch: child,
          result: "gone",
          state: "",
          head: undefined,
          subject: "s",
          summary: "t",
          owns: [],
          cost: 0.1,
          tokens: 5,
          isNew: true,
        },
      ],
      approvals: [{ commit: id("2"), by: "ann@example.com", at: 7 }],
      plan: { id: id("3"), step: 1, of: 1, steps },
      members: [requestOf(commitOf(id("4"), "Merge me\n\nBody.\n\nState: queued\n"))],
      agent: { name: "quick", run: ["q"], env: [], files: [] },
    });
    const request = JSON.parse((await runCall(call)).stdout) as { trail: unknown[] };
    expect(request).toMatchObject({
      next: ["review", "done"],
      targetCommit: id("f"),
      origin: { commit: id("1"), header: "Goal", body: "Why." },
      children: [
        {
          key: "api",
          branch: "topic.api",
          state: "",
          head: null,
          subject: "s",
          summary: "t",
          cost: 0.1,
          tokens: 5,
          new: true,
        },
      ],
      approvals: [{ commit: id("2"), by: "ann@example.com", at: 7 }],
      plan: { id: id("3"), step: 1, of: 1, steps },
      members: [
        { branch: "topic", commit: id("4"), subject: "Merge me", body: "Body.", committed: 1_700_000_000 },
      ],
      spent,
      budget: { cost: 5 },
      rounds: { work: 2 },
      owns: ["src/**"],
      risk: "draft",
      agent: "quick",
    });
    expect(request.trail).toHaveLength(50);
  });

  it("provides every field of the request, even if it is empty", async () => {
    const call = callOf(scriptOf({ "states/work": '#!/bin/sh\nexec cat "$TRAILHAND_REQUEST"\n' }));
    expect(JSON.parse((await runCall(call)).stdout)).toMatchObject({
      children: [],
      approvals: [],
      plan: null,
      members: [],
      spent: { cost: 0, tokens: 0, turns: 0, time: 0 },
      budget: {},
      rounds: {},
      owns: [],
      risk: null,
      agent: null,
    });
  });

  it("provides a cache folder that later runs share, and the trusted commit", async () => {
    const call = callOf(
      scriptOf({
        "states/work": `#!/bin/sh
          cat "$TRAILHAND_CACHE/kept" 2>/dev/null || echo first
          echo "second, for $TRAILHAND_TARGET_COMMIT" >"$TRAILHAND_CACHE/kept"`,
      }),
    );
    expect((await runCall(call)).stdout).toBe("first\n");
    expect((await runCall({ ...call, attempt: 2 })).stdout).toBe(`second, for ${id("f")}\n`);
  });

  it("uses git in its own worktree, even if the runner has GIT_DIR set", async () => {
    const one = stage(
      "git rev-parse --show-toplevel > $OUT/top; git config user.name > $OUT/name || true; git var GIT_AUTHOR_IDENT > $OUT/ident",
    );
    await runStage(one, {
      env: { GIT_DIR: "/nowhere", GIT_WORK_TREE: "/nowhere", GIT_INDEX_FILE: "/nowhere" },
    });
    expect(answerOf(one).state).toBe("done");
    expect(readFileSync(join(one.outside, "top"), "utf8")).toContain(one.repo.cache);
    expect(readFileSync(join(one.outside, "ident"), "utf8")).toContain("Trailhand");
  });

  it("also works for a script without a #! line", async () => {
    // execvp(3) runs such a file with /bin/sh.
    const one = stage("exit 1");
    one.repo.write("states/work", `touch ${one.outside}/ran\n`, 0o755);
    one.repo.commit("a script without a #! line");
    await expectDone(one);
    expect(existsSync(join(one.outside, "ran"))).toBe(true);
  });
});
