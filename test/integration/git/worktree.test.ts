/** Worktrees are added and removed while other runners add and remove theirs. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { leftovers } from "../../support/crash-runner.ts";
import { answerOf, makeStage, runStage, type Stage } from "../../support/run-hostile-script.ts";

/** Writes the state of git in the middle of adding a worktree, which makes every `git worktree` fail. */
function halfMake({ repo }: Stage): () => void {
  const record = join(repo.dir, ".git/worktrees/half-made");
  mkdirSync(record, { recursive: true });
  writeFileSync(join(record, "locked"), "initializing");
  writeFileSync(join(record, "gitdir"), `${repo.dir}-half/.git\n`);
  writeFileSync(join(record, "commondir"), "");
  expect(() => repo.git("worktree", "add", "--detach", `${repo.dir}-other`)).toThrow("commondir");
  return () => rmSync(record, { recursive: true });
}

describe("a worktree", () => {
  it("is added even while another runner is adding one", async () => {
    const one = makeStage("echo x > work.txt");
    const finish = halfMake(one);
    const running = runStage(one);
    setTimeout(finish, 400);
    const { summary, events } = await running;
    expect(summary.faultCount, JSON.stringify(events)).toBe(0);
    expect(answerOf(one).state).toBe("done");
    expect(leftovers(one.repo)).toEqual([]);
  });

  it("is removed even while another runner is adding one", async () => {
    const one = makeStage("echo x > work.txt");
    let finish = (): void => undefined;
    const { summary } = await runStage(one, {
      change: (ports) => {
        const tell: typeof ports.report = (event) => {
          if (event.kind === "answered") {
            finish = halfMake(one);
            setTimeout(finish, 200);
          }
        };
        return { ...ports, report: tell };
      },
    });
    expect(summary.faultCount).toBe(0);
    expect(existsSync(join(one.repo.dir, ".git/worktrees/half-made"))).toBe(false);
    expect(leftovers(one.repo)).toEqual([]);
  });
});
