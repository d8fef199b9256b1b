/** Prompts: how a state finds its prompt or script, and how agents answer it. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseSha } from "../../../src/core/protocol/ids.ts";
import { readOutput } from "../../../src/core/outcome/output.ts";
import type { Agent } from "../../../src/core/outcome/prompt.ts";
import { readTrustedConfig, type ReadTrustedConfig } from "../../../src/git/read-trusted-config.ts";
import { gitIn } from "../../../src/git/open-repository.ts";
import type { ScriptCall, ScriptEnd } from "../../../src/engine/ports.ts";
import { callOf, id, runCall, scriptOf } from "../../support/script-call.ts";
import { makeRepo, temporaryDir, type Repo } from "../../support/temp-repo.ts";
import { answerOf, runStage, type Stage } from "../../support/run-hostile-script.ts";

async function contractOf(repo: Repo): Promise<ReadTrustedConfig> {
  const commit = parseSha(repo.git("rev-parse", "main"));
  if (!commit) throw new Error("there is no main");
  return readTrustedConfig(gitIn(repo.dir, process.env), commit, join(temporaryDir(), "copies"));
}

const SCRIPT = "#!/bin/sh\nexit 0\n";
const workflow = (states: string, more = "") => `${more}states:\n${states}`;

describe("a state of the trusted commit", () => {
  it("runs its script if there is one, otherwise its prompt", async () => {
    const repo = makeRepo({
      "states/workflow.yml": workflow("  plan: { next: both }\n  both: {}\n"),
      "states/plan.md": "Plan it.\n",
      "states/both": SCRIPT,
      "states/both.md": "Do both.\n",
      "states/notes.md": "---\ntitle: no state\n---\n",
      "states/README.md": "Read me.\n",
    });
    const contract = await contractOf(repo);
    expect(contract.problems).toEqual([]);
    const plan = await contract.script("plan", undefined);
    expect(plan).toMatchObject({ path: "states/plan.md", isPrompt: true, isAynig: false });
    expect(plan?.blob).toBe(repo.git("rev-parse", "main:states/plan.md"));
    const copies = temporaryDir();
    plan?.copyTo(copies);
    expect(readFileSync(join(copies, plan?.path ?? ""), "utf8")).toBe("Plan it.\n");
    expect(await contract.script("both", undefined)).toMatchObject({ path: "states/both", isPrompt: false });
    expect(await contract.prompt("both")).toMatchObject({ path: "states/both.md", isPrompt: true });
    expect(await contract.prompt("plan")).toMatchObject({ path: "states/plan.md" });
    for (const name of ["notes", "README", "readme"]) {
      expect(await contract.script(name, undefined), name).toBeUndefined();
      expect(await contract.prompt(name), name).toBeUndefined();
    }
    expect([...contract.scripts.keys()].toSorted()).toEqual(["both", "plan"]);
  });

  it("prefers the script or prompt of the role to the general one", async () => {
    const contract = await contractOf(
      makeRepo({
        "states/workflow.yml": workflow("  plan: { next: look }\n  look: {}\n"),
        "states/plan": SCRIPT,
        "states/roles/poet/plan.md": "In verse.\n",
        "states/look.md": "Look.\n",
        "states/roles/poet/look": SCRIPT,
      }),
    );
    expect(await contract.script("plan", "poet")).toMatchObject({ path: "states/roles/poet/plan.md" });
    expect(await contract.script("plan", "cook")).toMatchObject({ path: "states/plan" });
    expect(await contract.script("look", "poet")).toMatchObject({ path: "states/roles/poet/look" });
    expect(await contract.script("look", undefined)).toMatchObject({ path: "states/look.md" });
  });

  it("must be an executable script if there is no workflow", async () => {
    const repo = makeRepo({ "states/work": SCRIPT, "states/notes.md": "---\nodd: 1\n---\n" });
    repo.write("states/loud.md", "Executable by mistake.\n", 0o755);
    repo.commit("a page of notes that may be executed");
    const contract = await contractOf(repo);
    expect(contract.problems).toEqual([]);
    expect(Object.keys(contract.workflow.states)).toEqual(["work"]);
    for (const name of ["notes", "loud"]) {
      expect(await contract.script(name, undefined)).toBeUndefined();
      expect(await contract.prompt(name)).toBeUndefined();
    }
  });

  it("needs no script if it is a wait with one next state, and rejects a script that is not executable", async () => {
    const waits = 'wait: "children all", deadline: 1h, otherwise: failed';
    const files = (state: string) => ({ "states/workflow.yml": workflow(`  join: { ${state} }\n`) });
    const problems = async (more: Record<string, string>) => {
      const contract = await contractOf(makeRepo(more));
      return contract.problems.map(({ message }) => message);
    };
    expect(await problems(files(`next: done, ${waits}`))).toEqual([]);
    expect(await problems(files(`next: [done, failed], ${waits}`))).toEqual([
      expect.stringContaining("has no script") as string,
    ]);
    expect(await problems({ ...files(`next: done, ${waits}`), "states/join": "exit 0\n" })).toEqual([
      expect.stringContaining("is not executable") as string,
    ]);
  });

  it("accepts only the key agent, with a listed agent, in the front matter of its prompt", async () => {
    const read = async (front: string) => {
      const contract = await contractOf(
        makeRepo({
          "states/workflow.yml": workflow("  plan: {}\n", "agents: { quick: { run: quick } }\n"),
          "states/plan.md": `---\n${front}---\nPlan it.\n`,
        }),
      );
      const script = await contract.script("plan", undefined);
      return { agent: script?.agent, problems: contract.problems };
    };
    const path = "states/plan.md";
    expect(await read("agent: quick\n")).toEqual({ agent: "quick", problems: [] });
    expect(await read("")).toEqual({ agent: undefined, problems: [] });
    expect(await read("agnet: quick\n")).toMatchObject({
      problems: [{ path, message: 'unknown key "agnet" in its front matter; did you mean "agent"?' }],
    });
    expect(await read("agent: quik\n")).toMatchObject({
      problems: [{ path, message: 'names the agent "quik", which is not listed; did you mean "quick"?' }],
    });
    expect((await read("agent: [\n")).problems).toMatchObject([{ path }]);
    expect((await read("agent: 5\n")).problems).toMatchObject([{ path }]);
  });

  it("comes with the set-up hook if it is executable, and with the other files of states/", async () => {
    const repo = makeRepo({
      "states/workflow.yml": workflow("  work: {}\n"),
      "states/work": SCRIPT,
      "states/hooks/setup": SCRIPT,
      "states/allowed_signers": "ann@example.com ssh-ed25519 AAAA\n",
    });
    const contract = await contractOf(repo);
    expect(await contract.setup()).toMatchObject({ path: "states/hooks/setup", isPrompt: false });
    const signers = await contract.file("allowed_signers");
    expect(readFileSync(signers ?? "", "utf8")).toContain("ssh-ed25519");
    expect(signers?.startsWith(repo.dir)).toBe(false);
    expect(await contract.file("nothing")).toBeUndefined();
    expect(await contract.file("../kept.txt")).toBeUndefined();
    repo.write("states/hooks/setup", SCRIPT, 0o644);
    repo.commit("remove the executable bit");
    expect(await (await contractOf(repo)).setup()).toBeUndefined();
  });
});

/** Creates the agent program `agent` on its own PATH. `$OUT` in its text is a folder outside the worktree. */
function agentOf(text: string): { env: Record<string, string>; agent: Agent; outside: string } {
  const outside = temporaryDir();
  const bin = temporaryDir();
  writeFileSync(join(bin, "agent"), `#!/bin/sh\n${text.replaceAll("$OUT", outside)}\n`);
  chmodSync(join(bin, "agent"), 0o755);
  const agent = { name: "quick", run: ["agent", "--print", "two words"], env: [], files: [] };
  return { env: { PATH: `${bin}:${process.env["PATH"]}` }, agent, outside };
}

