/** Complaints about lost work, and about work that was wrongly reported as done. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { AttemptTrees } from "../../../src/engine/attempt-trees.ts";
import { installStates, ROOT } from "../../support/pack-fixture.ts";
import { buildCrashRunner, leftovers, startCrashRunner } from "../../support/crash-runner.ts";
import { makeRepo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { answerOf, makeStage, runStage, salvages } from "../../support/run-hostile-script.ts";
import { ask, message, states, stay, trailer } from "../../support/complaint-fixture.ts";
import { until } from "../../support/until.ts";

let program = "";
beforeAll(async () => {
  program = await buildCrashRunner();
});

const AGAIN = "states:\n  work: { next: done, retries: 1, backoff: 20ms }\n";
/** The first attempt ends with half of its work. The second reads that half from the salvage. */
const HALVES = `if [ "$TRAILHAND_ATTEMPT" = 1 ]; then
  echo kept > committed.txt; git add .; git commit -qm "wip"; echo half > half.txt; $END
fi
git show "$TRAILHAND_SALVAGE:half.txt" "$TRAILHAND_SALVAGE:committed.txt" > found.txt`;

describe("lost-work", () => {
  test("the work of a failed attempt is saved to a ref, and the next attempt receives that ref", async () => {
    const one = makeStage(HALVES.replace("$END", "exit 1"), { workflow: AGAIN });
    await runStage(one);
    expect(answerOf(one)).toMatchObject({ state: "done", files: ["found.txt", "kept.txt"] });
    expect(one.repo.git("show", "topic:found.txt")).toBe("half\nkept");
    expect(salvages(one)).toHaveLength(1);
    expect(leftovers(one.repo)).toEqual([]);
  });

  test("a worktree that cannot be saved is not removed, and the next runner saves it", async () => {
    const one = makeStage("echo half > half.txt; exit 1");
    const unsaved = (trees: AttemptTrees): AttemptTrees => ({
      open: (...args) => trees.open(...args),
      collect: (tree) => trees.collect(tree),
      take: (...args) => trees.take(...args),
      save: () => Promise.reject(new Error("the disk is full")),
      release: (tree) => trees.release(tree),
      sweep: () => trees.sweep(),
    });
    const { events } = await runStage(one, {
      change: (ports) => ({ ...ports, trees: unsaved(ports.trees) }),
    });
    expect(events.at(-1)).toMatchObject({ kind: "fault", what: "the disk is full" });
    const found = readdirSync(one.repo.cache, { recursive: true, encoding: "utf8" });
    const half = found.find((path) => path.endsWith("/tree/half.txt")) ?? "";
    const tree = join(one.repo.cache, half, "..");
    expect(readFileSync(join(tree, "half.txt"), "utf8")).toBe("half\n");
    // The owner is this process. Record another one that has ended.
    const owner = join(tree, "../../owner.json");
    const known = JSON.parse(readFileSync(owner, "utf8")) as object;
    writeFileSync(owner, JSON.stringify({ ...known, pid: 1, started: "1" }));
    await runStage(one, { options: { branches: [], once: true } });
    expect(existsSync(tree)).toBe(false);
    expect(salvages(one).map((ref) => one.repo.git("show", `${ref}:half.txt`))).toContain("half");
  });
});

test("session-lost: the work of a killed runner is kept, and any other runner continues it", async () => {
  const one = makeStage(HALVES.replace("$END", "touch $OUT/ready; sleep 600"), {
    workflow: AGAIN,
  });
  const first = startCrashRunner(program, one.repo);
  await until("the script", () => existsSync(join(one.outside, "ready")));
  first.child.kill("SIGKILL");
  await first.ended;
  const second = startCrashRunner(program, one.repo);
  expect(await second.ended).toEqual({ code: 0, signal: null });
  expect(answerOf(one)).toMatchObject({ state: "done", answers: one.request });
  expect(one.repo.git("show", "topic:found.txt")).toBe("half\nkept");
  expect(trailer(one.repo, "Attempt")).toBe("2/2");
  expect(leftovers(one.repo)).toEqual([]);
});

