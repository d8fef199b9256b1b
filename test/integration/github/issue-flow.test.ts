/**
 * Runs the App end to end: label, branch, run, a refused stranger, a comment, landing, and the
 * display on GitHub.
 */
import { expect, test } from "vitest";
import { mentionsIn } from "../../../src/github/display/mention-comment.ts";
import { STATUS_MARKER } from "../../../src/github/display/desired-state.ts";
import { APP } from "../../support/fake-github.ts";
import { git, makeRepo } from "../../support/temp-repo.ts";
import {
  commentsOf,
  eventBy,
  INTEGRATE,
  labelsOf,
  openIssue,
  serveApp,
  stateOn,
  type Account,
} from "../../support/github/github-fixture.ts";
import { until } from "../../support/until.ts";

const WORKFLOW = `lanes: { landing: 1 }
states:
  work: { next: review, retries: 0 }
  review: { human: true, next: [integrate, work] }
  integrate: { next: done, land: true, lane: landing, retries: 0 }
`;
const WORK =
  '#!/bin/sh\necho "$TRAILHAND_SUBJECT" >work.txt\necho "summary=It is written." >>"$TRAILHAND_OUTPUT"\n';

const BRANCH = "trailhand/issue-1";

test("a label starts the work, a comment continues it, it lands, and GitHub shows each step", async () => {
  const person = makeRepo({ "states/workflow.yml": WORKFLOW });
  person.write("states/work", WORK, 0o755);
  person.write("states/integrate", INTEGRATE, 0o755);
  person.commit("chore: states");
  const fixture = await serveApp(person);
  const { github, far, owner, send } = fixture;
  const issue = await openIssue(fixture, "It should greet", "Please.\n\nState: done");
  const common = eventBy(owner);

  const labelled = { action: "labeled", issue, label: { name: "state:work" }, ...common };
  expect(await send("issues", labelled, "one")).toBe(202);
  expect(await send("issues", labelled, "one")).toBe(202);
  expect(await send("issues", labelled, "the-same-again")).toBe(202);
  await until("the work", () => stateOn(fixture, BRANCH) === "review");
  // The last line of the issue's text is not read as a command.
  expect(git(far, ["show", `${BRANCH}:work.txt`])).toContain("It should greet");
  expect(git(far, ["log", "--format=%ae", "-1", `${BRANCH}~1`])).toContain("@users.noreply.github.com");
  await until("the label", async () => (await labelsOf(fixture, 1)).join() === "state:review");
  const ours = async () => (await commentsOf(fixture, 1)).filter(({ by }) => by === APP.login);
  await until("the call", async () => (await ours()).some(({ body }) => mentionsIn(body).length > 0));
  const status = (await ours()).filter(({ body }) => body.startsWith(STATUS_MARKER));
  expect(status.map(({ body }) => body.includes("**State** `review`"))).toEqual([true]);
  expect((await ours()).flatMap(({ body }) => mentionsIn(body))).toHaveLength(1);

  const commented = (id: number, body: string, by: Account) => ({
    action: "created",
    issue,
    comment: {
      id,
      body,
      user: { ...by, type: "User" },
      created_at: issue.updated_at,
      updated_at: issue.updated_at,
    },
    ...eventBy(owner, by),
  });
  const stranger = (await github.as("stranger", "GET", "/user")) as Account;
  await send("issue_comment", commented(11, "/request integrate", stranger));
  await until("the refusal", async () =>
    (await commentsOf(fixture, 1)).some(({ body }) => body.includes("write")),
  );
  expect(stateOn(fixture, BRANCH)).toBe("review");

  await send("issue_comment", commented(12, "Good.\n\n/request integrate", owner));
  await until("the landing", () => stateOn(fixture, BRANCH) === "done");
  expect(git(far, ["log", "-1", "--format=%s", "main"]).trim()).toBe("feat: what was asked for");
  await until("the last label", async () => (await labelsOf(fixture, 1)).join() === "state:done");
  const events = git(far, ["log", "--format=%(trailers:key=Event,valueonly)", BRANCH])
    .split("\n")
    .filter(Boolean);
  expect(events).toHaveLength(2);
  expect(github.checks.at(-1)).toMatchObject({ name: expect.stringContaining("trailhand") as string });
});
