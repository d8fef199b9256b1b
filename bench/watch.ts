/**
 * What a person waits for: how soon a watch claims a new request, and how soon a command answers.
 *
 * The floor of the reaction is the push of the request and the claim as bare git; that of a command
 * is `node -e 0`.
 */
import { fileURLToPath } from "node:url";
import { RefWatch } from "../src/queue/ref-watch.ts";
import { Runner } from "../src/engine/runner.ts";
import { openWorkspace } from "../src/app/open-workspace.ts";
import { createRunner } from "../src/app/create-runner.ts";
import { compare, importCommit, importFile, withLab, type Figure } from "./support.ts";

const LEASE = "refs/trailhand/leases/bare";
const PROGRAM = fileURLToPath(new URL("trailhand.js", import.meta.url));

/** From the moment a branch gets a request until a watching runner has claimed it. */
export async function watch(rounds: number): Promise<Figure[]> {
  return withLab(importRequest(), async (lab) => {
    const site = await openWorkspace(lab.dir, lab.env);
    const events = new EventTarget();
    const { ports, dispose } = createRunner(site, lab.env, ({ kind }) =>
      events.dispatchEvent(new Event(kind)),
    );
    const refs = new RefWatch(site.location.commonDir);
    const runner = new Runner(ports, {
      once: false,
      watch: true,
      branches: [],
      concurrency: 1,
      ttlMs: 60_000,
      shared: false,
      rests: { shortestMs: 3_600_000, longestMs: 3_600_000 },
      wakes: (ring) => refs.start(ring),
    });
    const running = runner.run();
    const heard = (kind: string) =>
      new Promise((resolve) => {
        events.addEventListener(kind, resolve, { once: true });
      });
    let answered = Promise.resolve<unknown>(undefined);
    const ours = {
      async prepare() {
        await answered;
        await lab.git(["update-ref", "-d", "refs/heads/work/1"]);
        // A watch at rest, as a person finds it: the echo of the last events is over.
        await new Promise((resolve) => {
          setTimeout(resolve, 400);
        });
      },
      async run() {
        const claimed = heard("claimed");
        answered = heard("answered");
        await lab.git(["update-ref", "refs/heads/work/1", "refs/own/1"]);
        await claimed;
      },
    };
    const floor = {
      async prepare() {
        await answered;
        answered = Promise.resolve();
        await lab.git(["update-ref", "-d", "refs/bare/1"]);
        await lab.git(["update-ref", "-d", LEASE]);
      },
      async run() {
        await lab.git(["update-ref", "refs/bare/1", "refs/own/1"]);
        const lease = await lab.git(["commit-tree", "-m", "lease", "refs/own/1^{tree}"]);
        await lab.git(["update-ref", LEASE, lease.toString().trim(), ""]);
      },
    };
    const figure = await compare(lab, "watch: from a commit to its claim", rounds, ours, floor);
    await answered;
    runner.shutdown();
    await running;
    refs.close();
    await dispose();
    return [figure];
  });
}

/** Whole processes: the built program against an empty node. */
export async function startUp(rounds: number): Promise<Figure[]> {
  return withLab(importRequest(), async (lab) => {
    const floor = { run: () => lab.start(process.execPath, lab.dir, ["-e", "0"]) };
    const ours = (...args: string[]) => ({
      run: () => lab.start(process.execPath, lab.dir, [PROGRAM, ...args]),
    });
    return [
      await compare(lab, "trailhand --version", rounds, ours("--version"), floor),
      await compare(lab, "trailhand status", rounds, ours("status"), floor),
    ];
  });
}

function importRequest(): string {
  const states = importFile("states/work", '#!/bin/sh\necho state=done >>"$TRAILHAND_OUTPUT"\n', "100755");
  const workflow = importFile("states/workflow.yml", "states:\n  work: { next: done }\n");
  const main = importCommit("refs/heads/main", 1, "first commit", `${workflow}${states}`);
  return `${main}${importCommit("refs/own/1", 2, "do it\n\nState: work\n", "from :1\n")}`;
}
