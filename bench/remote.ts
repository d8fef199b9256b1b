/**
 * Work at a remote: one claim and answer, a fleet on many requests, and a look at rest.
 *
 * The floors are the bare pushes that claims and answers cannot do without, and a bare `ls-remote`.
 * The remote is a directory of this machine, so that what is measured is not a network.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Branch, Ref, Sha } from "../src/core/protocol/ids.ts";
import type { Workspace } from "../src/app/workspace.ts";
import { openWorkspace } from "../src/app/open-workspace.ts";
import { compare, compareOnce, importCommit, importFile, withLab, type Figure, type Lab } from "./support.ts";

const EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
const REQUESTS = 200;
const CONCURRENCY = 2;
const PROGRAM = join(import.meta.dirname, "trailhand.js");

/** A lab whose repository is cloned to a bare remote. */
function withRemote<T>(stream: string, use: (lab: Lab, url: string) => Promise<T>): Promise<T> {
  return withLab(stream, async (lab) => {
    const url = join(lab.env["HOME"] ?? "", "remote.git");
    await lab.git(["clone", "-q", "--bare", "--no-local", lab.dir, url]);
    return use(lab, url);
  });
}

const openAt = (lab: Lab, remote: string, env: Lab["env"] = lab.env): Promise<Workspace> =>
  openWorkspace(lab.dir, env, { remote });

/** Two swaps at a remote, through the runner's port and as bare pushes. */
export async function claimAndAnswer(rounds: number): Promise<Figure[]> {
  return withRemote(importRequests(1), async (lab, url) => {
    const { repository } = await openAt(lab, url);
    await repository.listRefs();
    const request = (await lab.git(["rev-parse", "work/1"])).toString().trim() as Sha;
    const prepare = () => lab.git(["push", "-q", "--force", url, `${request}:refs/heads/work/1`]);
    const [branch, lease] = ["refs/heads/work/1" as Ref, "refs/trailhand/leases/bench" as Ref];
    let round = 0;
    const run = async () => {
      const held = await repository.note(`lease ${++round}\n`);
      await repository.swap([{ ref: lease, expected: null, next: held }], "claim");
      const answer = await repository.commit(request, request, `answer ${round}\n`);
      const updates = [
        { ref: branch, expected: request, next: answer },
        { ref: lease, expected: held, next: null },
      ];
      const { kind } = await repository.swap(updates, "answer");
      if (kind !== "landed") throw new Error(`the answer was ${kind}`);
    };
    const ours = { prepare, run };
    const floor = { prepare, run: () => barePushes(lab, url, "work/1", request) };
    return [await compare(lab, "claim and answer at a remote", rounds, ours, floor)];
  });
}

/** The commits and pushes of one claim and one answer. */
async function barePushes(lab: Lab, url: string, branch: string, request: string): Promise<void> {
  const lease = `refs/trailhand/leases/${branch.replace("/", "-")}`;
  const message = `lease ${branch} ${Math.random()}`;
  const held = (await lab.git(["commit-tree", "-m", message, EMPTY])).toString().trim();
  await lab.git(["push", "-q", `--force-with-lease=${lease}:`, url, `${held}:${lease}`]);
  const commit = ["commit-tree", "-p", request, "-m", message, `${request}^{tree}`];
  const answer = (await lab.git(commit)).toString().trim();
  const expected = [
    `--force-with-lease=refs/heads/${branch}:${request}`,
    `--force-with-lease=${lease}:${held}`,
  ];
  await lab.git(["push", "-q", "--atomic", ...expected, url, `${answer}:refs/heads/${branch}`, `:${lease}`]);
}

