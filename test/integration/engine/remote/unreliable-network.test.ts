/** Real runs over a connection that is lost, slow, or loses confirmations. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { makeRemoteFixture, type RemoteFixture } from "../../../support/remote-workspace.ts";
import type { GitHttp } from "../../../support/git-http.ts";
import { answersTo, ask, makeRunner, sideRefs, trailerOf } from "../../../support/bare-remote.ts";
import { isAlive, until } from "../../../support/until.ts";

const PLEASE = "feat: a thing\n\nPlease.\n\nState: work\n";
const WAITING =
  "#!/bin/sh\necho run >> $OUT/runs\necho half > half.txt\necho $$ > $OUT/pid\ntouch $OUT/began\nwhile [ ! -e $OUT/end ]; do sleep 0.2; done\n";

async function makeStage(
  script = "#!/bin/sh\necho run >> $OUT/runs\n",
): Promise<RemoteFixture & { readonly server: GitHttp }> {
  const fixture = await makeRemoteFixture("http", {
    "states/workflow.yml": "states:\n  work: { next: done, retries: 9 }\n",
    "states/work": script,
  });
  if (!fixture.server) throw new Error("this goes over HTTP");
  return { ...fixture, server: fixture.server };
}

const began = ({ outside }: RemoteFixture) => existsSync(join(outside, "began"));
const end = ({ outside }: RemoteFixture) => writeFileSync(join(outside, "end"), "");

function disconnect({ server }: { readonly server: GitHttp }): void {
  server.trouble("info/refs", "cut", { times: Infinity });
  server.trouble("git-receive-pack", "cut", { times: Infinity });
  server.trouble("git-upload-pack", "cut", { times: Infinity });
}

describe("a connection", () => {
  test("that is lost during the script and back before the lease expires changes nothing", async () => {
    const stage = await makeStage(WAITING);
    const request = ask(stage, "topic", PLEASE);
    const { run, events: told } = await makeRunner(stage, "one", { ttlMs: 3_600_000 });
    const running = run();
    await until("the script", () => began(stage));
    disconnect(stage);
    end(stage);
    // The response is sent by now, and does not arrive.
    await until("the fault", () => told.some(({ kind }) => kind === "fault"));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(answersTo(stage, request)).toBe(0);
    stage.server.heal();
    const { events, summary } = await running;
    expect(events.map(({ kind }) => kind)).toEqual(["claimed", "fault", "answered"]);
    expect(events[1]).toMatchObject({ what: expect.stringContaining("cannot be reached") });
    expect(summary.faultCount).toBe(0);
    expect(answersTo(stage, request)).toBe(1);
    expect(sideRefs(stage)).toEqual([]);
  });

  test("that is lost for longer than the lease time ends the script, and its work is saved later", async () => {
    const stage = await makeStage(WAITING);
    const request = ask(stage, "topic", PLEASE);
    const { run, runner, events } = await makeRunner(stage, "one", { ttlMs: 6000, watch: true });
    const running = run();
    await until("the script", () => began(stage));
    const pid = Number(readFileSync(join(stage.outside, "pid"), "utf8"));
    disconnect(stage);
    await until("the end of the script", () => !isAlive(pid));
    end(stage);
    stage.server.heal();
    await until("the answer", () => answersTo(stage, request) === 1);
    runner.shutdown();
    await running;
    expect(events.find(({ kind }) => kind === "stopped")).toMatchObject({
      why: expect.stringContaining("lease"),
    });
    expect(trailerOf(stage, "topic", "Attempt")).toMatch(/^[2-9]\/10$/);
    const [salvage = ""] = sideRefs(stage, "salvage");
    expect(stage.remote.git("show", `${salvage}:half.txt`)).toBe("half");
  });

  test("that loses the confirmation of a claim or a response does not repeat it", async () => {
    const stage = await makeStage();
    const request = ask(stage, "topic", PLEASE);
    const { run } = await makeRunner(stage, "one");
    stage.server.trouble("git-receive-pack", "lose", { times: 2 });
    const { events } = await run();
    expect(events.map(({ kind }) => kind)).toEqual(["claimed", "answered"]);
    expect(answersTo(stage, request)).toBe(1);
    expect(sideRefs(stage)).toEqual([]);
  });

  test("that fails now and then is retried", async () => {
    const stage = await makeStage();
    const requests = [1, 2, 3].map((at) => ask(stage, `topic-${at}`, PLEASE));
    const { run, runner } = await makeRunner(stage, "one", { watch: true });
    stage.server.trouble("git-receive-pack", { status: 502, text: "bad gateway" }, { times: 3 });
    stage.server.trouble("info/refs", "cut", { times: 3 });
    const running = run();
    await until("the answers", () => requests.every((request) => answersTo(stage, request) === 1));
    runner.shutdown();
    await running;
    expect(sideRefs(stage, "leases")).toEqual([]);
  });

  test("that is slow is waited for", async () => {
    const stage = await makeStage();
    const request = ask(stage, "topic", PLEASE);
    const { run } = await makeRunner(stage, "one");
    stage.server.trouble("git-receive-pack", { delayMs: 400 }, { times: Infinity });
    const { events } = await run();
    expect(events.map(({ kind }) => kind)).toEqual(["claimed", "answered"]);
    expect(answersTo(stage, request)).toBe(1);
  });
});
