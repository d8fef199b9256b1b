/** Pushes of a person to a branch at the remote while a runner works on it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  type Stage,
  answersTo,
  ask,
  makeRemote,
  makeRunner,
  sideRefs,
  trailerOf,
} from "../../../support/bare-remote.ts";
import { until } from "../../../support/until.ts";

const SLOW = "#!/bin/sh\necho half > half.txt\ntouch $OUT/started\nsleep 600\necho late >> $OUT/late\n";
const files = { "states/workflow.yml": "states:\n  work: { next: done, retries: 0 }\n", "states/work": SLOW };

const started = ({ outside }: Stage) => existsSync(join(outside, "started"));

/** Starts a run, lets a person act while the script runs, and waits for the end of the run. */
async function actDuringRun(act: (stage: Stage, request: string) => void) {
  const stage = makeRemote(files);
  const request = ask(stage, "topic", "feat: a thing\n\nPlease.\n\nState: work\n");
  const { run } = await makeRunner(stage, "one");
  const running = run();
  await until("the script", () => started(stage));
  act(stage, request);
  return { stage, request, ...(await running) };
}

function savedHalf({ remote }: Stage): string {
  const [ref = ""] = remote.git("for-each-ref", "--format=%(refname)", "refs/trailhand/salvage").split("\n");
  return remote.git("show", `${ref}:half.txt`);
}

describe("a person takes precedence", () => {
  test("who pushes a commit: the run ends, its work is saved at the remote, the commit stays", async () => {
    const { stage, request, events } = await actDuringRun(({ person }) => {
      person.git("checkout", "-q", "topic");
      person.write("mine.txt", "mine\n");
      person.commit("fix: my own way");
      person.git("push", "-q", "origin", "topic");
    });
    expect(events.at(-1)).toMatchObject({ kind: "stopped", why: expect.stringContaining("branch moved") });
    expect(stage.remote.git("log", "-1", "--format=%s", "topic")).toBe("fix: my own way");
    expect(answersTo(stage, request)).toBe(0);
    expect(savedHalf(stage)).toBe("half");
    expect(sideRefs(stage, "leases")).toEqual([]);
    expect(existsSync(join(stage.outside, "late"))).toBe(false);
  });

  test("who deletes the branch: it is not created again", async () => {
    const { stage, request, events } = await actDuringRun(({ person }) => {
      person.git("push", "-q", "origin", ":topic");
    });
    expect(events.at(-1)?.kind).toBe("stopped");
    expect(stage.remote.git("branch", "--list", "topic")).toBe("");
    expect(answersTo(stage, request)).toBe(0);
    expect(savedHalf(stage)).toBe("half");
    expect(sideRefs(stage, "leases")).toEqual([]);
  });

  test("who forces the branch back: the removed commits do not come back", async () => {
    const { stage, request, events } = await actDuringRun(({ person }) => {
      person.git("push", "-q", "--force", "origin", "main:topic");
    });
    expect(events.at(-1)?.kind).toBe("stopped");
    expect(stage.remote.git("rev-parse", "topic")).toBe(stage.remote.git("rev-parse", "main"));
    expect(answersTo(stage, request)).toBe(0);
    expect(savedHalf(stage)).toBe("half");
    expect(sideRefs(stage, "leases")).toEqual([]);
  });

  test("who renames the branch: the request is answered once, under the new name", async () => {
    const stage = makeRemote({
      ...files,
      "states/work": "#!/bin/sh\nif [ -e $OUT/started ]; then exit 0; fi\ntouch $OUT/started\nsleep 600\n",
    });
    const request = ask(stage, "topic", "feat: a thing\n\nPlease.\n\nState: work\n");
    const { run } = await makeRunner(stage, "one");
    const running = run();
    await until("the script", () => started(stage));
    stage.person.git("push", "-q", "--atomic", "origin", "topic:renamed", ":topic");
    await running;
    expect(trailerOf(stage, "renamed", "State")).toBe("done");
    expect(answersTo(stage, request)).toBe(1);
    expect(stage.remote.git("branch", "--list", "topic")).toBe("");
    expect(sideRefs(stage, "leases")).toEqual([]);
  });

  test("who pushes another request: the new request runs", async () => {
    const { stage } = await actDuringRun(({ person, outside }) => {
      person.git("checkout", "-q", "topic");
      person.write("kept.txt", readFileSync(join(outside, "started"), "utf8"));
      person.commit("feat: another thing\n\nState: cancelled\n");
      person.git("push", "-q", "origin", "topic");
    });
    expect(trailerOf(stage, "topic", "State")).toBe("cancelled");
    expect(sideRefs(stage, "leases")).toEqual([]);
  });
});