/** Runners as processes with caches of their own, until every request is answered. */
export async function fleet(rounds: number): Promise<Figure[]> {
  return withRemote(importRequests(REQUESTS), async (lab, url) => {
    const requests = await headsOf(lab);
    const figures: Figure[] = [];
    for (const runners of [1, 2, 4, 8]) {
      const places = await Promise.all(
        Array.from({ length: runners }, async (_, at) => {
          const env = { ...lab.env, XDG_CACHE_HOME: join(lab.env["HOME"] ?? "", `cache-${at}`) };
          mkdirSync(env.XDG_CACHE_HOME, { recursive: true });
          await (await openAt(lab, url, env)).repository.listRefs();
          return env;
        }),
      );
      const prepare = () => resetRemote(lab, url);
      let lost = 0;
      let answered = 0;
      const run = async () => {
        const ends = await Promise.allSettled(places.map((env) => runProcess(lab, url, env)));
        const said = ends.map((end) => {
          if (end.status === "rejected") throw end.reason;
          return end.value;
        });
        lost += said.reduce((sum, one) => sum + one.lost, 0);
        answered += said.reduce((sum, one) => sum + one.answered, 0);
      };
      const floor = { prepare, run: () => bareFleet(lab, url, requests, runners * CONCURRENCY) };
      const name = () =>
        `${REQUESTS} requests, ${runners} runners (${(lost / answered).toFixed(3)} claims lost an answer)`;
      figures.push(await compareOnce(name, rounds, { prepare, run }, floor));
      if (answered !== REQUESTS * rounds)
        throw new Error(`${answered} answers to ${REQUESTS * rounds} requests`);
    }
    return figures;
  });
}

async function runProcess(
  lab: Lab,
  url: string,
  env: Lab["env"],
): Promise<{ lost: number; answered: number }> {
  const args = [PROGRAM, "run", "--remote", url, "--concurrency", String(CONCURRENCY), "--json"];
  const { events } = JSON.parse((await lab.output(process.execPath, args, env)).toString()) as {
    events: readonly { readonly kind: string }[];
  };
  const count = (kind: string) => events.filter((event) => event.kind === kind).length;
  return { lost: count("lost"), answered: count("answered") };
}

async function bareFleet(
  lab: Lab,
  url: string,
  requests: ReadonlyMap<string, string>,
  workers: number,
): Promise<void> {
  const left = [...requests];
  const worker = async () => {
    for (let one = left.pop(); one !== undefined; one = left.pop()) await barePushes(lab, url, ...one);
  };
  await Promise.all(Array.from({ length: workers }, worker));
}

/** A look that finds nothing new. */
export async function idle(heads: readonly number[], rounds: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const count of heads) {
    const figure = await withRemote(importRequests(count), async (lab, url) => {
      const { repository } = await openAt(lab, url);
      await repository.listRefs();
      const run = async () => {
        if (!(await repository.listRefs()).unchanged) throw new Error("something moved");
      };
      const floor = { run: () => lab.git(["ls-remote", url]).then(() => undefined) };
      return compare(lab, `a look at rest, ${count} branches at a remote`, rounds, { run }, floor);
    });
    figures.push(figure);
  }
  return figures;
}

async function headsOf(lab: Lab): Promise<ReadonlyMap<string, string>> {
  const format = "--format=%(refname:short) %(objectname)";
  const lines = (await lab.git(["for-each-ref", format, "refs/heads/work"])).toString().trim().split("\n");
  return new Map(lines.map((line) => line.split(" ") as [Branch, string]));
}

const resetRemote = (lab: Lab, url: string): Promise<unknown> =>
  lab.git(["push", "-q", "--force", url, "refs/heads/work/*:refs/heads/work/*"]);

/** A project with one state, and requests on branches of their own. */
function importRequests(count: number): string {
  const files = [
    importFile("states/workflow.yml", "states:\n  work: { next: done }\n"),
    importFile("states/work", "#!/bin/sh\nexit 0\n", "100755"),
  ];
  const commits = [importCommit("refs/heads/main", 1, "first commit", files.join(""))];
  for (let at = 1; at <= count; at++) {
    commits.push(
      importCommit(`refs/heads/work/${at}`, at + 1, `feat: thing ${at}\n\nState: work\n`, "from :1\n"),
    );
  }
  return commits.join("");
}
