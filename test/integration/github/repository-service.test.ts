/** A repository that the App serves, while its git server is away. */
import { expect, test } from "vitest";
import { commitAs } from "../../support/person-commits.ts";
import { makeRepo } from "../../support/temp-repo.ts";
import { serveApp, stateOn } from "../../support/github/github-fixture.ts";
import { until } from "../../support/until.ts";

const FILES = {
  "states/workflow.yml": "states:\n  work: { next: done, retries: 0 }\n",
  "states/work": "#!/bin/sh\ntrue\n",
};

/** A request that was pushed while nothing can be pushed by us. */
async function prepare() {
  const person = makeRepo(FILES);
  const scene = await serveApp(person);
  const pushes = { service: "git-receive-pack" };
  scene.served.trouble("info/refs", "cut", pushes);
  person.git("branch", "topic");
  commitAs(person, "ann@example.com", "feat: x\n\nState: work\n");
  await scene.pushing.push(scene.owner, "topic");
  const tried = () => scene.served.asked.filter(({ service }) => service === pushes.service).length;
  await until("a push was tried, twice", () => tried() > 1);
  expect(stateOn(scene, "topic")).toBe("work");
  return scene;
}

test("is waited for, which is said once, and then it is worked on", async () => {
  const scene = await prepare();
  scene.served.heal();
  await until("the answer", () => stateOn(scene, "topic") === "done");
  expect(scene.said.filter((text) => text.includes("octo/shop: "))).toHaveLength(1);
});

test("is not waited for by a stop", async () => {
  const scene = await prepare();
  await scene.stop();
  expect(stateOn(scene, "topic")).toBe("work");
});
