/** The pack `durable` end to end: killed at any step, it continues, and nothing is sent twice. */
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Ports } from "../../../src/engine/ports.ts";
import { buildCrashRunner, leftovers, startCrashRunner } from "../../support/crash-runner.ts";
import { temporaryDir, type Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, changedOn, headOf, packRepo, statesOn, useAgent } from "../../support/pack-fixture.ts";

const PACK = "durable";
const BRANCH = "mail/ann";
const WRITES = "echo 'Dear Ann' >letter.md\necho 'wrote it'";
const DAY = 86_400_000;

/** Creates a repository with the pack, retries without back-off, and an empty outbox. */
function mail(agent: string, trailers = ""): { repo: Repo; sent: () => string[]; box: string } {
  const repo = packRepo(PACK);
  const text = repo.git("show", "main:states/workflow.yml");
  const withoutBackoff = text
    .replaceAll("backoff: 10s", "backoff: 1ms")
    .replace("retries: 5", "backoff: 1ms\n    retries: 5");
  repo.write("states/workflow.yml", `${withoutBackoff}\n`);
  repo.commit("chore: retry at once");
  const box = join(temporaryDir(), "outbox");
  mkdirSync(box);
  process.env["OUTBOX"] = box;
  useAgent(agent);
  ask(repo, BRANCH, `mail: ask Ann\n\nKindly.\n\nState: write\n${trailers}`);
  return { repo, box, sent: () => readdirSync(box).filter((name) => !name.startsWith(".")) };
}

/** Returns ports whose clock is `days` days ahead. */
const after =
  (days: number) =>
  (ports: Ports): Ports => ({
    ...ports,
    clock: {
      mono: () => ports.clock.mono(),
      wall: () => ports.clock.wall() + days * DAY,
      sleep: (ms, until) => ports.clock.sleep(ms, until),
    },
  });

describe(PACK, () => {
  it("sends a letter, waits two weeks without a lease or slot, and sends a reminder", async () => {
    const { repo, box, sent } = mail(WRITES);
    await run(repo);
    expect(statesOn(repo, BRANCH)).toEqual(["write", "send", "answer-time"]);
    const [key = ""] = sent();
    expect(key).toBe(repo.git("rev-parse", `${BRANCH}~1`));
    expect(leftovers(repo)).toEqual([]);
    expect(repo.git("for-each-ref", "refs/trailhand/lanes")).toBe("");

    const early = await run(repo, {}, after(13));
    expect(early.summary.startedCount).toBe(0);
    await run(repo, {}, after(15));
    expect(statesOn(repo, BRANCH).slice(3)).toEqual(["remind", "done"]);
    const reminder = sent().find((name) => name !== key) ?? "none";
    expect(readFileSync(join(box, reminder), "utf8")).toContain(`A reminder of ${key}:`);
    expect(sent()).toHaveLength(2);
  });

  it("parks for a person when no runner came for two months", async () => {
    const { repo, sent } = mail(WRITES);
    const text = repo
      .git("show", "main:states/workflow.yml")
      .replace("wait: after 14d", "wait: until 2999-01-01");
    repo.write("states/workflow.yml", `${text}\n`);
    repo.commit("chore: wait longer than the deadline");
    await run(repo);
    await run(repo, {}, after(61));
    expect(statesOn(repo, BRANCH).at(-1)).toBe("parked");
    expect(headOf(repo, BRANCH)).toContain("gave up after");
    expect(sent()).toHaveLength(1);
  });

  it("starts at the time in Not-Before", async () => {
    const { repo, sent } = mail(WRITES, "Not-Before: 2999-01-01\n");
    const { summary } = await run(repo);
    expect(summary.idle.map(({ why }) => why.code)).toContain("not-before");
    expect(sent()).toEqual([]);
    await run(repo, {}, after(380_000));
    expect(statesOn(repo, BRANCH)).toContain("send");
  });

  it("continues with the files of a killed agent", async () => {
    const { repo } = mail(`
if [ -f letter.md ]; then grep -q 'Dear Ann' letter.md; echo 'Yours' >>letter.md; exit 0; fi
${WRITES}
kill -9 0`);
    await run(repo);
    expect(repo.git("show", `${BRANCH}:letter.md`)).toBe("Dear Ann\nYours");
    expect(changedOn(repo, BRANCH)).toEqual(["letter.md"]);
    expect(repo.git("log", "-1", "--format=%(trailers:key=Attempt,valueonly)", `${BRANCH}~1`).trim()).toBe(
      "2/6",
    );
    expect(statesOn(repo, BRANCH).at(-1)).toBe("answer-time");
  });

  it("sends once, although its script is repeatedly killed afterwards", async () => {
    const { repo, sent } = mail(WRITES);
    const script = repo.git("show", "main:states/send");
    const killed = script.replace(
      "once deliver letter.md",
      'once deliver letter.md\nif [ "$TRAILHAND_ATTEMPT" -le 2 ]; then kill -9 $$; fi',
    );
    expect(killed).not.toBe(script);
    repo.write("states/send", `${killed}\n`, 0o755);
    repo.commit("chore: die after the effect");
    const { events } = await run(repo);
    expect(events.filter((event) => event.kind === "resting")).toHaveLength(2);
    expect(statesOn(repo, BRANCH)).toEqual(["write", "send", "answer-time"]);
    expect(sent()).toEqual([repo.git("rev-parse", `${BRANCH}~1`)]);
  });
});

describe("a killed runner", () => {
  let program: string;
  beforeAll(async () => {
    program = await buildCrashRunner();
  });

  it.each([12, 24, 36, 48, 60, 72])("at step %d leaves work that the next runner finishes", async (step) => {
    const { repo, sent } = mail(WRITES);
    const dead = await startCrashRunner(program, repo, step).ended;
    expect(dead.signal).toBe("SIGKILL");
    await run(repo);
    expect(statesOn(repo, BRANCH)).toEqual(["write", "send", "answer-time"]);
    expect(sent()).toEqual([repo.git("rev-parse", `${BRANCH}~1`)]);
    expect(leftovers(repo)).toEqual([]);
  });
});
