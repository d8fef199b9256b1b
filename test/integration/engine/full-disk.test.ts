/** A full disk: nothing is half written, the branch is untouched, and the fault is reported. */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { thisHolder } from "../../../src/process/process-identity.ts";
import type { Ports, Repository } from "../../../src/engine/ports.ts";
import { leftovers } from "../../support/crash-runner.ts";
import type { Repo } from "../../support/temp-repo.ts";
import { answerOf, makeStage, runStage, salvages } from "../../support/run-hostile-script.ts";

type Method = "commit" | "note" | "swap";

const GONE = { ...thisHolder(), started: "1" };
const WORKFLOW = "states:\n  work: { next: done, retries: 2, backoff: 10ms }\n";

/** Ports whose repository fails in every writing method from the n-th call of one method on. */
function failingFrom(method: Method, from: number): (ports: Ports) => Ports {
  return (ports) => {
    let calls = 0;
    let isFull = false;
    const repository = new Proxy<Repository>(ports.repository, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        return async (...args: unknown[]): Promise<unknown> => {
          if (name === method && ++calls >= from) isFull = true;
          if (isFull && ["commit", "note", "swap"].includes(String(name)))
            throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
          return Reflect.apply(member, target, args) as unknown;
        };
      },
    });
    // The next runner of this test is the same process. This one must count as dead by then.
    const machine = { ...ports.machine, holder: GONE };
    return { ...ports, repository, machine };
  };
}

/** Makes the runner of this process, which left its worktree, look dead. */
function makeOwnerLookDead(repo: Repo): void {
  const caches = join(repo.cache, "trailhand");
  for (const site of existsSync(caches) ? readdirSync(caches) : []) {
    const pools = join(repo.cache, "trailhand", site, "runs");
    for (const pool of existsSync(pools) ? readdirSync(pools) : [])
      writeFileSync(join(pools, pool, "owner.json"), JSON.stringify(GONE));
  }
}

describe("a full disk", () => {
  it.each<[string, Method, number]>([
    ["when the lease is written", "note", 1],
    ["when the claim is made", "swap", 1],
    ["when the answer is written", "commit", 1],
    ["when the answer is put on its branch", "swap", 2],
  ])("%s", async (_, method, from) => {
    const stage = makeStage("echo x > work.txt", { workflow: WORKFLOW });
    const { repo } = stage;
    const { events, summary } = await runStage(stage, { change: failingFrom(method, from) });
    expect(summary.faultCount).toBe(1);
    expect(events.at(-1)).toMatchObject({
      kind: "fault",
      branch: "topic",
      what: expect.stringContaining("ENOSPC") as string,
    });
    expect(repo.git("rev-parse", "topic")).toBe(stage.request);
    expect(
      repo.git("for-each-ref", "--format=%(refname)", "refs/trailhand/parked", "refs/trailhand/journal"),
    ).toBe("");
    expect(repo.git("fsck", "--strict", "--no-dangling")).toBe("");

    makeOwnerLookDead(repo);
    const again = await runStage(stage);
    expect(again.summary.faultCount).toBe(0);
    expect(answerOf(stage)).toMatchObject({ state: "done", answers: stage.request });
    expect(leftovers(repo)).toEqual([]);
  });

  it("keeps a worktree whose changes could not be saved, until a later runner saves them", async () => {
    const stage = makeStage('[ "$TRAILHAND_ATTEMPT" = 1 ] || exit 0; echo x > work.txt; exit 1', {
      workflow: WORKFLOW,
    });
    const { events } = await runStage(stage, { change: failingFrom("swap", 2) });
    expect(events.at(-1)?.kind).toBe("fault");
    const trees = leftovers(stage.repo).filter((left) => left.startsWith("folder runner-"));
    expect(trees).toHaveLength(1);
    expect(salvages(stage)).toEqual([]);
    makeOwnerLookDead(stage.repo);
    await runStage(stage);
    expect(stage.repo.git("show", `${salvages(stage)[0]}:work.txt`)).toBe("x");
    expect(answerOf(stage).state).toBe("done");
    expect(leftovers(stage.repo)).toEqual([]);
  });
});
