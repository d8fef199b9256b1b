/** Complaints about missing control: approvals, stopping, status messages and setup. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { reasonOf } from "../../../src/core/scheduling/reasons.ts";
import { cli, cliIn, introduce } from "../../support/run-cli.ts";
import { leftovers } from "../../support/crash-runner.ts";
import { git, makeRepo, repoAt, temporaryDir } from "../../support/temp-repo.ts";
import { answerOf, makeStage, runStage, salvages } from "../../support/run-hostile-script.ts";
import { ask, message, note, push, states, stay, trailer } from "../../support/complaint-fixture.ts";
import { until } from "../../support/until.ts";

describe("unsound-approval", () => {
  const GATE = `people: { leads: [ann@example.com] }
start: [work]
states:
  work: { next: gate }
  gate: { wait: "approvals 1 by leads", deadline: 3d, otherwise: work, next: ship }
  ship: { next: done, retries: 0 }
limits: { hops: 20 }
`;
  const gated = () => {
    const one = makeStage("true", {
      workflow: GATE,
      files: { "states/ship": "#!/bin/sh\necho x > shipped.txt\n" },
    });
    const waits = async () => {
      const { summary } = await runStage(one);
      return summary.idle.find(({ head }) => head.branch === "topic")?.why.code;
    };
    return { ...one, waits };
  };
  const approve = (id: string) => `chore: approved\n\nApproves: ${id}\n`;

  test("an approval with the full id of the request lets the work continue", async () => {
    const { repo, waits } = gated();
    expect(await waits()).toBe("waits");
    push(repo, "topic", approve(repo.git("rev-parse", "topic")));
    await waits();
    expect(states(repo)).toEqual(["work", "gate", "ship", "done"]);
  });

  test("a later push voids an approval, and a repeated request needs a new one", async () => {
    const { repo, waits } = gated();
    await waits();
    push(repo, "topic", approve(repo.git("rev-parse", "topic")));
    const files = repo.gitIn(
      `100644 blob ${repo.gitIn("evil\n", "hash-object", "-w", "--stdin")}\tevil\n`,
      "mktree",
    );
    push(repo, "topic", "fix: one more thing\n", files);
    await waits();
    expect(cli(introduce(repo), "status").out).toContain("a person committed on top of gate");
    push(repo, "topic", "chore: go on\n\nState: gate\n");
    expect(await waits()).toBe("waits");
    expect(states(repo)).toEqual(["work", "gate", "gate"]);
  });

  test.each([
    ["a part of the id", (id: string) => approve(id.slice(0, 12)), undefined],
    ["the id of another commit", (id: string) => approve("0".repeat(id.length)), undefined],
    ["changed files", approve, "changed"],
  ])("an approval with %s does not count", async (_, text, files) => {
    const { repo, waits } = gated();
    await waits();
    const head = repo.git("rev-parse", "topic");
    const tree =
      files && repo.gitIn(`100644 blob ${repo.gitIn("x\n", "hash-object", "-w", "--stdin")}\tx\n`, "mktree");
    push(repo, "topic", text(head), tree);
    await waits();
    expect(states(repo)).toEqual(["work", "gate"]);
  });
});

describe("cannot-stop", () => {
  const HANGS = "echo half > half.txt; echo x >> $OUT/starts; touch $OUT/ready; sleep 600";

  test("a person's commit stops the running script and is not changed", async () => {
    const one = makeStage(HANGS);
    const running = runStage(one, { options: { pollInterval: { shortestMs: 100, longestMs: 100 } } });
    await until("the script", () => existsSync(join(one.outside, "ready")));
    const mine = push(one.repo, "topic", "fix: stop it\n");
    const { events } = await running;
    const why = expect.stringContaining("what a person did counts") as string;
    expect(events.at(-1)).toMatchObject({ kind: "stopped", branch: "topic", why });
    expect(one.repo.git("rev-parse", "topic")).toBe(mine);
    expect(one.repo.git("show", `${salvages(one)[0]}:half.txt`)).toBe("half");
    expect(leftovers(one.repo)).toEqual([]);
  });

  test("the hold ref stops all runs and uses no attempt", async () => {
    const one = makeStage(HANGS);
    const { repo, outside } = one;
    const running = await stay(repo);
    await until("the script", () => existsSync(join(outside, "ready")));
    note(repo, "refs/trailhand/hold", "hold: the bill\n");
    await until("the stop", () => running.events.some(({ kind }) => kind === "stopped"));
    expect(running.events.at(-1)).toMatchObject({ why: "everything is held" });
    ask(repo, "other", "feat: another\n\nState: work\n");
    await running.end();
    const { summary, events } = await runStage(one);
    expect(events).toEqual([]);
    for (const branch of ["topic", "other"])
      expect(summary.idle.find(({ head }) => head.branch === branch)?.why).toEqual({
        code: "held",
        detail: "the bill",
      });
    expect(readFileSync(join(outside, "starts"), "utf8")).toBe("x\n");
    repo.write("states/work", "#!/bin/sh\ntrue\n", 0o755);
    repo.commit("chore: a better one");
    repo.git("update-ref", "-d", "refs/trailhand/hold");
    await runStage(one);
    expect([trailer(repo, "State"), trailer(repo, "Attempt")]).toEqual(["done", "1/1"]);
    expect(trailer(repo, "State", "other")).toBe("done");
  });

  test("status --needs-me lists all work that needs a person, with the next command", () => {
    const repo = introduce(
      makeRepo({
        "states/workflow.yml": "states:\n  work: { next: review, retries: 0 }\n  review: { human: true }\n",
        "states/work": '#!/bin/sh\n[ "$TRAILHAND_BRANCH" = good ] || exit 1\n',
      }),
    );
    for (const branch of ["good", "broken"]) ask(repo, branch, `feat: ${branch}\n\nState: work\n`);
    ask(repo, "strange", "feat: strange\n\nState: nothing-of-ours\n");
    ask(repo, "over", "feat: over\n\nState: done\n");
    ask(repo, "taken", "feat: taken\n\nState: work\n");
    push(repo, "taken", "fix: by hand\n");
    cli(repo, "run");
    const listed = JSON.parse(cli(repo, "status", "--needs-me", "--json").out) as {
      branches: { branch: string; next: string; reason: string }[];
    };
    expect(listed.branches.map(({ branch }) => branch).toSorted()).toEqual([
      "broken",
      "good",
      "strange",
      "taken",
    ]);
    for (const { next, reason } of listed.branches) {
      expect(next).toMatch(/^trailhand /);
      expect(reason).not.toBe("");
    }
  });

  test("a blocked answer is reported once, however many scans follow", async () => {
    const one = makeStage("true");
    one.repo.git("switch", "-q", "topic");
    writeFileSync(join(one.repo.dir, "kept.txt"), "mine\n");
    let looks = 0;
    const watching = await stay(one.repo, {}, (ports) => ({
      ...ports,
      trustedConfig: (...args) => {
        looks++;
        return ports.trustedConfig(...args);
      },
    }));
    await until("some scans", () => looks > 6);
    await watching.end();
    expect(watching.events.map(({ kind }) => kind)).toEqual(["blocked"]);
  });
});

describe("silence", () => {
  const HEADS: Readonly<Record<string, readonly [message: string, turn: string]>> = {
    fine: ["feat: a\n\nState: work\n", "none"],
    failing: ["feat: b\n\nState: work\n", "person"],
    person: ["feat: c\n\nState: review\n", "person"],
    unknown: ["feat: d\n\nState: wrok\n", "person"],
    "bad-name": ["feat: e\n\nState: No Such!\n", "person"],
    "two-states": ["feat: f\n\nState: work\nState: review\n", "person"],
    doubt: ["feat: g\n\nState: work\n\nBecause I say so.\n", "person"],
    "bad-value": ["feat: h\n\nState: work\nNot-Before: soon\n", "person"],
    later: ["feat: i\n\nState: work\nNot-Before: 2999-01-01\n", "none"],
    depends: ["feat: j\n\nState: work\nDepends-On: person\n", "none"],
    ring: ["feat: k\n\nState: work\nDepends-On: ring\n", "person"],
    parked: ["feat: l\n\nState: parked\n", "person"],
    elsewhere: ["feat: m\n\nState: work\nBranch: somewhere\n", "none"],
    approved: ["feat: n\n\nApproves: 0123456789012345678901234567890123456789\n", "person"],
  };

  test("every request is answered or has a reason that status shows", async () => {
    const one = makeStage('[ "$TRAILHAND_BRANCH" != failing ] || { echo why it failed; exit 1; }', {
      workflow:
        "states:\n  work: { next: done, retries: 0 }\n  review: { human: true }\nstart: [work, review]\n",
    });
    const { repo } = one;
    for (const [branch, [text]] of Object.entries(HEADS)) ask(repo, branch, text);
    await runStage(one);
    const { summary } = await runStage(one);
    const found = new Map(
      summary.idle.map((idle) => [idle.head.branch as string, reasonOf(idle, Date.now())]),
    );
    for (const [branch, [, turn]] of Object.entries(HEADS)) {
      const { turn: whose, sentence } = found.get(branch) ?? {};
      expect([branch, whose]).toEqual([branch, turn]);
      expect(sentence ?? "").not.toBe("");
    }
    expect(message(repo, "failing")).toMatch(/Exit 1\.[^]*why it failed/);
    const shown = JSON.parse(cli(introduce(repo), "status", "--all", "--json").out) as {
      branches: { branch: string; reason: string }[];
    };
    const reasons = new Map(shown.branches.map(({ branch, reason }) => [branch, reason]));
    for (const branch of Object.keys(HEADS)) expect(reasons.get(branch) ?? "", branch).not.toBe("");
  });
});

describe("green-but-nothing", () => {
  test("a run with nothing to do says so, and a run with answers reports their number", () => {
    const repo = introduce(
      makeRepo({ "states/work": '#!/bin/sh\necho state=done >> "$TRAILHAND_OUTPUT"\n' }),
    );
    const idle = cli(repo, "run");
    expect([idle.code, idle.err.trim()]).toEqual([0, "nothing to run; trailhand status shows why"]);
    expect(JSON.parse(cli(repo, "run", "--json").out)).toMatchObject({ attempts: 0, events: [] });
    ask(repo, "topic", "feat: a thing\n\nState: work\n");
    expect(cli(repo, "run").err).toContain("1 answered");
    ask(repo, "waits", "feat: a thing\n\nState: nothing-of-ours\n");
    expect(cli(repo, "run").err).toContain("nothing to run; 1 for a person (trailhand status --needs-me)");
  });

  test("run fails with a message if the states are missing or invalid", () => {
    const none = cli(introduce(makeRepo()), "run");
    expect(none.code).not.toBe(0);
    expect(none.err).toContain("trailhand init");
    const broken = cli(introduce(makeRepo({ "states/workflow.yml": "staets: {}\n" })), "run");
    expect(broken.code).not.toBe(0);
    expect(broken.err).toMatch(/is not valid[^]*staets/);
  });

  test("a script that must choose the next state fails if it names none", async () => {
    const one = makeStage("exit 0", { workflow: "states:\n  work: { next: [done, parked], retries: 0 }\n" });
    await runStage(one);
    expect(answerOf(one).state).toBe("failed");
    expect(answerOf(one).message).toContain("named no next state");
  });

  test("a check that found no tests does not report that tests passed", () => {
    const repo = introduce(makeRepo());
    expect(cli(repo, "init").code).toBe(0);
    repo.commit("chore: states");
    ask(repo, "topic", "feat: a thing\n\nState: check\n");
    cli(repo, "run");
    expect(message(repo)).toContain("states/check found no tests to run");
    expect(message(repo)).not.toContain("passed");
  });
});

describe("set-up-pain", () => {
  test("four commands lead from a fresh repository to a passed check", () => {
    const dir = join(temporaryDir(), "fresh");
    git(temporaryDir(), ["init", "-q", "-b", "main", dir]);
    const repo = introduce(repoAt(dir));
    repo.write("Makefile", "test:\n\ttest -e Makefile\n");
    repo.commit("feat: my project");
    const env = { XDG_CACHE_HOME: repo.cache };
    const type = (...args: string[]) => {
      const said = cliIn(repo.dir, env, ...args);
      expect(said.code, said.err).toBe(0);
      return said.err;
    };
    type("init");
    repo.commit("Add Trailhand's states");
    type("request", "check", "--new", "try-it", "-m", "Try it");
    expect(type("run")).toContain("try-it: check → review");
    expect(message(repo, "try-it")).toContain("make test passed");
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(repo.git("remote")).toBe("");
  });

  test("doctor names what is missing and the command that fixes it", () => {
    const repo = makeRepo();
    const doctor = cli(repo, "doctor");
    expect(doctor.code).not.toBe(0);
    expect(doctor.out + doctor.err).toMatch(/trailhand init/);
    expect(doctor.out + doctor.err).toMatch(/git config .*user\.name/);
    rmSync(repo.cache, { recursive: true, force: true });
  });
});