const PROMPT_ALONE = { "states/work.md": "Write a poem.\n" };
const PROMPT = { "states/work.md": "---\nagent: quick\n---\nWrite a poem.\n" };

interface Answered {
  readonly end: ScriptEnd;
  readonly call: ScriptCall;
  readonly outside: string;
}

async function answer(
  text: string,
  more: Partial<ScriptCall> = {},
  env: Record<string, string> = {},
): Promise<Answered> {
  const { agent, outside, env: path } = agentOf(text);
  const call = callOf(scriptOf(PROMPT), { agent, ...more });
  return { end: await runCall(call, { ...path, ...env }), call, outside };
}

const outputOf = ({ end }: Answered) => {
  const reading = readOutput(end.outputFile);
  if ("problem" in reading) throw new Error(reading.problem);
  return reading.output;
};

const WELL = { kind: "exited", code: 0 };

describe("an agent", () => {
  it("runs in the worktree with its arguments, and reads the prompt from standard input", async () => {
    const answered = await answer('cat >$OUT/prompt; pwd >$OUT/pwd; printf "%s|" "$@" >$OUT/args');
    const { end, call, outside } = answered;
    expect(end.exit).toEqual(WELL);
    const read = (name: string) => readFileSync(join(outside, name), "utf8");
    expect(read("prompt")).toMatch(/^Write a poem\.\n/);
    expect(read("prompt")).toContain("    feat: a thing\n    \n    Please.\n");
    expect(read("pwd").trim()).toBe(call.tree.path);
    expect(read("args")).toBe("--print|two words|");
    expect(outputOf(answered).summary).toBeUndefined();
  });

  it("answers through the output file, not through its standard output", async () => {
    const answered = await answer(
      `cat >/dev/null; echo chatter; cat >>"$TRAILHAND_OUTPUT" <<'ANSWER'
state=review
summary<<END
A poem of four lines.
END
ANSWER`,
    );
    expect(outputOf(answered)).toMatchObject({ state: "review", summary: "A poem of four lines." });
  });

  it.each([
    ["nothing", ""],
    ["a state", 'printf state=review >>"$TRAILHAND_OUTPUT"'],
    ["a state as JSON", `echo '{"state":"review"}' >>"$TRAILHAND_OUTPUT"`],
  ])("has its standard output as the summary if it writes %s to the output file", async (_, write) => {
    const answered = await answer(`cat >/dev/null; printf 'Roses\\nEND\\nviolets'; echo no >&2; ${write}`);
    expect(outputOf(answered).summary).toBe("Roses\nEND\nviolets");
    expect(outputOf(answered).state).toBe(write === "" ? undefined : "review");
  });

  it("has only the end of a long standard output as the summary", async () => {
    const answered = await answer("cat >/dev/null; yes chatter | head -n 3000000; echo the end");
    const { summary = "" } = outputOf(answered);
    expect(summary.length).toBeLessThan(10_000);
    expect(summary).toMatch(/^\[…\]\nchatter\n/);
    expect(summary).toMatch(/\nthe end$/);
  });

  it("may ignore, partly read or fully read a huge prompt", async () => {
    const huge = { "states/work.md": "A line of the prompt.\n".repeat(200_000) };
    const call = (agent: Agent) => callOf(scriptOf(huge), { agent });
    const idle = agentOf("echo done");
    const end = await runCall(call(idle.agent), idle.env);
    expect(end).toMatchObject({ exit: WELL, stdout: "done\n" });
    // Closes its standard input while the runner is still writing the prompt.
    const rude = agentOf("head -c 10 >/dev/null; exec <&-; sleep 0.1; echo done");
    expect(await runCall(call(rude.agent), rude.env)).toMatchObject({ exit: WELL, stdout: "done\n" });
    const keen = agentOf("wc -c");
    const { stdout } = await runCall(call(keen.agent), keen.env);
    expect(Number(stdout)).toBeGreaterThan(4_000_000);
  });

  it("is stopped even if it does not read its prompt", async () => {
    const { agent, env, outside } = agentOf("touch $OUT/begun; sleep 600");
    const call = callOf(scriptOf({ "states/work.md": "x".repeat(1_000_000) }), { agent });
    const begun = async () => {
      while (!existsSync(join(outside, "begun"))) await new Promise((resolve) => setTimeout(resolve, 5));
      return "a person committed";
    };
    expect((await runCall(call, env, begun())).exit).toEqual({ kind: "stopped", why: "a person committed" });
  });

  it("has no summary if it exits with 75 to retry later, or with another error", async () => {
    for (const code of [75, 1]) {
      const answered = await answer(`cat >/dev/null; echo limit reached; exit ${code}`);
      expect(answered.end).toMatchObject({ exit: { kind: "exited", code }, outputFile: "" });
      expect(answered.end.log).toBe("limit reached\n");
    }
  });

  it("keeps its invalid output, so that the failure names the invalid key", async () => {
    const { end } = await answer('cat >/dev/null; echo words; echo stat=review >>"$TRAILHAND_OUTPUT"');
    expect(readOutput(end.outputFile)).toMatchObject({
      problem: expect.stringContaining('"stat"') as string,
    });
  });

  it("is named in the error if its program does not exist", async () => {
    const agent = { name: "quick", run: ["no-such-program", "-p"], env: [], files: [] };
    expect((await answer("", { agent })).end.exit).toEqual({
      kind: "not-started",
      why: `the program "no-such-program" of the agent "quick" could not be started: there is no such program on the runner's PATH`,
    });
  });

  it("may be a program of the trusted commit, but never one of the worktree", async () => {
    const script = scriptOf({ ...PROMPT, "states/agents/mine": "#!/bin/sh\necho trusted\n" });
    const run = (program: string) => {
      const call = callOf(script, { agent: { name: "mine", run: [program], env: [], files: [] } });
      writeFileSync(join(call.tree.path, "mine"), "#!/bin/sh\necho pwned\n");
      chmodSync(join(call.tree.path, "mine"), 0o755);
      return runCall(call);
    };
    expect(await run("states/agents/mine")).toMatchObject({ exit: WELL, stdout: "trusted\n" });
    for (const program of ["./mine", "states/../../mine", "sub/mine"]) {
      const { exit, stdout } = await run(program);
      expect(exit).toMatchObject({ kind: "not-started" });
      expect(exit).toMatchObject({
        why: expect.stringMatching(/the program ".*mine" .* the work's own/) as string,
      });
      expect(stdout).toBe("");
    }
  });

  it("receives only the variables that its state and the agent declare", async () => {
    const { agent, env, outside } = agentOf("env >$OUT/env");
    const call = callOf(scriptOf(PROMPT), { agent: { ...agent, env: ["AGENT_KEY"] }, env: ["STATE_KEY"] });
    const secret = { AGENT_KEY: "hunter2hunter2", STATE_KEY: "swordfish", OTHER_KEY: "other" };
    const { secrets } = await runCall(call, { ...env, ...secret, TRAILHAND_AGENT: "false" });
    const seen = readFileSync(join(outside, "env"), "utf8").split("\n");
    expect(seen).toEqual(
      expect.arrayContaining([
        "AGENT_KEY=hunter2hunter2",
        "STATE_KEY=swordfish",
        "TRAILHAND_AGENT_NAME=quick",
        `TRAILHAND_TARGET_COMMIT=${id("f")}`,
      ]),
    );
    expect(seen.filter((line) => /OTHER_KEY|TRAILHAND_AGENT=/.test(line))).toEqual([]);
    expect(secrets.toSorted()).toEqual(["hunter2hunter2", "swordfish"]);
    const plain = { ...call, script: scriptOf({ "states/work": "#!/bin/sh\nenv\n" }) };
    expect((await runCall(plain, secret)).stdout).not.toContain("hunter2");
  });

  it("defaults to TRAILHAND_AGENT if the workflow names none", async () => {
    const call = callOf(scriptOf(PROMPT));
    const end = await runCall(call, { TRAILHAND_AGENT: "head -n 1; echo $TRAILHAND_AGENT_NAME; pwd" });
    expect(end).toMatchObject({ exit: WELL, stdout: `Write a poem.\ndefault\n${call.tree.path}\n` });
    const request = JSON.parse(readFileSync(join(call.tree.sideDir, "request.json"), "utf8")) as object;
    expect(request).toMatchObject({ agent: "default" });
  });

  it.each<Record<string, string>>([{}, { TRAILHAND_AGENT: " " }])(
    "parks for a person if no agent is configured: %j",
    async (env) => {
      const end = await runCall(callOf(scriptOf(PROMPT)), env);
      expect(end.exit).toEqual(WELL);
      const reading = readOutput(end.outputFile);
      expect(reading).toMatchObject({ output: { state: "parked" } });
      const { summary = "" } = "output" in reading ? reading.output : {};
      for (const words of ["TRAILHAND_AGENT='claude -p' trailhand run", "`agents:`", "trailhand resume"]) {
        expect(summary).toContain(words);
      }
    },
  );
});

describe("a runner", () => {
  /** Creates a repository with a request for the prompt on `topic`. The only next state is `done`. */
  function stage(): Stage {
    const repo = makeRepo({ ...PROMPT_ALONE, "states/workflow.yml": workflow("  work: { retries: 0 }\n") });
    const outside = join(temporaryDir(), "outside");
    mkdirSync(outside);
    repo.git("checkout", "-q", "-b", "topic");
    const request = repo.request("feat: a thing\n\nPlease.\n\nState: work\n");
    repo.git("checkout", "-q", "main");
    return { repo, outside, logs: join(outside, "../logs"), request };
  }

  it("writes a response with the files and the standard output of an agent", async () => {
    const one = stage();
    await runStage(one, { env: { TRAILHAND_AGENT: "cat >poem.txt; echo Four lines, no rhyme." } });
    const { state, answers, message, files } = answerOf(one);
    expect({ state, answers, files }).toEqual({ state: "done", answers: one.request, files: ["poem.txt"] });
    expect(message).toContain("\n\nFour lines, no rhyme.\n\n");
    expect(message).toContain(`Script: ${one.repo.git("rev-parse", "main:states/work.md")}`);
    expect(one.repo.git("show", "topic:poem.txt")).toMatch(/^Write a poem\./);
  });

  it("parks the work if no agent is configured, and explains how to configure one", async () => {
    const one = stage();
    await runStage(one, { env: { TRAILHAND_AGENT: "" } });
    const { state, message } = answerOf(one);
    expect(state).toBe("parked");
    expect(message).toContain("    TRAILHAND_AGENT='claude -p' trailhand run\n");
  });
});
