/** The built program, `trailhand serve`, from a signed label to the answer and what GitHub shows of it. */
import { expect, test } from "vitest";
import { git, makeRepo } from "../../support/temp-repo.ts";
import { SECRET } from "../../support/webhooks.ts";
import { commentsOf, eventBy, openIssue, startApp, stateOn } from "../../support/github/github-fixture.ts";
import { until } from "../../support/until.ts";

test("a label is worked off by the program as it is installed", async () => {
  const person = makeRepo({
    "states/workflow.yml": "states:\n  work: { next: done, retries: 0 }\n",
    "states/work": "#!/bin/sh\nenv >env.txt\n",
  });
  const scene = await startApp(person);
  const issue = await openIssue(scene, "Do it", "Please.");
  const labelled = { action: "labeled", issue, label: { name: "state:work" }, ...eventBy(scene.owner) };
  expect(await scene.send("issues", labelled)).toBe(202);
  const branch = "trailhand/issue-1";
  await until("it is done", () => stateOn(scene, branch) === "done");
  await until("it is shown", async () => (await commentsOf(scene, 1)).length > 0);
  // What the server holds is in nobody's reach who writes a script.
  const given = git(scene.far, ["show", `${branch}:env.txt`]);
  expect(given).toContain("TRAILHAND_STATE=work");
  for (const secret of ["PRIVATE_KEY", "WEBHOOK_SECRET", "APP_ID", "ghs_", SECRET])
    expect(given).not.toContain(secret);
  expect(await scene.stop()).toBe(0);
  expect(scene.said()).not.toMatch(/ghs_|BEGIN RSA/);
});
