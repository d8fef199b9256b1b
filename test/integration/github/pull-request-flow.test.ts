/**
 * Runs the App end to end with a pull request: label, branch, run, pull request, approval, landing,
 * and the display on GitHub at each step.
 */
import { expect, test } from "vitest";
import { APP } from "../../support/fake-github.ts";
import { git, makeRepo } from "../../support/temp-repo.ts";
import {
  commentsOf,
  eventBy,
  INTEGRATE,
  labelsOf,
  openIssue,
  ROOT,
  serveApp,
  stateOn,
  type Account,
  type GitHubFixture,
} from "../../support/github/github-fixture.ts";
import { until } from "../../support/until.ts";

const workflow = (owner: string) => `limits: { hops: 20 }
lanes: { landing: 1 }
people: { owners: ["${owner}"] }
states:
  work: { next: review, retries: 0 }
  review: { wait: approvals 1 by owners, deadline: 24h, otherwise: work, next: integrate, pull: true }
  integrate: { next: done, land: true, lane: landing, retries: 0 }
`;
const WORK =
  '#!/bin/sh\necho "$TRAILHAND_SUBJECT" >work.txt\necho "summary=It greets @everybody, see #4." >>"$TRAILHAND_OUTPUT"\n';
const BRANCH = "trailhand/issue-1";

interface Pull {
  readonly number: number;
  readonly state: string;
  readonly title: string;
  readonly body: string;
  readonly user: Account;
  readonly head: { readonly sha: string; readonly ref: string };
}

const pullsOf = async ({ github }: GitHubFixture): Promise<Pull[]> =>
  (await github.as("octo", "GET", `${ROOT}/pulls?state=all`)) as Pull[];
const issueOf = async ({ github }: GitHubFixture) =>
  (await github.as("octo", "GET", `${ROOT}/issues/1`)) as { state: string; state_reason: string | null };

test("a pull request is opened, approved, landed and closed", async () => {
  const person = makeRepo({ "states/workflow.yml": workflow("nobody@example.com") });
  person.write("states/work", WORK, 0o755);
  person.write("states/integrate", INTEGRATE, 0o755);
  person.commit("chore: states");
  const fixture = await serveApp(person);
  const { github, far, owner, send } = fixture;
  person.write("states/workflow.yml", workflow(`${owner.id}+${owner.login}@users.noreply.github.com`));
  person.commit("chore: who approves");
  git(far, ["fetch", "-q", person.dir, "+main:main"]);
  const app = (await github.as("octo", "GET", `/users/${encodeURIComponent(APP.login)}`)) as Account;
  const issue = await openIssue(fixture, "Fixes #5: greet @everybody", "Please.\n\nState: done");

  const label = { name: "state:work" };
  await send("issues", { action: "labeled", issue, label, ...eventBy(owner) }, "one");
  await until("the pull request", async () => (await pullsOf(fixture)).length > 0);
  const [opened] = await pullsOf(fixture);
  if (!opened) throw new Error("no pull request");
  const { number } = opened;
  expect(opened).toMatchObject({ title: "Fixes ＃5: greet ＠everybody", head: { ref: BRANCH } });
  expect(opened.user.login).toBe(APP.login);
  expect(opened.body).toMatch(/\nCloses #1$/);
  expect(opened.body).not.toMatch(/(?<!`[^`]*)@everybody/);
  const about = { pull_request: { ...opened, updated_at: issue.updated_at }, number };
  await send("pull_request", { action: "opened", ...about, ...eventBy(owner, app) });

  // People who may approve are mentioned there and nowhere else.
  const calls = async (at: number) =>
    (await commentsOf(fixture, at)).filter(({ body }) => body.includes("trailhand:call"));
  await until("the call", async () => (await calls(number)).length > 0);
  await until("the label there", async () => (await labelsOf(fixture, number)).join() === "state:review");
  const request = git(far, ["rev-parse", BRANCH]).trim();
  expect(await calls(number)).toMatchObject([
    { by: APP.login, body: expect.stringContaining(`\`/approve ${request}\`\n\nThis is about`) as string },
  ]);
  expect((await calls(number))[0]?.body).toContain(`\n\n@${owner.login}`);
  expect(await calls(1)).toEqual([]);

  const said = (id: number, body: string, by: Account) => ({
    action: "created",
    issue: { number, pull_request: {} },
    comment: { id, body, user: { ...by, type: "User" } },
    ...eventBy(owner, by),
  });
  const stranger = (await github.as("stranger", "GET", "/user")) as Account;
  await send("issue_comment", said(11, `/approve ${request}`, stranger));
  await until("the refusal", async () =>
    (await commentsOf(fixture, number)).some(({ body }) => /needs the right/.test(body)),
  );
  expect(git(far, ["rev-parse", BRANCH]).trim()).toBe(request);
  expect((await issueOf(fixture)).state).toBe("open");

  const review = {
    id: 21,
    user: { ...owner, type: "User" },
    body: "",
    state: "approved",
    commit_id: request,
  };
  await send("pull_request_review", { action: "submitted", review, ...about, ...eventBy(owner) });
  await until("the landing", () => stateOn(fixture, BRANCH) === "done");
  expect(git(far, ["log", "-1", "--format=%s", "main"]).trim()).toBe("feat: what was asked for");
  await until("the end of the issue", async () => (await issueOf(fixture)).state === "closed");
  expect((await issueOf(fixture)).state_reason).toBe("completed");
  await until("the end of the pull request", async () => (await pullsOf(fixture))[0]?.state === "closed");
  for (const at of [1, number]) {
    expect(await labelsOf(fixture, at)).toEqual(["state:done"]);
    const status = (await commentsOf(fixture, at)).filter(({ body }) => body.includes("trailhand:status"));
    expect(status).toMatchObject([
      { body: expect.stringContaining("finished; merged into `main`") as string },
    ]);
  }
  const head = git(far, ["rev-parse", BRANCH]).trim();
  expect(github.checks.filter((check) => check["head_sha"] === head)).toMatchObject([
    { name: "trailhand / done", conclusion: "success" },
  ]);

  // GitHub also delivers the App's own events. A person's command proves that they were handled.
  await send("pull_request", { action: "closed", ...about, ...eventBy(owner, app) });
  await send("issues", { action: "closed", issue, ...eventBy(owner, app) });
  await send("issue_comment", said(12, "/status", owner));
  await until("the status", async () =>
    (await commentsOf(fixture, number)).some(
      ({ body }) => body.includes("finished") && !body.includes("<!--"),
    ),
  );
  expect(git(far, ["rev-parse", BRANCH]).trim()).toBe(head);
  expect(await pullsOf(fixture)).toHaveLength(1);
  expect(await calls(number)).toHaveLength(1);
});
