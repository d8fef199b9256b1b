/** Times how soon a watching runner claims a new request, against the same two ref updates in bare git. */
import { RefWatch } from "../src/queue/ref-watch.ts";
import { Runner } from "../src/engine/runner.ts";
import { openWorkspace } from "../src/app/open-workspace.ts";
import { createRunner } from "../src/app/create-runner.ts";
import { compare, type Figure } from "./compare.ts";
import { withLab, type Lab } from "./lab.ts";
import { importSingleRequest } from "./requests.ts";

const BARE_LEASE = "refs/trailhand/leases/bare";
const BARE_BRANCH = "refs/bare/1";
const REQUEST = "refs/requests/1";
const BRANCH = "refs/heads/work/1";
/** Long enough for the file events of the previous round to end. */
const QUIET_MS = 400;

/** From the moment a branch gets a request until the runner has claimed the request. */
export async function watch(rounds: number): Promise<Figure[]> {
  return withLab(importSingleRequest(), async (lab) => {
    const runner = await startRunner(lab);
    let response = Promise.resolve<unknown>(undefined);
    const ours = {
      async prepare() {
        await response;
        await lab.git(["update-ref", "-d", BRANCH]);
        await new Promise((resolve) => {
          setTimeout(resolve, QUIET_MS);
        });
      },
      async run() {
        const claim = runner.next("claimed");
        response = runner.next("answered");
        await lab.git(["update-ref", BRANCH, REQUEST]);
        await claim;
      },
    };
    const floor = {
      async prepare() {
        await response;
        await lab.git(["update-ref", "-d", BARE_BRANCH]);
        await lab.git(["update-ref", "-d", BARE_LEASE]);
      },
      run: () => bareClaim(lab),
    };
    try {
      const figure = await compare(lab, "watch, from a request to its claim", rounds, ours, floor);
      await response;
      return [figure];
    } finally {
      await runner.stop();
    }
  });
}

async function bareClaim(lab: Lab): Promise<void> {
  await lab.git(["update-ref", BARE_BRANCH, REQUEST]);
  const lease = await lab.git(["commit-tree", "-m", "lease", `${REQUEST}^{tree}`]);
  await lab.git(["update-ref", BARE_LEASE, lease.toString().trim(), ""]);
}

/** Starts a watching runner. `next` resolves at the next event of a kind. */
async function startRunner(lab: Lab) {
  const workspace = await openWorkspace(lab.dir, lab.env);
  const events = new EventTarget();
  const { ports, dispose } = createRunner(workspace, lab.env, ({ kind }) =>
    events.dispatchEvent(new Event(kind)),
  );
  const refs = new RefWatch(workspace.location.commonDir);
  const runner = new Runner(ports, {
    once: false,
    watch: true,
    branches: [],
    concurrency: 1,
    ttlMs: 60_000,
    shared: false,
    pollInterval: { shortestMs: 3_600_000, longestMs: 3_600_000 },
    onWake: (wake) => refs.start(wake),
  });
  const end = runner.run();
  return {
    next: (kind: string) =>
      new Promise((resolve) => {
        events.addEventListener(kind, resolve, { once: true });
      }),
    async stop() {
      runner.shutdown();
      await end;
      refs.close();
      await dispose();
    },
  };
}
