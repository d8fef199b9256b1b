/** Two accounts that show the same repository: each has its own comment, and neither undoes the other's. */
import { expect, test } from "vitest";
import { openClient } from "../../../src/github/api/client.ts";
import { RequestThrottle } from "../../../src/github/api/request-throttle.ts";
import { octokitPublisher } from "../../../src/github/display/octokit-publisher.ts";
import { project } from "../../../src/github/display/project.ts";
import { reconcile } from "../../../src/github/display/apply.ts";
import { NAME, OWNER, startFakeGitHub, TOKEN } from "../../support/fake-github.ts";
import { answer, ask, projected, seenOf } from "../../support/github/branch-builders.ts";

const ROOT = `/repos/${OWNER}/${NAME}`;

test("both settle, with one comment each", async () => {
  const github = await startFakeGitHub();
  const made = await github.as("stranger", "POST", `${ROOT}/issues`, { title: "it breaks" });
  const { number } = made as { number: number };
  const owner = (await github.as(OWNER, "GET", "/user")) as { id: number };
  const open = async (token: string, accountId: number, appId: number | undefined) => {
    const throttle = new RequestThrottle(Date.now, { writeMs: 0 });
    const { request } = await openClient({
      baseUrl: github.url,
      throttle,
      token: () => Promise.resolve(token),
    });
    return { publisher: octokitPublisher(request, { owner: OWNER, name: NAME }), self: { accountId, appId } };
  };
  const both = [await open(TOKEN, github.botId, 77), await open(`token-of-${OWNER}`, owner.id, undefined)];
  const show = async (...commits: readonly string[]): Promise<number> => {
    const wanted = project(projected([seenOf(`trailhand/issue-${number}`, [ask("work"), ...commits])]));
    const written = [];
    for (const { publisher, self } of both) written.push(...(await reconcile(publisher, wanted, self)).done);
    return written.length;
  };
  const comments = async () =>
    (
      (await github.as("stranger", "GET", `${ROOT}/issues/${number}/comments`)) as {
        user: { login: string };
      }[]
    ).map(({ user }) => user.login);
  expect(await show()).toBeGreaterThan(0);
  expect(await show()).toBe(0);
  expect(await show(answer(1, "done"))).toBeGreaterThan(0);
  expect(await show(answer(1, "done"))).toBe(0);
  expect((await comments()).toSorted()).toEqual([OWNER, "trailhand-bot"].toSorted());
});