describe("zombie-worktree", () => {
  test("a watching runner removes the worktree of a dead runner even without its lease", async () => {
    const one = makeStage("echo half > half.txt; touch $OUT/ready; sleep 600");
    const { repo } = one;
    let ahead = 0;
    let looks = 0;
    const watching = await stay(repo, { branches: ["other" as never] }, (ports) => {
      const { clock, trustedConfig } = ports;
      return {
        ...ports,
        clock: {
          wall: () => clock.wall(),
          mono: () => clock.mono() + ahead,
          sleep: (ms, end) => clock.sleep(ms, end),
        },
        trustedConfig: (...args) => {
          looks++;
          return trustedConfig(...args);
        },
      };
    });
    // The sweep at the start is over once the second scan begins.
    await until("a second scan", () => looks > 1);
    const dying = startCrashRunner(program, repo);
    await until("the script", () => existsSync(join(one.outside, "ready")));
    // Without the lease, no ref shows that a runner died.
    dying.child.kill("SIGSTOP");
    const lease = repo.git("for-each-ref", "--format=%(refname)", "refs/trailhand/leases");
    repo.git("update-ref", "-d", lease);
    // A scan that read the lease before would now find a dead holder.
    const read = looks;
    await until("scans without the lease", () => looks > read + 1);
    dying.child.kill("SIGKILL");
    await dying.ended;
    const from = looks;
    await until("more scans", () => looks > from + 2);
    expect(salvages(one)).toEqual([]);
    ahead = 11 * 60_000;
    await until("the sweep", () => salvages(one).length === 1);
    expect(repo.git("show", `${salvages(one)[0]}:half.txt`)).toBe("half");
    await until("no worktree", () => repo.git("worktree", "list").split("\n").length === 1);
    expect(repo.git("rev-parse", "topic")).toBe(one.request);
    await watching.end();
    expect(leftovers(repo)).toEqual([]);
  });

  test("a worktree is at a new path, at its own request, and has no files of the previous one", async () => {
    const script = `#!/bin/sh
echo "$TRAILHAND_WORKTREE" >> $OUT/trees
git rev-parse HEAD >> $OUT/heads; git status --porcelain --ignored >> $OUT/dirt
echo "$TRAILHAND_BRANCH" > mine.txt; echo x > new.txt; mkdir -p cache; echo x > cache/ignored`;
    const one = makeStage(script, { files: { ".gitignore": "cache/\n" } });
    const { repo } = one;
    repo.write("kept.txt", "moved on\n");
    repo.commit("fix: main moves on");
    const later = ask(repo, "young", "feat: later\n\nState: work\n");
    await runStage(one, { options: { concurrency: 1 } });
    const told = (name: string) => readFileSync(join(one.outside, name), "utf8").trim().split("\n");
    expect(new Set(told("trees")).size).toBe(2);
    expect(told("heads")).toEqual([one.request, later]);
    expect(told("dirt")).toEqual([""]);
    expect(repo.git("show", "young:kept.txt")).toBe("moved on");
    expect(repo.git("diff", "--name-only", "young~1", "young")).toBe("mine.txt\nnew.txt");
    expect(readdirSync(repo.dir)).not.toContain("mine.txt");
  });
});

describe("false-done", () => {
  const PROVEN = `start: [work, check]
limits: { hops: 9 }
evidence: { done: [tests] }
states:
  work: { next: [done, check], retries: 0 }
  check: { next: [done, work], proves: [tests], retries: 0 }
`;
  const claiming = (lines: string) => `printf '${lines}' >> "$TRAILHAND_OUTPUT"`;
  const CHECK = `#!/bin/sh\n${claiming("evidence=tests\\nstate=work\\n")}\n`;

  test.each([
    ["there is no evidence", claiming("state=done\\n"), "and this is missing: tests"],
    [
      "the worker reports the evidence itself",
      claiming("state=done\\nevidence=tests\\n"),
      'may not give evidence for "tests"',
    ],
    [
      "the worker writes the Evidence trailer",
      claiming("state=done\\ntrailers=Evidence: tests x\\n"),
      "scripts may not write it",
    ],
  ])("done is rejected when %s", async (_, script, why) => {
    const one = makeStage(script, { workflow: PROVEN, files: { "states/check": CHECK } });
    await runStage(one);
    expect(answerOf(one)).toMatchObject({ state: "failed", message: expect.stringContaining(why) as string });
  });

  test("evidence is void once the files change, and valid while they are identical", async () => {
    const worker = (edit: string) =>
      `if [ -e round ]; then ${edit} ${claiming("state=done\\n")}; else echo x > round; ${claiming("state=check\\n")}; fi`;
    const changed = makeStage(worker("echo more > round;"), {
      workflow: PROVEN,
      files: { "states/check": CHECK },
    });
    await runStage(changed);
    expect(states(changed.repo)).toEqual(["work", "check", "work", "failed"]);
    const same = makeStage(worker(""), { workflow: PROVEN, files: { "states/check": CHECK } });
    await runStage(same);
    expect(states(same.repo)).toEqual(["work", "check", "work", "done"]);
  });

  test("the script that reports evidence comes from the trusted branch, even if the worker changes it", async () => {
    const strict = '#!/bin/sh\ntest -e tested || exit 1\necho evidence=tests >> "$TRAILHAND_OUTPUT"\n';
    const forging = `printf '#!/bin/sh\\ntrue\\n' > states/check; ${claiming("state=check\\n")}`;
    const one = makeStage(forging, { workflow: PROVEN, files: { "states/check": strict } });
    await runStage(one);
    expect(states(one.repo)).toEqual(["work", "check", "failed"]);
  });
});

