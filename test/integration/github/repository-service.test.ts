/** Serves a repository while its git server is unreachable. */
import { expect, test } from "vitest";
import { commitAs } from "../../support/person-commits.ts";
import { makeRepo } from "../../support/temp-repo.ts";
import { serveApp, stateOn } from "../../support/github/github-fixture.ts";
import { until } from "../../support/until.ts";

const FILES = {
  "states/workflow.yml": "states:\n  work: { next: done, retries: 0 }\n",
  "states/work": "#!/bin/sh\ntrue\n",
};

/** Pushes a request while the App itself cannot push. */
async function prepare() {
  const person = makeRepo(FILES);
  const fixture = await serveApp(person);
  const pushes = { service: "git-receive-pack" };
  fixture.served.trouble("info/refs", "cut", pushes);
  person.git("branch", "topic");
  commitAs(person, "ann@example.com", "feat: x\n\nState: work\n");
  await fixture.pushing.push(fixture.owner, "topic");
  const tried = () => fixture.served.asked.filter(({ service }) => service === pushes.service).length;
  await until("a push was tried, twice", () => tried() > 1);
  expect(stateOn(fixture, "topic")).toBe("work");
  return fixture;
}

test("the service waits for the server, logs it once, and then runs the request", async () => {
  const fixture = await prepare();
  fixture.served.heal();
  await until("the answer", () => stateOn(fixture, "topic") === "done");
  expect(fixture.said.filter((text) => text.includes("octo/shop: "))).toHaveLength(1);
});

test("a stop does not wait for the server", async () => {
  const fixture = await prepare();
  await fixture.stop();
  expect(stateOn(fixture, "topic")).toBe("work");
});
