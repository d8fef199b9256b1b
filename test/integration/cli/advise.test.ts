/** `trailhand advise`: its output, its estimates from history, and the input that it rejects. */
import { expect, test } from "vitest";
import { cli } from "../../support/run-cli.ts";
import { makeRepo, type Repo } from "../../support/temp-repo.ts";

const TASKS = `agents: 4
tasks:
  - { key: base, minutes: 10 }
  - { key: api, after: [base], minutes: 30, owns: [src/api/**] }
  - { key: web, after: [base], minutes: 30, owns: [src/web/**], state: check }
  - { key: docs, after: [base], owns: [docs/**], state: check }
`;

interface Advised {
  readonly pattern: string;
  readonly recommended: string;
  readonly plan: { readonly minutes: number; readonly against: readonly string[] };
  readonly estimates: readonly object[];
}

const advised = (repo: Repo, ...args: string[]): Advised =>
  JSON.parse(cli(repo, "advise", "tasks.yml", "--json", ...args).out) as Advised;

/** Commits a request and its answer, with the given duration, on a new branch. */
function pastRun(repo: Repo, branch: string, state: string, took: string): void {
  repo.git("switch", "-q", "-c", branch, "main");
  const request = repo.request(`work\n\nState: ${state}\nBranch: ${branch}\n`);
  const answer = ["State: done", `Branch: ${branch}`, `Answers: ${request}`, `Took: ${took}`];
  repo.request(`trailhand: ${state} is done\n\n${answer.join("\n")}\n`);
  repo.git("switch", "-q", "main");
}

test("advise prints the pattern, its pack, the times and which tasks start together", () => {
  const repo = makeRepo({ "tasks.yml": TASKS });
  const said = cli(repo, "advise", "tasks.yml");
  expect(said.code).toBe(0);
  expect(said.out).toContain("hybrid, as in the pack hybrid: some tasks have an order");
  expect(said.out).toMatch(/^critical path +40 min: base → api$/m);
  expect(said.out).toMatch(/^one after another +85 min$/m);
  expect(said.out).toMatch(/^▶ hybrid +40 +3$/m);
  expect(said.out).toMatch(/^10 +api, web, docs$/m);
  expect(said.out).toMatch(/^docs +15 +a guess: no past run of check is known$/m);
  expect(said.err).toContain("next: trailhand packs hybrid");
});

test("--as plans the given pattern and lists its disadvantages", () => {
  const repo = makeRepo({ "tasks.yml": TASKS });
  const said = cli(repo, "advise", "tasks.yml", "--as", "chain");
  expect(said.out).toContain("chain, as in the pack sequential, because you asked for it");
  expect(said.out).toContain("recommended is hybrid: ");
  expect(said.out).toContain("against it: takes 45 min longer");
  expect(said.out).toMatch(/^▶ chain +85 +1 /m);
  expect(advised(repo, "--as", "chain")).toMatchObject({
    pattern: "chain",
    recommended: "hybrid",
    plan: { minutes: 85, against: [expect.stringContaining("45 min") as string] },
  });
  const wrong = cli(repo, "advise", "tasks.yml", "--as", "paralel");
  expect(wrong.code).toBe(2);
  expect(wrong.err).toContain('There is no pattern "paralel". Did you mean "parallel"?');
});

test("tasks without minutes are estimated from past runs on any branch", () => {
  const repo = makeRepo({ "tasks.yml": TASKS });
  pastRun(repo, "feat/a", "check", "2m");
  pastRun(repo, "feat/b", "check", "1h20m");
  pastRun(repo, "feat/c", "check", "6m");
  pastRun(repo, "feat/d", "review", "5h");
  expect(advised(repo).estimates).toEqual([
    { task: "base", minutes: 10, source: "file" },
    { task: "api", minutes: 30, source: "file" },
    { task: "web", minutes: 30, source: "file" },
    { task: "docs", minutes: 6, source: "history", state: "check", runs: 3 },
  ]);
  const said = cli(repo, "advise", "tasks.yml");
  expect(said.out).toMatch(/^docs +6 +the median of 3 past runs of check$/m);
});

test("an invalid task file is a usage error that names each problem", () => {
  const repo = makeRepo({
    "circle.yml": "tasks:\n  - { key: a, after: [b] }\n  - { key: b, after: [a] }\n",
    "slips.yml": "tasks:\n  - { key: a, afer: [b] }\nagent: 2\n",
    "lost.yml": "tasks:\n  - { key: alpha }\n  - { key: b, after: [alpa] }\n",
  });
  const refused = (...args: string[]) => {
    const said = cli(repo, "advise", ...args);
    expect(said).toMatchObject({ code: 2, out: "" });
    return said.err;
  };
  expect(refused("circle.yml")).toContain(
    "line 2: tasks.0.after: these tasks wait for each other: a after b after a",
  );
  expect(refused("slips.yml")).toContain('line 2: tasks.0.afer: unknown key "afer"; did you mean "after"?');
  expect(refused("slips.yml")).toContain('unknown key "agent"; did you mean "agents"?');
  expect(refused("lost.yml")).toContain('"b" comes after "alpa", which is not a task; did you mean "alpha"?');
  expect(refused("none.yml")).toContain("The tasks in none.yml cannot be read");
  // Without an argument, advise reads the task file of the pack.
  expect(refused()).toContain("states/tasks.yml");
});
