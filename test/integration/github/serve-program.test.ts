/** Runs the built program `trailhand serve` from a signed label to the response and its display. */
import { expect, test } from "vitest";
import { git, makeRepo } from "../../support/temp-repo.ts";
import { SECRET } from "../../support/webhooks.ts";
import { commentsOf, eventBy, openIssue, startApp, stateOn } from "../../support/github/github-fixture.ts";
import { until } from "../../support/until.ts";

test("the installed program handles a label", async () => {
  const person = makeRepo({
    "states/workflow.yml": "states:\n  work: { next: done, retries: 0 }\n",
    "states/work": "#!/bin/sh\nenv >env.txt\n",
  });
  const fixture = await startApp(person);
  const issue = await openIssue(fixture, "Do it", "Please.");
  const labelled = { action: "labeled", issue, label: { name: "state:work" }, ...eventBy(fixture.owner) };
  expect(await fixture.send("issues", labelled)).toBe(202);
  const branch = "trailhand/issue-1";
  await until("it is done", () => stateOn(fixture, branch) === "done");
  await until("it is shown", async () => (await commentsOf(fixture, 1)).length > 0);
  // A script cannot read the server's secrets.
  const given = git(fixture.far, ["show", `${branch}:env.txt`]);
  expect(given).toContain("TRAILHAND_STATE=work");
  for (const secret of ["PRIVATE_KEY", "WEBHOOK_SECRET", "APP_ID", "ghs_", SECRET])
    expect(given).not.toContain(secret);
  expect(await fixture.stop()).toBe(0);
  expect(fixture.said()).not.toMatch(/ghs_|BEGIN RSA/);
});
