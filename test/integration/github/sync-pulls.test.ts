/** Pull requests and issues from real refs: opened once, and closed when the work is merged. */
import { describe, expect, test } from "vitest";
import { mentionsIn } from "../../../src/github/display/mention-comment.ts";
import { run } from "../../support/run-runner.ts";
import {
  call,
  comments,
  labels,
  makeSyncFixture,
  ROOT,
  type SyncFixture,
} from "../../support/github/run-sync.ts";

const FILES = {
  "states/work": '#!/bin/sh\necho it >it.txt\necho "summary=It is there." >>$TRAILHAND_OUTPUT\n',
  "states/integrate": `#!/bin/sh
set -e
git checkout -q --detach "$TRAILHAND_TARGET_COMMIT"
git checkout -q "$TRAILHAND_COMMIT" -- it.txt
git commit -q -m "feat: it"
echo "land=$(git rev-parse HEAD)" >>"$TRAILHAND_OUTPUT"
git checkout -q --detach "$TRAILHAND_COMMIT"
`,
  "states/workflow.yml": `states:
  work: { next: review }
  review: { human: true, next: [integrate, done], pull: true }
  integrate: { next: done, land: true, retries: 0 }
`,
};

interface Pull {
  readonly number: number;
  readonly state: string;
  readonly title: string;
  readonly body: string;
}
const pulls = async ({ github }: SyncFixture): Promise<Pull[]> =>
  (await github.as("octo", "GET", `${ROOT}/pulls?state=all`)) as Pull[];
const issue = async ({ github, number }: SyncFixture) =>
  (await github.as("octo", "GET", `${ROOT}/issues/${number}`)) as { state: string; state_reason: string };
const change = ({ github }: SyncFixture, path: string, body: object) =>
  github.as("octo", "PATCH", `${ROOT}/${path}`, body);
const branchOf = ({ number }: SyncFixture) => `trailhand/issue-${number}`;

/** Work in the state `review` that GitHub does not show yet. */
async function atReview(): Promise<SyncFixture> {
  const fixture = await makeSyncFixture(FILES);
  fixture.github.repository(fixture.repo.dir);
  await run(fixture.repo);
  return fixture;
}

/** A person continues from the head of the branch. */
function ask(fixture: SyncFixture, state: string): void {
  const { repo } = fixture;
  repo.git("switch", "-q", branchOf(fixture));
  repo.request(`chore: go on\n\nState: ${state}\nBranch: ${branchOf(fixture)}\n`);
  repo.git("switch", "-q", "main");
}

describe("a pull request", () => {
  test("is opened once, and its comment asks a person to act", async () => {
    const fixture = await atReview();
    const dry = await call(fixture, {}, "--dry-run");
    expect(dry.out).toMatch(/trailhand\/issue-1 +create-pull +fix: it breaks/);
    expect(fixture.github.writes()).toEqual([]);
    expect((await call(fixture)).code).toBe(0);
    const [pull, ...others] = await pulls(fixture);
    expect([pull, others]).toMatchObject([{ title: "fix: it breaks", state: "open" }, []]);
    expect(pull?.body).toContain("It is there.");
    const there = { ...fixture, number: pull?.number ?? 0 };
    expect(await labels(there)).toEqual(["state:review"]);
    const said = [...(await comments(fixture)), ...(await comments(there))];
    expect(said.map(({ body }) => mentionsIn(body).length)).toEqual([0, 1]);
    fixture.github.forget();
    expect(await call(fixture)).toMatchObject({ code: 0, out: "" });
    expect(fixture.github.writes()).toEqual([]);
  });

  test("is opened once, despite an error or a concurrent pull request", async () => {
    const fixture = await atReview();
    fixture.github.trouble({ method: "POST", path: /\/pulls$/, status: 502, runs: true });
    expect((await call(fixture)).code).toBe(0);
    expect(await pulls(fixture)).toHaveLength(1);
    expect(fixture.github.writes().filter(({ path }) => path.endsWith("/pulls"))).toHaveLength(1);
    const second = await atReview();
    // GitHub's earlier list lacks it.
    const made = { title: "mine", head: branchOf(second), base: "main" };
    await second.github.as("stranger", "POST", `${ROOT}/pulls`, made).catch(() => undefined);
    await second.github.as("octo", "POST", `${ROOT}/pulls`, made).catch(() => undefined);
    second.github.trouble({ path: /\/pulls\?/, status: 200, data: [], times: 2 });
    expect(await call(second)).toMatchObject({
      code: 0,
      err: expect.not.stringContaining("refused") as string,
    });
    expect(await pulls(second)).toHaveLength(1);
  });

  test("that GitHub refuses is reported, and everything else is shown", async () => {
    const fixture = await atReview();
    const message = "GitHub Actions is not permitted to create or approve pull requests.";
    fixture.github.trouble({ method: "POST", path: /\/pulls$/, status: 403, message });
    const { code, err } = await call(fixture);
    expect([code, err.match(/refused: [^\n]*/g)]).toEqual([
      1,
      [expect.stringContaining(`create-pull at ${branchOf(fixture)}: ${message}`)],
    ]);
    expect((await comments(fixture)).flatMap(({ body }) => mentionsIn(body))).toHaveLength(1);
  });

  test("that GitHub postpones is postponed with everything shown on it", async () => {
    const fixture = await atReview();
    const headers = { "retry-after": "7200" };
    fixture.github.trouble({ method: "POST", path: /\/pulls$/, status: 403, headers });
    expect((await call(fixture)).code).toBe(75);
    expect(fixture.github.writes().map(({ path }) => path)).toEqual([`${ROOT}/pulls`]);
    const message = `Validation Failed: No commits between main and ${branchOf(fixture)}`;
    fixture.github.trouble({ method: "POST", path: /\/pulls$/, status: 422, message });
    expect(await call(fixture)).toMatchObject({ code: 1, err: expect.stringContaining(message) as string });
  });

  test("that a person closed is opened again only after the branch moved", async () => {
    const fixture = await atReview();
    await call(fixture);
    const [first] = await pulls(fixture);
    await change(fixture, `pulls/${first?.number}`, { state: "closed" });
    await call(fixture);
    expect((await pulls(fixture)).map(({ state }) => state)).toEqual(["closed"]);
    ask(fixture, "review");
    await call(fixture);
    expect((await pulls(fixture)).map(({ state }) => state).toSorted()).toEqual(["closed", "open"]);
  });

  test("is not opened for a branch without its own commits", async () => {
    const fixture = await atReview();
    fixture.repo.git("merge", "-q", "--no-ff", "-m", "merge", branchOf(fixture));
    await call(fixture);
    expect(await pulls(fixture)).toEqual([]);
  });
});

