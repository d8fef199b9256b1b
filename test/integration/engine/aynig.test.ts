/** AYNIG repositories run unchanged: keys, folders, roles, variables and responses. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RunnerEvent } from "../../../src/engine/ports.ts";
import { Runner } from "../../../src/engine/runner.ts";
import { openWorkspace } from "../../../src/app/open-workspace.ts";
import { createRunner } from "../../../src/app/create-runner.ts";
import { leftovers } from "../../support/crash-runner.ts";
import { quick, quickBetweenRuns } from "../../support/quick-clock.ts";
import { makeRepo, temporaryDir, type Repo } from "../../support/temp-repo.ts";
import { environmentOf, plainOptions, run } from "../../support/run-runner.ts";

const outside = () => {
  const dir = join(temporaryDir(), "outside");
  mkdirSync(dir);
  return dir;
};

const script = (text: string) => `#!/bin/sh\n${text}\n`;

function makeCase(files: Readonly<Record<string, string>>, message: string): Repo {
  const repo = makeRepo(files);
  repo.git("checkout", "-q", "-b", "topic");
  repo.request(message);
  repo.git("checkout", "-q", "main");
  return repo;
}

const values = (repo: Repo, key: string, count = 1) =>
  repo.git("log", `-${count}`, `--format=%(trailers:key=${key},valueonly,separator=%x2C)`, "topic");

const DONE = `echo 'SET_STATE {"state":"done"}'`;

describe("an AYNIG repository", () => {
  it("answers through SET_STATE with subject, body and trailers, with the key of the request", async () => {
    const last = JSON.stringify({
      state: "review",
      subject: "feat: built",
      body: "All of it.",
      trailers: [{ key: "dwp-note", value: "two files" }],
    });
    const repo = makeCase(
      {
        ".dwp/command/build": script(
          `echo 'SET_STATE {"state":"early"}'; echo noise; echo 'SET_STATE ${last}'; echo x > built.txt`,
        ),
        ".dwp/command/review": script(DONE),
      },
      "build it\n\nPlease.\n\ndwp-state: build\n",
    );
    await run(repo);
    expect(values(repo, "dwp-state", 3).split("\n")).toEqual(["done", "review", "build"]);
    expect(values(repo, "State", 3).trim()).toBe("");
    expect(repo.git("log", "-1", "--format=%s|%b", "topic~1")).toMatch(/^feat: built\|All of it\./);
    expect(repo.git("log", "-1", "--format=%(trailers:key=dwp-note,valueonly)", "topic~1").trim()).toBe(
      "two files",
    );
    expect(repo.git("show", "topic:built.txt")).toBe("x");
    expect(leftovers(repo)).toEqual([]);
  });

  it.each([
    ["aynig", ".aynig/build"],
    ["aynig-state", ".aynig/command/build"],
    ["dwp-state", ".dwp/command/build.sh"],
  ])("is asked with %s and served from %s", async (key, file) => {
    const repo = makeCase({ [file]: script(DONE) }, `build it\n\n${key}: build\n`);
    await run(repo);
    expect(values(repo, key)).toBe("done");
  });

  it("uses the last of several states", async () => {
    const repo = makeCase(
      { ".dwp/command/build": script(DONE) },
      "build it\n\ndwp-state: other\ndwp-state: build\n",
    );
    await run(repo);
    expect(values(repo, "dwp-state")).toBe("done");
  });

  it("passes commands their variables, and trailers only with the prefix", async () => {
    const out = outside();
    const repo = makeCase(
      { ".dwp/command/build": script(`env > ${out}/env; ${DONE}`) },
      "build it\n\nThe body.\n\ndwp-state: build\nPATH: /evil\nTicket-Id: 7\n",
    );
    await run(repo);
    const env = readFileSync(join(out, "env"), "utf8").split("\n");
    const commit = repo.git("rev-parse", "topic~1");
    for (const line of [
      "BODY=The body.",
      "AYNIG_BODY=The body.",
      `COMMIT_HASH=${commit}`,
      `AYNIG_COMMIT_HASH=${commit}`,
      "LOG_LEVEL=info",
      "AYNIG_LOG_LEVEL=info",
      "AYNIG_TRAILER_TICKET_ID=7",
      "AYNIG_TRAILER_DWP_STATE=build",
      "AYNIG_TRAILER_PATH=/evil",
    ]) {
      expect(env).toContain(line);
    }
    expect(env).not.toContain("PATH=/evil");
    expect(env.find((line) => line.startsWith("WORKTREE_PATH="))).toContain(repo.cache);
    expect(env.find((line) => line.startsWith("COMMANDS_PATH="))).toMatch(/\.dwp\/command$/);
  });

  it("accepts a next state that the command commits itself", async () => {
    const repo = makeCase(
      {
        ".dwp/command/build": script(
          'echo x > f; git add f; git commit -q -m "feat: built by hand\n\nWith a body.\n\ndwp-state: review"',
        ),
        ".dwp/command/review": script(DONE),
      },
      "build it\n\ndwp-state: build\n",
    );
    await run(repo);
    expect(values(repo, "dwp-state", 4).split("\n")).toEqual(["done", "review", "review", "build"]);
    expect(values(repo, "Answers", 4).split("\n").filter(Boolean)).toHaveLength(2);
  });

  it("fails a command that declares no state", async () => {
    const repo = makeCase({ ".dwp/command/build": script("exit 0") }, "build it\n\ndwp-state: build\n");
    await run(repo, {}, quickBetweenRuns);
    expect(values(repo, "dwp-state")).toBe("failed");
    expect(repo.git("log", "-1", "--format=%b", "topic")).toContain("named no next state");
  });

  it("runs the command of the requested role", async () => {
    const repo = makeCase(
      {
        ".dwp/command/build": script(`echo default > who; ${DONE}`),
        ".dwp/roles/expert/command/build": script(`echo "$AYNIG_ROLE" > who; ${DONE}`),
      },
      "build it\n\ndwp-state: build\ndwp-role: expert\n",
    );
    await run(repo);
    expect(repo.git("show", "topic:who")).toBe("expert");
  });

  it("prefers states/ if it has the state", async () => {
    const repo = makeCase(
      {
        ".dwp/command/build": script(DONE),
        "states/build": script('echo own > who; echo state=done >> "$TRAILHAND_OUTPUT"'),
      },
      "build it\n\ndwp-state: build\n",
    );
    await run(repo);
    expect(repo.git("show", "topic:who")).toBe("own");
  });
});

describe("another worker's lease in an AYNIG repository", () => {
  it("is respected until it expires, then answered as stalled", async () => {
    const repo = makeCase(
      { ".dwp/command/build": script(DONE) },
      "working\n\ndwp-state: working\ndwp-lease-seconds: 20\n",
    );
    const { summary } = await run(repo);
    expect(summary.idle.map(({ why }) => why.code)).toContain("foreign");
    const env = environmentOf(repo);
    const events: RunnerEvent[] = [];
    const site = await openWorkspace(repo.dir, env);
    const { ports, dispose } = createRunner(site, env, (event) => {
      events.push(event);
      runner.shutdown();
    });
    const clock = quick(ports.clock, () => true);
    const heads: [number, string][] = [];
    const began = clock.mono();
    const contract: typeof ports.trustedConfig = (...args) => {
      heads.push([clock.mono() - began, repo.git("rev-parse", "topic")]);
      return ports.trustedConfig(...args);
    };
    const tell = (event: RunnerEvent): void => {
      if (event.kind === "answered") ports.report(event);
    };
    const runner = new Runner(
      { ...ports, clock, trustedConfig: contract, report: tell },
      { ...plainOptions, watch: true },
    );
    await runner.run();
    await dispose();
    expect(values(repo, "dwp-state")).toBe("stalled");
    const answer = events.find((event) => event.kind === "answered");
    expect(answer).toMatchObject({ next: "stalled" });
    expect(heads.filter(([at]) => at < 19_000).length).toBeGreaterThan(10);
    expect(new Set(heads.flatMap(([at, head]) => (at < 19_000 ? [head] : [])))).toEqual(
      new Set([repo.git("rev-parse", "topic~1")]),
    );
    expect(leftovers(repo)).toEqual([]);
  });
});
