/** A stale lock after a crash is named, and not retried forever. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import type { Branch } from "../../../src/core/protocol/ids.ts";
import { branchKey } from "../../../src/git/swap-refs.ts";
import { makeRepo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";

test("a lane slot that cannot be deleted does not keep a run from ending", async () => {
  const repo = makeRepo({
    "states/work": "#!/bin/sh\ntrue\n",
    "states/workflow.yml": "lanes: { wide: 2 }\nstates: { work: { lane: wide } }\n",
  });
  const commit = repo.gitIn("a place\n", "commit-tree", "HEAD^{tree}");
  repo.git("update-ref", "refs/trailhand/lanes/wide/0", commit);
  writeFileSync(join(repo.dir, ".git/refs/trailhand/lanes/wide/0.lock"), "");
  repo.git("switch", "-qc", "feat/x");
  repo.request("do it\n\nState: work\n");
  const { events } = await run(repo);
  expect(events.map(({ kind }) => kind)).toEqual(["claimed", "answered"]);
});

test("a locked lease ref ends a run with the reason, and the request runs when the lock is gone", async () => {
  const repo = makeRepo({ "states/work": '#!/bin/sh\necho state=done >>"$TRAILHAND_OUTPUT"\n' });
  repo.git("switch", "-qc", "feat/x");
  const head = repo.request("do it\n\nState: work\n");
  const lock = join(repo.dir, ".git/refs/trailhand/leases", `${branchKey("feat/x" as Branch)}.lock`);
  mkdirSync(dirname(lock), { recursive: true });
  writeFileSync(lock, "");
  const { summary, events } = await run(repo);
  expect(summary.idle).toContainEqual(
    expect.objectContaining({ kind: "park", why: expect.objectContaining({ code: "blocked" }) }),
  );
  expect(events.filter(({ kind }) => kind === "lost")).toHaveLength(6);
  expect(summary.startedCount).toBe(0);
  expect(repo.git("rev-parse", "feat/x")).toBe(head);
  rmSync(lock);
  expect((await run(repo)).events.map(({ kind }) => kind)).toContain("answered");
});
