/** The pack `control-spectrum` end to end: how a change gets its tier, and what each tier allows. */
import { beforeEach, describe, expect, it } from "vitest";
import { cli, introduce } from "../../support/run-cli.ts";
import type { Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import {
  ask,
  changedOn,
  headOf,
  packRepo,
  statesOn,
  useAgent,
  usePrograms,
} from "../../support/pack-fixture.ts";

let repo: Repo;
let start: string;
beforeEach(() => {
  repo = introduce(
    packRepo("control-spectrum", { Makefile: "test:\n", "src/a.js": "a\n", "src/auth/k.js": "k\n" }),
  );
  start = repo.git("rev-parse", "main");
  usePrograms({ make: "touch left; ! grep -r broken src" });
});

async function work(agent: string): Promise<void> {
  useAgent(agent);
  ask(repo, "a", "feat: a thing\n\nPlease.\n\nRefs: #7\nState: work\n");
  await run(repo);
}
const landed = () => repo.git("log", "--format=%s", `${start}..main`);

describe("control-spectrum", () => {
  it("rates each change by its paths, size and cost", async () => {
    const changes = {
      page: ["mkdir -p docs; seq 15 >docs/a.md", "auto", 0],
      code: ["echo b >src/b.js", "auto", 2],
      larger: ["seq 90 >src/b.js", "draft", 3],
      "large-page": ["seq 300 >guide.md", "draft", 3],
      dear: ['echo b >src/c.js; echo cost=0.8 >"$TRAILHAND_OUTPUT"', "draft", 3],
      "which-tests": ["echo x >package.json", "draft", 5],
      much: ["seq 500 >guide.md", "suggest", 6],
      among: ["mkdir -p src/auth; echo x >src/auth/x.js; echo b >b.md", "suggest", 9],
      odd: [`mkdir auth; echo x >"auth/it's*[x"`, "suggest", 9],
      gone: ["git mv src/auth/k.js k.md", "suggest", 9],
    } as const;
    const cases = Object.entries(changes).map(([name, [agent]]) => `${name}) ${agent} ;;`);
    useAgent(`case $TRAILHAND_BRANCH in\n${cases.join("\n")}\nesac`);
    for (const name of Object.keys(changes)) ask(repo, name, `feat: ${name}\n\nState: work\n`);
    await run(repo);
    for (const [name, [, tier, points]] of Object.entries(changes)) {
      const assessed = repo.git("log", "-1", "--format=%B", "--grep=^assess: ", name);
      expect(assessed, name).toContain(`assess: ${tier}, with ${points} points`);
      expect(assessed, name).toMatch(new RegExp(`^Risk: ${tier}$`, "m"));
      expect(statesOn(repo, name)[2], name).toBe(tier);
    }
  });

  it("tests a low-risk change and merges it", async () => {
    await work("echo b >src/b.js");
    expect(statesOn(repo, "a")).toEqual(["work", "assess", "auto", "done"]);
    expect(landed()).toBe("feat: a thing");
    expect(repo.git("log", "-1", "--format=%B", "main")).toMatch(
      /Refs: #7\nLanded-From: a\nArchive: [0-9a-f]{40}$/,
    );
    expect(repo.git("diff", "--name-only", start, "main")).toBe("src/b.js");
  });

  it("does not merge a change that conflicts or fails on top of the trusted branch", async () => {
    await work(
      'if grep -q "The end of their log" "$prompt"; then echo good >src/b.js; else echo broken >src/b.js; fi',
    );
    expect(statesOn(repo, "a")).toEqual(["work", "assess", "auto", "work", "assess", "auto", "done"]);
    useAgent("echo c >src/a.js");
    ask(repo, "b", "feat: b\n\nState: work\n");
    repo.write("src/a.js", "d\n");
    repo.commit("meanwhile");
    await run(repo);
    expect(statesOn(repo, "b").at(-1)).toBe("draft");
    expect(headOf(repo, "b")).toContain("\n\nsrc/a.js\n\n");
    expect(repo.git("show", "main:src/a.js")).toBe("d");
  });

  it("keeps a suggestion off its branch, and merges a draft only when a person requests it", async () => {
    await work("mkdir -p src/auth; echo x >src/auth/x.js");
    expect(changedOn(repo, "a")).toEqual([]);
    const proposal = /--source=([0-9a-f]{40}) /.exec(headOf(repo, "a"))?.[1] ?? "";
    expect(repo.git("show", `${proposal}:src/auth/x.js`)).toBe("x");
    expect(cli(repo, "status", "--needs-me").out).toMatch(/^a\b/m);
    expect(landed()).toBe("");
    repo.git("switch", "-q", "a");
    repo.git("restore", "--staged", "--worktree", `--source=${proposal}`, "--", ".");
    repo.commit("feat: taken\n\nState: draft\nBranch: a\n");
    repo.git("switch", "-q", "main");
    await run(repo);
    expect(landed()).toBe("");
    expect(cli(repo, "request", "auto", "--branch", "a").code).toBe(0);
    await run(repo);
    expect(repo.git("show", "main:src/auth/x.js")).toBe("x");
  });

  it("parks at the cost limit with its work, and continues with the command in the response", async () => {
    await work('echo b >src/b.js; echo cost=3.5 >"$TRAILHAND_OUTPUT"');
    expect(statesOn(repo, "a")).toEqual(["work", "assess", "parked"]);
    expect(changedOn(repo, "a")).toEqual(["src/b.js"]);
    const [, command = ""] =
      /to continue: trailhand (resume a --trailer "Budget: 6 USD")/.exec(headOf(repo, "a")) ?? [];
    expect(command).not.toBe("");
    expect(cli(repo, "resume", "a", "--trailer", "Budget: 6 USD").code).toBe(0);
    await run(repo);
    expect(statesOn(repo, "a").at(-1)).toBe("draft");
  });
});