describe("the end of the work", () => {
  test("closes issue and pull request when the work landed as another commit, and leaves reopened ones open", async () => {
    const fixture = await atReview();
    await call(fixture);
    const [pull] = await pulls(fixture);
    ask(fixture, "integrate");
    await call(fixture);
    expect((await issue(fixture)).state).toBe("open");
    await run(fixture.repo);
    fixture.github.forget();
    expect((await call(fixture)).code).toBe(0);
    expect(await issue(fixture)).toMatchObject({ state: "closed", state_reason: "completed" });
    expect((await pulls(fixture)).map(({ state }) => state)).toEqual(["closed"]);
    const [status] = await comments({ ...fixture, number: pull?.number ?? 0 });
    expect(status?.body).toContain("finished; merged into `main`");
    // The result is visible before the issue is closed.
    const paths = fixture.github.writes().map(({ method, path }) => `${method} ${path}`);
    expect(paths.slice(-2).toSorted()).toEqual([
      `PATCH ${ROOT}/issues/${fixture.number}`,
      `PATCH ${ROOT}/pulls/${pull?.number}`,
    ]);
    await change(fixture, `issues/${fixture.number}`, { state: "open", state_reason: "reopened" });
    expect(await call(fixture)).toMatchObject({ code: 0, out: "" });
    expect((await issue(fixture)).state).toBe("open");
  });

  test("closes only after the comment was written", async () => {
    const fixture = await atReview();
    await call(fixture);
    const [pull] = await pulls(fixture);
    const there = { ...fixture, number: pull?.number ?? 0 };
    for (const { id } of await comments(there))
      await fixture.github.as("octo", "DELETE", `${ROOT}/issues/comments/${id}`);
    ask(fixture, "integrate");
    await run(fixture.repo);
    fixture.github.forget();
    fixture.github.trouble({ method: "POST", path: new RegExp(`/${there.number}/comments$`), status: 502 });
    expect((await call(fixture)).code).toBe(0);
    const writes = fixture.github.writes();
    const said = writes.findLastIndex(({ path }) => path.endsWith(`/${there.number}/comments`));
    const closed = writes.findIndex(({ path }) => path.endsWith(`/pulls/${there.number}`));
    expect([writes[said]?.status, closed > said, await comments(there)]).toMatchObject([201, true, [{}]]);
  });

  test("closes an issue after the branch was merged, not when it is only done", async () => {
    const fixture = await atReview();
    ask(fixture, "done");
    await call(fixture);
    expect((await issue(fixture)).state).toBe("open");
    fixture.repo.git("merge", "-q", "--no-ff", "-m", "merge", branchOf(fixture));
    await call(fixture);
    expect(await issue(fixture)).toMatchObject({ state: "closed", state_reason: "completed" });
  });

  test("ignores an archive with other commits", async () => {
    const fixture = await atReview();
    ask(fixture, "done");
    const { repo } = fixture;
    const head = repo.git("rev-parse", branchOf(fixture));
    repo.git("update-ref", `refs/trailhand/archive/${branchOf(fixture)}/${head.slice(0, 12)}`, "main");
    await call(fixture);
    expect((await issue(fixture)).state).toBe("open");
    repo.git("update-ref", `refs/trailhand/archive/${branchOf(fixture)}/${head.slice(0, 12)}`, head);
    await call(fixture);
    expect((await issue(fixture)).state).toBe("closed");
  });

  test("does not close the issue of a new branch without its own commits", async () => {
    const fixture = await atReview();
    fixture.repo.request("chore: something else\n\nState: done\n");
    fixture.repo.git("branch", "-f", branchOf(fixture), "main");
    expect((await call(fixture)).code).toBe(0);
    expect(await labels(fixture)).toEqual(["state:done"]);
    expect((await issue(fixture)).state).toBe("open");
  });
});
