import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { cli, cliIn, cliStart, introduce, listen } from "../../support/run-cli.ts";
import { makeRepo, temporaryDir, type Repo } from "../../support/temp-repo.ts";
import { until } from "../../support/until.ts";

interface Replay {
  readonly request: string;
  readonly recorded: string;
  readonly state: { readonly was: string; readonly now: string };
  readonly sameState: boolean;
  readonly why?: string;
  readonly measured: Readonly<Record<string, { readonly was: string; readonly now: string }>>;
  readonly message: { readonly diff: string };
  readonly files: readonly object[];
}

const BUILD = `#!/bin/sh
set -e
. "$TRAILHAND_STATES/states/lib/own.sh"
echo "$TRAILHAND_SUBJECT" >"two words
x.txt"
git add -A && git commit -qm "script's own"
{ echo "summary=$(say_it)"; echo state=check; echo cost=0.5; } >>"$TRAILHAND_OUTPUT"
`;
const STATES = {
  "states/build": BUILD,
  "states/check": '#!/bin/sh\ntest -e /nowhere || exit 1\necho state=done >>"$TRAILHAND_OUTPUT"\n',
  "states/lib/own.sh": "say_it() { echo built; }\n",
  "states/workflow.yml":
    "states:\n  build: { next: [check, look] }\n  check: { next: done, retries: 0 }\n  look: { human: true, next: done }\n",
};

function story(branch = "feat/x"): Repo {
  const repo = introduce(makeRepo(STATES));
  expect(cli(repo, "request", "build", "--new", branch, "-m", "feat: a line").code).toBe(0);
  cli(repo, "run");
  return repo;
}

/** Refs, files, worktrees and HEAD: all that a replay could change. */
const everything = (repo: Repo): string =>
  [
    repo.git("for-each-ref"),
    repo.git("status", "--porcelain"),
    repo.git("worktree", "list", "--porcelain"),
    repo.git("rev-parse", "HEAD"),
  ].join("\n");

const read = (text: string): Replay => JSON.parse(text) as Replay;

test("the same script gives the same answer, and nothing is written", () => {
  const repo = story();
  const before = everything(repo);
  const answer = repo.git("rev-parse", "feat/x~1");
  const request = repo.git("rev-parse", "feat/x~3");
  for (const name of [answer, request]) {
    const said = cli(repo, "replay", name, "--json");
    expect(said).toMatchObject({ code: 0, err: "" });
    expect(read(said.out)).toMatchObject({
      request,
      recorded: answer,
      state: { was: "check", now: "check" },
      sameState: true,
      message: { diff: "" },
      files: [],
    });
  }
  const text = cli(repo, "replay", answer);
  expect(text.out).toContain("check, the same");
  expect(text.err).toContain("the same answer");
  expect(everything(repo)).toBe(before);
});

test("a recorded failure is replayed as the same failure", () => {
  const repo = story();
  const said = cli(repo, "replay", "feat/x", "--json");
  expect(read(said.out)).toMatchObject({ state: { was: "failed", now: "failed" }, why: "exit 1" });
  expect(said.code).toBe(0);
});

test("--script compares state, message and files, and the script can use the trusted library", () => {
  const repo = story("feat/it's");
  const before = everything(repo);
  const file = `my "new"\nscript`;
  const dir = temporaryDir();
  writeFileSync(
    `${dir}/${file}`,
    BUILD.replace("state=check", "state=look").replace('echo "$TR', 'echo more "$TR').replace("0.5", "0.1"),
  );
  const said = cli(repo, "replay", "feat/it's~1", "--script", `${dir}/${file}`, "--json");
  expect(said.code).toBe(1);
  const replay = read(said.out);
  expect(replay).toMatchObject({
    state: { was: "check", now: "look" },
    sameState: false,
    measured: { cost: { was: "0.5 USD", now: "0.1 USD" } },
    files: [{ path: "two words\nx.txt", added: 1, removed: 1 }],
  });
  expect(replay.message.diff).toContain("-State: check\n+State: look");
  expect(replay.message.diff).not.toContain("Run:");

  const text = cli(repo, "replay", "feat/it's~1", "--script", `${dir}/${file}`).out;
  expect(text).toContain("check → look");
  expect(text).toContain('"two words\\nx.txt"');
  expect(everything(repo)).toBe(before);
});

