/** Commands that steer work: approve, reject, assign, priority, output, cost, and the old command names. */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cli, introduce } from "../../support/run-cli.ts";
import { makeRepo, type Repo } from "../../support/temp-repo.ts";

const WORKFLOW = `start: [build, choice]
agents:
  careful: { run: cat }
  quick: { run: cat }
limits: { cost: 5 }
states:
  build: { next: look, retries: 0 }
  look: { human: true, next: [ship, build, failed] }
  choice: { human: true, next: [ship, build] }
  ship: { next: done }
`;

const BUILD = `#!/bin/sh
echo "building $TRAILHAND_STATE"
echo "cost=0.5" >>"$TRAILHAND_OUTPUT"
`;

function prepare(build = BUILD): Repo {
  return introduce(
    makeRepo({ "states/workflow.yml": WORKFLOW, "states/build": build, "states/ship": "#!/bin/sh\n" }),
  );
}

const stateOf = (repo: Repo) =>
  repo.git("log", "-1", "--format=%(trailers:key=State,valueonly)", "topic").trim();

/** A branch whose work waits for a person at `look`. */
function prepareLook(): Repo {
  const repo = prepare();
  cli(repo, "request", "build", "--new", "topic", "-m", "feat: a thing");
  expect(cli(repo, "run").code).toBe(0);
  expect(stateOf(repo)).toBe("look");
  return repo;
}

test("approve requests the only state that leads forward", () => {
  const repo = prepareLook();
  const approval = cli(repo, "approve", "topic", "-m", "Looks good");
  expect(approval).toMatchObject({ code: 0, err: "next: trailhand run\n" });
  expect(approval.out).toContain("asks for ship on topic");
  expect(repo.git("log", "-1", "--format=%s", "topic")).toBe("Looks good");
  expect(cli(repo, "run").code).toBe(0);
  expect(stateOf(repo)).toBe("done");
  expect(cli(repo, "approve", "topic").code).toBe(3);
});

test("approve lists the choices if several states lead forward", () => {
  const repo = prepare();
  cli(repo, "request", "choice", "--new", "topic");
  const before = repo.git("rev-parse", "topic");
  const { code, err } = cli(repo, "approve", "topic");
  expect(code).toBe(3);
  expect(err).toContain("ship, build");
  expect(err).toContain("trailhand request ship --branch topic, or trailhand request build --branch topic");
  expect(repo.git("rev-parse", "topic")).toBe(before);
});

test("reject sends the work back, or lists the choices if there are several", () => {
  const repo = prepareLook();
  const several = cli(repo, "reject", "topic");
  expect(several.code).toBe(3);
  expect(several.err).toContain(
    "trailhand request build --branch topic, or trailhand request failed --branch topic",
  );

  const other = prepare();
  cli(other, "request", "build", "--new", "topic");
  cli(other, "request", "choice", "--branch", "topic");
  const rejection = cli(other, "reject", "topic", "-m", "not yet", "--json");
  expect(JSON.parse(rejection.out)).toMatchObject({ branch: "topic", state: "build" });
  expect(other.git("log", "-1", "--format=%s", "topic")).toBe("not yet");
  expect(cli(other, "reject", "topic").err).toContain("does not wait for a person");
});

test("assign and priority request the same state again and keep the rest of the request", () => {
  const repo = prepare();
  cli(
    repo,
    "request",
    "build",
    "--new",
    "topic",
    "-m",
    "feat: a thing",
    "-m",
    "Slowly.",
    "--trailer",
    "Refs: #7",
  );
  expect(cli(repo, "priority", "10", "topic").code).toBe(0);
  expect(cli(repo, "assign", "careful", "topic").out).toContain("asks for build on topic");
  const message = repo.git("log", "-1", "--format=%B", "topic");
  expect(message).toMatch(/^feat: a thing\n\nSlowly\.\n/);
  for (const line of ["Refs: #7", "Priority: 10", "Assigned-To: careful", "State: build"])
    expect(message).toContain(line);
  expect(cli(repo, "assign", "carefull", "topic")).toMatchObject({ code: 2 });
  expect(cli(repo, "assign", "carefull", "topic").err).toContain("careful");
  expect(cli(repo, "priority", "5000", "topic").code).toBe(2);
  expect(cli(repo, "priority", "topic", "--", "-5").code).toBe(2);
  expect(cli(repo, "priority", "--", "-5", "topic").code).toBe(0);
});

test("output prints the output of the last attempt, and cost prints the amounts spent", () => {
  const repo = prepareLook();
  const { code, out, err } = cli(repo, "output", "topic");
  expect([code, out]).toEqual([0, "building build\n"]);
  expect(err).toMatch(/^ran at .*; log: .*\.log\n$/);
  expect(JSON.parse(cli(repo, "output", "topic", "--json").out)).toMatchObject({
    branch: "topic",
    isRunning: false,
    text: "building build\n",
  });
  expect(cli(repo, "cost", "topic").out).toMatch(/^spent: 0\.5 USD, \d+ms\nallowed: 5 USD\n$/);
  expect(JSON.parse(cli(repo, "cost", "topic", "--json").out)).toMatchObject({
    branch: "topic",
    spent: { cost: 0.5 },
    budget: { cost: 5 },
  });
  expect(cli(repo, "output", "main")).toMatchObject({ code: 2 });
});

test.each([
  ["a response", "topic", "State: look\nBranch: topic\nAnswers: ", ""],
  ["an attempt log", "topic", "State: build\nBranch: topic", "journal"],
])("output reads no file outside of the logs, whatever run %s names", (_what, branch, trailers, side) => {
  const repo = prepareLook();
  const secret = join(repo.cache, "secret.log");
  writeFileSync(secret, "a secret\n");
  const run = "Run: ../../../secret\nRunner: ann@host";
  const head = repo.git("rev-parse", branch);
  const tree = repo.git("rev-parse", `${head}^{tree}`);
  const message = `a lie\n\n${trailers}${side === "" ? head : ""}\n${run}\n`;
  const lie = repo.gitIn(message, "commit-tree", "-p", head, "-F", "-", tree);
  const key = createHash("sha256").update(`refs/heads/${branch}`).digest("hex").slice(0, 40);
  repo.git("update-ref", side === "" ? `refs/heads/${branch}` : `refs/trailhand/journal/${key}`, lie);
  const { code, out, err } = cli(repo, "output", branch);
  expect(`${out}${err}`).not.toContain("secret");
  expect(code).toBe(2);
});

test("output prints the output of the last failed attempt", () => {
  const repo = prepare("#!/bin/sh\necho it broke\nexit 75\n");
  cli(repo, "request", "build", "--new", "topic");
  cli(repo, "run", "--once");
  expect(cli(repo, "output", "topic").out).toBe("it broke\n");
});

test("old command names still work, and help and completions hide them", () => {
  const repo = prepareLook();
  expect(cli(repo, "check", "ci", "success", "topic").out).toContain("ci is success");
  expect(cli(repo, "help", "check").out).toContain("usage: trailhand report-check");
  expect(cli(repo, "set-state", "ship", "--branch", "topic").out).toContain("asks for ship");
  expect(cli(repo, "stop", "topic").out).toContain("topic is cancelled");
  expect(cli(repo, "help").out).not.toMatch(/^ +(?:check|set-state|stop) /m);
  expect(cli(repo, "completions", "bash").out).not.toMatch(/\b(?:set-state|stop)\b/);
  expect(cli(repo, "chek").err).toContain("There is no command");
});
