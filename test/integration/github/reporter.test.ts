/** What GitHub shows is kept in line: a showing that fails is told, and made again; after a stop none is. */
import { expect, onTestFinished, test } from "vitest";
import { openClient } from "../../../src/github/api/client.ts";
import { octokitPublisher } from "../../../src/github/display/octokit-publisher.ts";
import { RequestThrottle } from "../../../src/github/api/request-throttle.ts";
import { Reporter } from "../../../src/server/reporter.ts";
import { makeRemoteFixture } from "../../support/remote-workspace.ts";
import { NAME, OWNER, startFakeGithub, TOKEN } from "../../support/fake-github.ts";
import { ask } from "../../support/bare-remote.ts";
import { until } from "../../support/until.ts";

async function prepare() {
  const far = await makeRemoteFixture("files", {
    "states/workflow.yml": "states:\n  work: { next: done }\n",
    "states/work": "#!/bin/sh\ntrue\n",
  });
  ask(far, "topic", "feat: x\n\nState: work\n");
  const fakeGithub = await startFakeGithub();
  const said: string[] = [];
  const { request } = await openClient({
    baseUrl: fakeGithub.url,
    throttle: new RequestThrottle(Date.now, { writeMs: 0 }),
    token: () => Promise.resolve(TOKEN),
  });
  const repo = { owner: OWNER, name: NAME };
  const showing = new Reporter({
    workspace: await far.open(),
    publisher: octokitPublisher(request, repo),
    repo,
    server: "https://github.com",
    self: { accountId: fakeGithub.botId, appId: undefined },
    log: (text) => said.push(text),
    retryMs: 10,
  });
  return { fakeGithub, said, showing };
}

test("one that fails is told, and made again by itself", async () => {
  const { fakeGithub, said, showing } = await prepare();
  fakeGithub.trouble({ status: 403, message: "Resource not accessible", times: 2 });
  showing.publishSoon();
  await until("the check", () => fakeGithub.checks.length > 0);
  expect(said).toHaveLength(2);
  expect(said[0]).toContain("Resource not accessible");
  await showing.stop();
});

test("one that GitHub puts off for months is not made again at once", async () => {
  const { fakeGithub, showing } = await prepare();
  const headers = { "retry-after": "9999999" };
  fakeGithub.trouble({ method: "POST", path: /check-runs$/, status: 403, headers });
  // A timer that is told to wait for longer than it can rings at once, and node says so.
  const warned: string[] = [];
  const hear = ({ name }: Error) => void warned.push(name);
  process.on("warning", hear);
  onTestFinished(() => void process.off("warning", hear));
  await showing.publishNow();
  await new Promise(setImmediate);
  expect(fakeGithub.writes()).toHaveLength(1);
  expect(warned).not.toContain("TimeoutOverflowWarning");
  await showing.stop();
});

test("after a stop none begins", async () => {
  const { fakeGithub, said, showing } = await prepare();
  fakeGithub.trouble({ status: 403, times: 100 });
  showing.publishSoon();
  await until("it has failed", () => said.length > 0);
  await showing.stop();
  const { length } = fakeGithub.asked;
  await showing.publishNow();
  showing.publishSoon();
  expect(fakeGithub.asked).toHaveLength(length);
  expect(fakeGithub.checks).toEqual([]);
});
