/**
 * Hand-offs: a request is there, and the time runs until its answer is.
 *
 * The floor is what no hand-off can do without, as bare git: write and claim a lease, add a
 * worktree, run the script, write the response, move branch and lease in one transaction, remove
 * the worktree. It looks at nothing, checks nothing, and saves nothing.
 */
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { Runner } from "../src/engine/runner.ts";
import { openWorkspace } from "../src/app/open-workspace.ts";
import { createRunner } from "../src/app/create-runner.ts";
import { compare, importCommit, importFile, withLab, type Figure, type Lab } from "./support.ts";

const SCRIPT = "#!/bin/sh\nexit 0\n";
const FILES = 100;
const CHAIN = 10;
const BRANCHES = 10;
const CONCURRENCY = 2;

/** One hand-off: to its answer, and until the runner has cleaned up. */
export async function handOff(rounds: number): Promise<Figure[]> {
  return withLab(importProject(1, 1), async (lab) => {
    const prepare = () => resetBranches(lab, 1);
    const answered = { prepare, run: async () => (await runAll(lab, 1)).answered };
    const cleaned = { prepare, run: async () => void (await runAll(lab, 1)) };
    const bareAnswer = { prepare, run: async () => bareHandOff(lab, "work/1") };
    const bareAll = { prepare, run: async () => void (await bareHandOff(lab, "work/1")) };
    return [
      await compare(lab, "one hand-off, to the answer", rounds, answered, bareAnswer),
      await compare(lab, "one hand-off, to the end", rounds, cleaned, bareAll),
    ];
  });
}

/** A hundred hand-offs: ten branches go through ten states, two at once. */
export async function chain(rounds: number): Promise<Figure[]> {
  return withLab(importProject(CHAIN, BRANCHES), async (lab) => {
    const prepare = () => resetBranches(lab, BRANCHES);
    const ours = {
      prepare,
      run: async () => void (await runAll(lab, BRANCHES * CHAIN)),
    };
    const floor = { prepare, run: () => bareChain(lab) };
    const name = `${BRANCHES * CHAIN} hand-offs, ${CONCURRENCY} at once`;
    return [await compare(lab, name, rounds, ours, floor)];
  });
}

/** Runs until nothing is left to do. Throws when those were not as many hand-offs as expected. */
async function runAll(lab: Lab, expected: number): Promise<{ answered: number }> {
  let answers = 0;
  let answered = 0;
  const site = await openWorkspace(lab.dir, lab.env);
  const { ports, dispose } = createRunner(site, lab.env, (event) => {
    if (event.kind !== "answered") return;
    answers++;
    answered = performance.now();
  });
  const options = {
    once: false,
    watch: false,
    branches: [],
    ttlMs: 60_000,
    shared: false,
    rests: { shortestMs: 1000, longestMs: 1000 },
  };
  await new Runner(ports, { ...options, concurrency: CONCURRENCY, wakes: () => undefined }).run();
  await dispose();
  if (answers !== expected) throw new Error(`${answers} hand-offs were answered, not ${expected}`);
  return { answered };
}

let queue: Promise<unknown> = Promise.resolve();

/** One at a time: git fails when it adds a worktree while it adds or removes another one. */
function serial<T>(step: () => Promise<T>): Promise<T> {
  const result = queue.then(step);
  queue = result.catch(() => undefined);
  return result;
}

/** The bare commands of one hand-off. Returns when the answer was on its branch. */
async function bareHandOff(lab: Lab, branch: string): Promise<number> {
  const at = (await lab.git(["rev-parse", `refs/heads/${branch}`])).toString().trim();
  const lease = `refs/trailhand/leases/${branch.replace("/", "-")}`;
  const tree = join(lab.env["HOME"] ?? "", `bare-${branch.replace("/", "-")}`);
  const empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
  const held = (await lab.git(["commit-tree", "-m", "lease", empty])).toString().trim();
  await lab.git(["update-ref", lease, held, "0".repeat(40)]);
  await serial(() => lab.git(["worktree", "add", "--quiet", "--detach", tree, at]));
  await lab.start(join(tree, "states/step-1"), tree);
  const message = `step is done\n\nState: done\nBranch: ${branch}\nAnswers: ${at}\n`;
  const response = (await lab.git(["commit-tree", "-p", at, "-F", "-", `${at}^{tree}`], message))
    .toString()
    .trim();
  const swap = `start\nupdate refs/heads/${branch} ${response} ${at}\ndelete ${lease} ${held}\ncommit\n`;
  await lab.git(["update-ref", "--stdin"], swap);
  const answered = performance.now();
  await serial(() => lab.git(["worktree", "remove", "--force", tree]));
  return answered;
}

async function bareChain(lab: Lab): Promise<void> {
  const branches = Array.from({ length: BRANCHES }, (_, at) => `work/${at + 1}`);
  const worker = async () => {
    for (let branch = branches.pop(); branch !== undefined; branch = branches.pop()) {
      for (let step = 0; step < CHAIN; step++) await bareHandOff(lab, branch);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

/** Moves every branch to its request. */
async function resetBranches(lab: Lab, count: number): Promise<void> {
  const updates = Array.from(
    { length: count },
    (_, at) => `update refs/heads/work/${at + 1} refs/requests/work/${at + 1}\n`,
  );
  await lab.git(["update-ref", "--stdin"], updates.join(""));
}

/** A project of some files whose states follow each other, and one request for each branch. */
function importProject(states: number, branches: number): string {
  const names = Array.from({ length: states }, (_, at) => `step-${at + 1}`);
  const workflow = names.map((name, at) => `  ${name}:\n    next: ${names[at + 1] ?? "done"}\n`);
  const files = [
    ...Array.from({ length: FILES }, (_, at) => importFile(`src/${at}.txt`, `file ${at}\n`.repeat(50))),
    importFile("states/workflow.yml", `limits:\n  hops: 100\nstates:\n${workflow.join("")}`),
    ...names.map((name) => importFile(`states/${name}`, SCRIPT, "100755")),
  ];
  const requests = Array.from({ length: branches }, (_, at) => {
    const message = `feat: work\n\nState: step-1\nBranch: work/${at + 1}\n`;
    return importCommit(`refs/requests/work/${at + 1}`, at + 2, message, "from :1\n");
  });
  return importCommit("refs/heads/main", 1, "first commit", files.join("")) + requests.join("");
}
