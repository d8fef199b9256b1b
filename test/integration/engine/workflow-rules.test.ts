/** Rules of the workflow: paths, evidence, people, plans, limits. Each violation is named. */
import { describe, expect, it } from "vitest";
import { makeRepo, type Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";

interface RuleCase {
  readonly states: string;
  readonly top?: string;
  readonly scripts: Readonly<Record<string, string>>;
}

function prepare({ states, top = "", scripts }: RuleCase): Repo {
  const repo = makeRepo({ "src/a.ts": "a\n", "docs/a.md": "a\n" });
  repo.write("states/workflow.yml", `${top}\nlimits: { hops: 40 }\nstates:\n${states}`);
  for (const [name, text] of Object.entries(scripts))
    repo.write(`states/${name}`, `#!/bin/sh\n${text}\n`, 0o755);
  repo.commit("chore: states");
  return repo;
}

function ask(repo: Repo, message: string, branch = "topic"): void {
  if (repo.git("branch", "--list", branch) === "") repo.git("branch", branch, "main");
  repo.git("switch", "-q", branch);
  repo.request(message);
  repo.git("switch", "-q", "main");
}

const head = (repo: Repo, branch = "topic") => repo.git("log", "-1", "--format=%B", branch);
const states = (repo: Repo, branch = "topic") =>
  repo
    .git(
      "log",
      "--first-parent",
      "--reverse",
      "--format=%(trailers:key=State,valueonly,separator=%x2C)",
      `main..${branch}`,
    )
    .split("\n")
    .filter((line) => line !== "");
const trailer = (repo: Repo, key: string) =>
  repo.git("log", "-1", `--format=%(trailers:key=${key},valueonly)`, "topic").trim();

describe("paths", () => {
  const scripts = { work: 'eval "$TRAILHAND_BODY"' };

  it("outside of `writes` or in `forbid` fail the attempt and are named", async () => {
    const stage = {
      states: "  work: { next: done, retries: 0, writes: [docs, src], forbid: ['src/*.ts'] }\n",
      scripts,
    };
    const bad = prepare(stage);
    ask(bad, "feat: x\n\necho x >src/a.ts; echo x >top.txt; echo x >docs/a.md\n\nState: work\n");
    await run(bad);
    expect(states(bad)).toEqual(["work", "failed"]);
    expect(head(bad)).toContain("work may not change src/a.ts, top.txt");
    const repo = prepare(stage);
    ask(repo, "feat: y\n\necho x >docs/b.md; mkdir src/d; echo y >src/d/a.ts\n\nState: work\n");
    await run(repo);
    expect(states(repo)).toEqual(["work", "done"]);
  });

  it("of a script's own commits and of moved files count too", async () => {
    const repo = prepare({ states: "  work: { next: done, retries: 0, writes: docs }\n", scripts });
    ask(repo, "feat: moved\n\ngit mv src/a.ts docs/b.ts && git commit -qm hidden\n\nState: work\n");
    await run(repo);
    expect(head(repo)).toContain("may not change src/a.ts");
  });

  it("that a request owns bind all later responses, and no script can widen them", async () => {
    const repo = prepare({
      states: "  work: { next: more, retries: 0 }\n  more: { next: done, retries: 0 }\n",
      scripts: { work: 'printf "trailers=Owns: src\\n" >>"$TRAILHAND_OUTPUT"', more: "echo x >src/a.ts" },
    });
    ask(repo, "feat: owns\n\nState: work\nOwns: docs\n");
    await run(repo);
    expect(head(repo)).toContain('"Owns" is reserved');
    ask(repo, "feat: go on\n\nState: more\n");
    await run(repo);
    expect(head(repo)).toContain("may not change src/a.ts");
    expect(trailer(repo, "Owns")).toBe("docs");
  });
});

describe("evidence", () => {
  const top = "evidence: { done: [tests] }";
  const table =
    "  work: { next: [verify, done], retries: 0 }\n  verify: { next: done, retries: 0, proves: tests }\n";

  it("must be for the final tree", async () => {
    const repo = prepare({
      top,
      states: table,
      scripts: {
        work: 'echo x >src/a.ts; printf "state=verify\\n" >>"$TRAILHAND_OUTPUT"',
        verify: 'printf "evidence=tests\\n" >>"$TRAILHAND_OUTPUT"',
      },
    });
    ask(repo, "feat: proven\n\nState: work\n");
    await run(repo);
    expect(states(repo)).toEqual(["work", "verify", "done"]);
    expect(trailer(repo, "Evidence")).toBe(`tests ${repo.git("rev-parse", "topic^{tree}")}`);
  });

  it("does not count for claims, commits or changes of a worker after the proof", async () => {
    const forged =
      'git commit -q --allow-empty -m "x\n\nState: done\nAnswers: $TRAILHAND_COMMIT\nEvidence: tests $(git rev-parse HEAD^{tree})"';
    for (const work of ['echo "evidence=tests" >>"$TRAILHAND_OUTPUT"', forged, ":"]) {
      const repo = prepare({
        top,
        states: table,
        scripts: { work: `${work}\necho state=done >>"$TRAILHAND_OUTPUT"`, verify: ":" },
      });
      ask(repo, "feat: said\n\nState: work\n");
      await run(repo);
      expect(states(repo).at(-1)).toBe("failed");
      expect(head(repo)).toMatch(/evidence/);
    }
  });
});

describe("`by` of a state", () => {
  const top = "people: { leads: [ann@example.com] }";
  const table =
    "  work: { next: gate }\n  gate: { human: true, next: land }\n  land: { next: done, by: leads }\n";
  const scripts = { work: ":", land: ":" };
  const by = (repo: Repo, name: string, message: string) => {
    repo.git("switch", "-q", "topic");
    const author = `--author=${name} <${name}@example.com>`;
    repo.git("commit", "-q", "--allow-empty", author, "-m", message);
    repo.git("switch", "-q", "main");
  };

  it("applies to people, not to responses", async () => {
    const repo = prepare({
      top,
      states: table.replace("next: gate", "next: [land, gate]"),
      scripts: { ...scripts, work: "echo state=land >>$TRAILHAND_OUTPUT" },
    });
    ask(repo, "feat: answer\n\nState: work\n");
    await run(repo);
    expect(states(repo)).toEqual(["work", "land", "done"]);
  });

  it("parks a request of a person who is not listed, and runs that of one who is", async () => {
    const repo = prepare({ top, states: table, scripts });
    ask(repo, "feat: asked\n\nState: work\n");
    await run(repo);
    by(repo, "eve", "chore: land it\n\nState: land\n");
    await run(repo);
    expect(states(repo).at(-1)).toBe("parked");
    expect(head(repo)).toContain("only leads may request it, and eve@example.com did");
    by(repo, "ann", "chore: land it\n\nState: land\n");
    await run(repo);
    expect(states(repo).at(-1)).toBe("done");
  });

  it("rejects responses of agents that are not listed", async () => {
    const agents = "agents: { good: { run: 'true' }, other: { run: 'true' } }";
    const repo = prepare({
      top: `${top}\n${agents}`,
      states: "  think: { next: land, agent: good }\n  land: { next: done, by: [leads, good] }\n",
      scripts: { land: ":" },
    });
    repo.write("states/think.md", "Think.\n");
    repo.commit("chore: a prompt");
    ask(repo, "feat: good\n\nState: think\n");
    await run(repo);
    expect(states(repo)).toEqual(["think", "land", "done"]);
    ask(repo, "feat: other\n\nState: think\nAssigned-To: other\n", "second");
    await run(repo);
    expect(head(repo, "second")).toContain("only these agents may lead there: good; the answer is by other");
  });

  it("rejects them below an approval too", async () => {
    const wait = "wait: approvals 1 by leads, deadline: 1d, otherwise: failed";
    const repo = prepare({
      top: `${top}\nagents: { good: { run: 'true' }, other: { run: 'true' } }`,
      states: `  think: { next: land }\n  land: { next: done, by: good, ${wait} }\n`,
      scripts: { land: ":" },
    });
    repo.write("states/think.md", "Think.\n");
    repo.commit("chore: a prompt");
    ask(repo, "feat: other\n\nState: think\nAssigned-To: other\n");
    await run(repo);
    expect(states(repo)).toEqual(["think", "land"]);
    by(repo, "ann", `chore: approved\n\nApproves: ${repo.git("rev-parse", "topic")}\n`);
    await run(repo);
    expect(head(repo)).toContain("only these agents may lead there: good; the answer is by other");
  });

  it("rejects a forged response above a human state", async () => {
    const repo = prepare({ top, states: table, scripts });
    ask(repo, "feat: forged\n\nState: work\n");
    await run(repo);
    by(
      repo,
      "eve",
      `chore: forged\n\nState: land\nBranch: topic\nAnswers: ${repo.git("rev-parse", "topic")}\nRun: x\n`,
    );
    await run(repo);
    expect(states(repo).at(-1)).toBe("parked");
    by(repo, "eve", "chore: forged child\n\nState: land\nBranch: topic\nParent: main\n");
    await run(repo);
    expect(states(repo).at(-1)).toBe("parked");
  });
});

describe("limits", () => {
  it("of rounds count all requests since a person's, across attempts and restarts", async () => {
    const repo = prepare({
      states:
        "  work: { next: [check] }\n  check: { next: [work, done], max: 3, on-max: human }\n  human: { human: true, next: [work, done] }\n",
      scripts: { work: "date +%N >>src/a.ts", check: 'echo state=work >>"$TRAILHAND_OUTPUT"' },
    });
    ask(repo, "feat: rounds\n\nState: work\n");
    for (let at = 0; at < 12; at++) await run(repo, { once: true });
    expect(states(repo)).toEqual(["work", "check", "work", "check", "work", "check", "work", "human"]);
    expect(head(repo)).toContain("check was requested 3 times, and the limit is 3");
  });

  it("of money include failed attempts, park with the amount spent, and can be raised by a person", async () => {
    const repo = prepare({
      states: "  work: { next: [work, done], retries: 1, backoff: 1ms }\n",
      scripts: {
        work: `echo x >>src/a.ts
printf 'state=work\\ncost=0.4\\ntokens=100\\n' >>"$TRAILHAND_OUTPUT"
[ "$TRAILHAND_ATTEMPT" = 2 ] || exit 1`,
      },
    });
    ask(repo, "feat: money\n\nState: work\nBudget: 1 USD\n");
    await run(repo);
    expect(states(repo)).toEqual(["work", "work", "parked"]);
    expect(trailer(repo, "Spent")).toMatch(/^1\.2 USD, 300 tokens, /);
    expect(head(repo)).toContain(
      '1.2 USD of 1 are spent; to continue: trailhand resume topic --trailer "Budget: 2 USD"',
    );
    ask(repo, "feat: more money\n\nState: work\nBudget: 2 USD\n");
    await run(repo);
    expect(states(repo).filter((one) => one === "work")).toHaveLength(4);
    expect(states(repo).at(-1)).toBe("parked");
  });

  it("detect work that repeats without a change", async () => {
    const repo = prepare({
      states: "  work: { next: [work, done] }\n",
      scripts: { work: "echo state=work >>$TRAILHAND_OUTPUT" },
    });
    repo.write(
      "states/workflow.yml",
      "limits: { hops: 40, same: 4 }\nstates:\n  work: { next: [work, done] }\n",
    );
    repo.commit("chore: same");
    ask(repo, "feat: round\n\nState: work\n");
    await run(repo);
    expect(states(repo)).toEqual(["work", "work", "work", "parked"]);
    expect(head(repo)).toContain("no progress: work was requested 3 times with identical files");
  });
});