describe("silent-drop", () => {
  test("a conflict leads to repair with the list of files, and both sides are kept", async () => {
    const repo = makeRepo({ "a.txt": "one\n", "b.txt": "one\n" });
    installStates(repo, join(ROOT, "states"), (path) => !path.startsWith("packs/"));
    ask(repo, "topic", "draft");
    repo.git("switch", "-q", "topic");
    repo.write("a.txt", "mine\n");
    const asked = repo.commit("feat: mine\n\nState: integrate\n");
    repo.git("switch", "-q", "main");
    repo.write("a.txt", "theirs\n");
    const theirs = repo.commit("feat: theirs");
    await run(repo);
    expect(trailer(repo, "State")).toBe("repair");
    expect(message(repo)).toMatch(/conflict[^]*\na\.txt\n/);
    expect(message(repo)).not.toContain("b.txt");
    expect(repo.git("rev-parse", "topic^{tree}")).toBe(repo.git("rev-parse", `${asked}^{tree}`));
    expect(repo.git("rev-parse", "main")).toBe(theirs);
  });

  test("work with an Owns trailer cannot change other files", async () => {
    const one = makeStage("echo mine > kept.txt; echo mine > own.txt", {
      trailers: "Owns: own.txt\n",
    });
    await runStage(one);
    expect(answerOf(one).state).toBe("failed");
    expect(answerOf(one).message).toMatch(/may not change kept\.txt\b/i);
    expect(one.repo.git("show", "topic:kept.txt")).toBe("kept");
  });
});

describe("worktree-not-runnable", () => {
  const SETUP = `#!/bin/sh
set -eu
[ -d "$TRAILHAND_CACHE/packages" ] || { mkdir "$TRAILHAND_CACHE/packages"; echo installed >> $OUT/installs; }
ln -s "$TRAILHAND_CACHE/packages" packages
`;
  const files = (setup: string) => ({ "states/hooks/setup": setup, ".gitignore": ".env\npackages\n" });

  test("bring copies uncommitted files, and the setup hook installs packages once", async () => {
    const one = makeStage("sed 's/^/got /' .env > seen.txt; test -d packages/.", {
      files: files(SETUP),
      workflow: "bring: [.env]\nstates:\n  work: { next: done, retries: 0 }\n",
    });
    const { repo, outside } = one;
    // The path of `outside` is written into the hook, as into every script here.
    repo.write("states/hooks/setup", SETUP.replaceAll("$OUT", outside), 0o755);
    repo.commit("chore: a hook");
    repo.write(".env", "KEY=1\n");
    ask(repo, "other", "feat: another\n\nState: work\n");
    await runStage(one, { options: { concurrency: 1 } });
    for (const branch of ["topic", "other"]) {
      expect(trailer(repo, "State", branch), message(repo, branch)).toBe("done");
      expect(repo.git("show", `${branch}:seen.txt`)).toBe("got KEY=1");
      expect(repo.git("ls-tree", "--name-only", branch)).not.toMatch(/^(\.env|packages)$/m);
    }
    expect(readFileSync(join(outside, "installs"), "utf8")).toBe("installed\n");
  });

  test("a failed worktree setup is reported separately from a failed script, and no script runs", async () => {
    const setup = "#!/bin/sh\necho no such registry >&2\nexit 9\n";
    const one = makeStage("touch $OUT/ran", { files: files(setup) });
    await runStage(one);
    const { state, message: said } = answerOf(one);
    expect(state).toBe("failed");
    expect(said).toContain("ts worktree could not be set up: states/hooks/setup ended with 9");
    expect(said).toContain("no such registry");
    expect(existsSync(join(one.outside, "ran"))).toBe(false);
  });
});
