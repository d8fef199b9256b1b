/** Keeps GitHub up to date: a failed update is logged and retried, and none starts after a stop. */
import { expect, onTestFinished, test } from "vitest";
import { openClient } from "../../../src/github/api/client.ts";
import { octokitPublisher } from "../../../src/github/display/octokit-publisher.ts";
import { RequestThrottle } from "../../../src/github/api/request-throttle.ts";
import { Reporter } from "../../../src/server/reporter.ts";
import { makeRemoteFixture } from "../../support/remote-workspace.ts";
import { NAME, OWNER, startFakeGitHub, TOKEN } from "../../support/fake-github.ts";
import { ask } from "../../support/bare-remote.ts";
import { until } from "../../support/until.ts";

async function prepare() {
  const far = await makeRemoteFixture("files", {
    "states/workflow.yml": "states:\n  work: { next: done }\n",
    "states/work": "#!/bin/sh\ntrue\n",
  });
  ask(far, "topic", "feat: x\n\nState: work\n");
  const github = await startFakeGitHub();
  const said: string[] = [];
  const { request } = await openClient({
    baseUrl: github.url,
    throttle: new RequestThrottle(Date.now, { writeMs: 0 }),
    token: () => Promise.resolve(TOKEN),
  });
  const repo = { owner: OWNER, name: NAME };
  const showing = new Reporter({
    workspace: await far.open(),
    publisher: octokitPublisher(request, repo),
    repo,
    server: "https://github.com",
    self: { accountId: github.botId, appId: undefined },
    log: (text) => said.push(text),
    retryMs: 10,
  });
  return { github, said, showing };
}

test("a failed update is logged and retried", async () => {
  const { github, said, showing } = await prepare();
  github.trouble({ status: 403, message: "Resource not accessible", times: 2 });
  showing.publishSoon();
  await until("the check", () => github.checks.length > 0);
  expect(said).toHaveLength(2);
  expect(said[0]).toContain("Resource not accessible");
  await showing.stop();
});

test("an update that GitHub postpones for months is not retried at once", async () => {
  const { github, showing } = await prepare();
  const headers = { "retry-after": "9999999" };
  github.trouble({ method: "POST", path: /check-runs$/, status: 403, headers });
  // A timer beyond node's limit would fire at once, with a warning.
  const warned: string[] = [];
  const hear = ({ name }: Error) => void warned.push(name);
  process.on("warning", hear);
  onTestFinished(() => void process.off("warning", hear));
  await showing.publishNow();
  await new Promise(setImmediate);
  expect(github.writes()).toHaveLength(1);
  expect(warned).not.toContain("TimeoutOverflowWarning");
  await showing.stop();
});

test("no update starts after a stop", async () => {
  const { github, said, showing } = await prepare();
  github.trouble({ status: 403, times: 100 });
  showing.publishSoon();
  await until("it has failed", () => said.length > 0);
  await showing.stop();
  const { length } = github.asked;
  await showing.publishNow();
  showing.publishSoon();
  expect(github.asked).toHaveLength(length);
  expect(github.checks).toEqual([]);
});