test("the same state with different files is a different answer", () => {
  const repo = story();
  repo.write("changed", BUILD.replace("set -e", "set -e; touch more"));
  const said = cli(repo, "replay", "feat/x~1", "--script", "changed", "--json");
  expect(said.code).toBe(1);
  expect(read(said.out)).toMatchObject({ sameState: true, files: [{ path: "more" }] });
});

test("--workflow decides which transitions are legal", () => {
  const repo = story();
  repo.write(
    "states/workflow.yml",
    `start: [build, check]\n${STATES["states/workflow.yml"].replace("[check, look]", "look")}`,
  );
  const said = cli(repo, "replay", "feat/x~1", "--workflow", "states/workflow.yml", "--json");
  expect(said.code).toBe(1);
  expect(read(said.out).state).toEqual({ was: "check", now: "failed" });
  expect(read(said.out).why).toContain('"check" may not follow (legal: look)');
  repo.write("broken.yml", "states: {build: {nxt: check}}\n");
  expect(cli(repo, "replay", "feat/x~1", "--workflow", "broken.yml").err).toContain('did you mean "next"?');
});

test("--script accepts a prompt", () => {
  const repo = story();
  repo.write("p.md", "Build it.\n");
  const agent = `grep -q 'feat: a line' && echo state=look >>"$TRAILHAND_OUTPUT"`;
  const env = { XDG_CACHE_HOME: repo.cache, TRAILHAND_AGENT: agent };
  const said = cliIn(repo.dir, env, "replay", "feat/x~1", "--script", "p.md", "--json");
  expect(read(said.out).state).toEqual({ was: "check", now: "look" });
});

test("a request without a Branch trailer is replayed on the branch of its answer", () => {
  const repo = introduce(makeRepo(STATES));
  repo.git("switch", "-qc", "feat/z");
  repo.request("feat: by hand\n\nState: build\n");
  cli(repo, "run");
  const said = cli(repo, "replay", "feat/z~3", "--json");
  expect(read(said.out).message.diff).toBe("");
  expect(said.code).toBe(0);
});

test("replay reports commits and scripts that it cannot replay", () => {
  const repo = story();
  expect(cli(repo, "replay", "main").err).toContain("There is no request at");
  expect(cli(repo, "replay", "nowhere").err).toContain("There is no commit");
  expect(cli(repo, "replay", "feat/x~1", "--script", "none").err).toContain("cannot be read");
  cli(repo, "request", "build", "--new", "feat/y");
  expect(cli(repo, "replay", "feat/y")).toMatchObject({ code: 3 });
  expect(cli(repo, "replay", "feat/y").err).toContain("has an answer");
});

test("a stopped replay leaves nothing behind, and the next run cleans up after a killed one", async () => {
  const repo = story();
  const before = everything(repo);
  const dir = temporaryDir();
  const script = `#!/bin/sh\ntouch half\necho here >"${dir}/started"\nsleep 600\n`;
  writeFileSync(`${dir}/slow`, script);
  const start = async () => {
    writeFileSync(`${dir}/started`, "");
    const { child, exited } = listen(cliStart(repo, {}, "replay", "feat/x~1", "--script", `${dir}/slow`));
    await until("the script", () => readFileSync(`${dir}/started`, "utf8") !== "");
    return { child, exited };
  };
  const stopped = await start();
  stopped.child.kill("SIGTERM");
  expect(await stopped.exited).toBe(143);
  expect(everything(repo)).toBe(before);

  const killed = await start();
  killed.child.kill("SIGKILL");
  await killed.exited;
  cli(repo, "run");
  expect(everything(repo)).toBe(before);
});
