/** Times several runner processes on the requests of one remote, against the bare pushes. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { compareCold, type Figure } from "./compare.ts";
import type { Lab } from "./lab.ts";
import { openRemote, pushClaimAndResponse, withRemote, type RemoteLab } from "./remote-lab.ts";
import { runProcess } from "./run-process.ts";

const CONCURRENCY = 2;

export interface FleetSize {
  readonly requests: number;
  /** One figure for each number of runners. */
  readonly runners: readonly number[];
}

/** Runs each fleet until every request has its response. */
export async function fleet(rounds: number, size: FleetSize): Promise<Figure[]> {
  return withRemote(size.requests, async (lab) => {
    const requests = await readRequests(lab);
    const figures: Figure[] = [];
    for (const runners of size.runners) figures.push(await measureFleet(lab, rounds, runners, requests));
    return figures;
  });
}

async function measureFleet(
  lab: RemoteLab,
  rounds: number,
  runners: number,
  requests: ReadonlyMap<string, string>,
): Promise<Figure> {
  const environments = await Promise.all(Array.from({ length: runners }, (_, n) => warmCache(lab, n)));
  const prepare = () => lab.git(["push", "-q", "--force", lab.url, "refs/heads/work/*:refs/heads/work/*"]);
  let wastedClaims = 0;
  let responses = 0;
  const args = ["--remote", lab.url, "--concurrency", String(CONCURRENCY)];
  const run = async () => {
    // Every process must have ended before a failure removes the lab.
    const ends = await Promise.allSettled(environments.map((env) => runProcess(lab, args, env)));
    for (const end of ends) {
      if (end.status === "rejected") throw end.reason;
      wastedClaims += end.value.wastedClaims;
      responses += end.value.responses;
    }
  };
  const floor = { prepare, run: () => bareFleet(lab, requests, runners * CONCURRENCY) };
  const figure = await compareCold(rounds, { prepare, run }, floor);
  const expected = requests.size * rounds;
  if (responses !== expected) throw new Error(`expected ${expected} responses, got ${responses}`);
  const fleetName = runners === 1 ? "1 runner" : `${runners} runners`;
  const waste = (wastedClaims / responses).toFixed(3);
  return { ...figure, name: `${requests.size} requests, ${fleetName} (${waste} wasted claims a response)` };
}

/** Gives a runner a cache directory of its own and fills it. Returns the environment of the runner. */
async function warmCache(lab: RemoteLab, index: number): Promise<Lab["env"]> {
  const env = { ...lab.env, XDG_CACHE_HOME: join(lab.home, `cache-${index}`) };
  mkdirSync(env.XDG_CACHE_HOME, { recursive: true });
  await (await openRemote(lab, env)).repository.listRefs();
  return env;
}

async function bareFleet(
  lab: RemoteLab,
  requests: ReadonlyMap<string, string>,
  workers: number,
): Promise<void> {
  const pending = [...requests];
  const work = async () => {
    for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
      await pushClaimAndResponse(lab, ...entry);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
}

/** The request of each branch. */
async function readRequests(lab: Lab): Promise<ReadonlyMap<string, string>> {
  const format = "--format=%(refname:short) %(objectname)";
  const output = (await lab.git(["for-each-ref", format, "refs/heads/work"])).toString().trim();
  return new Map(output.split("\n").map((line) => line.split(" ") as [branch: string, request: string]));
}
