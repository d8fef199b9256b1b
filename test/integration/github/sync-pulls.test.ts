/** Pull requests and the end of issues, from real refs: opened once, closed when the work is there. */
import { describe, expect, test } from "vitest";
import { mentionsIn } from "../../../src/github/display/mention-comment.ts";
import { run } from "../../support/run-runner.ts";
import { call, comments, labels, makeStage, ROOT, type Stage } from "../../support/github/run-sync.ts";

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
const pulls = async ({ fakeGithub }: Stage): Promise<Pull[]> =>
  (await fakeGithub.as("octo", "GET", `${ROOT}/pulls?state=all`)) as Pull[];
const issue = async ({ fakeGithub, number }: Stage) =>
  (await fakeGithub.as("octo", "GET", `${ROOT}/issues/${number}`)) as { state: string; state_reason: string };
const change = ({ fakeGithub }: Stage, path: string, body: object) =>
  fakeGithub.as("octo", "PATCH", `${ROOT}/${path}`, body);
const branchOf = ({ number }: Stage) => `trailhand/issue-${number}`;

/** Work that stands at `review`, of which GitHub shows nothing yet. */
async function atReview(): Promise<Stage> {
  const stage = await makeStage(FILES);
  stage.fakeGithub.repository(stage.repo.dir);
  await run(stage.repo);
  return stage;
}

/** A person goes on from where the branch stands. */
function ask(stage: Stage, state: string): void {
  const { repo } = stage;
  repo.git("switch", "-q", branchOf(stage));
  repo.request(`chore: go on\n\nState: ${state}\nBranch: ${branchOf(stage)}\n`);
  repo.git("switch", "-q", "main");
}

describe("a pull request", () => {
  test("is opened once, and calls by what is shown there", async () => {
    const stage = await atReview();
    const dry = await call(stage, {}, "--dry-run");
    expect(dry.out).toMatch(/trailhand\/issue-1 +create-pull +fix: it breaks/);
    expect(stage.fakeGithub.writes()).toEqual([]);
    expect((await call(stage)).code).toBe(0);
    const [pull, ...others] = await pulls(stage);
    expect([pull, others]).toMatchObject([{ title: "fix: it breaks", state: "open" }, []]);
    expect(pull?.body).toContain("It is there.");
    const there = { ...stage, number: pull?.number ?? 0 };
    expect(await labels(there)).toEqual(["state:review"]);
    const said = [...(await comments(stage)), ...(await comments(there))];
    expect(said.map(({ body }) => mentionsIn(body).length)).toEqual([0, 1]);
    stage.fakeGithub.forget();
    expect(await call(stage)).toMatchObject({ code: 0, out: "" });
    expect(stage.fakeGithub.writes()).toEqual([]);
  });

  test("is one, though GitHub says that it was not made, or that somebody was first", async () => {
    const stage = await atReview();
    stage.fakeGithub.trouble({ method: "POST", path: /\/pulls$/, status: 502, runs: true });
    expect((await call(stage)).code).toBe(0);
    expect(await pulls(stage)).toHaveLength(1);
    expect(stage.fakeGithub.writes().filter(({ path }) => path.endsWith("/pulls"))).toHaveLength(1);
    const second = await atReview();
    // What GitHub listed a moment ago lacks it.
    const made = { title: "mine", head: branchOf(second), base: "main" };
    await second.fakeGithub.as("stranger", "POST", `${ROOT}/pulls`, made).catch(() => undefined);
    await second.fakeGithub.as("octo", "POST", `${ROOT}/pulls`, made).catch(() => undefined);
    second.fakeGithub.trouble({ path: /\/pulls\?/, status: 200, data: [], times: 2 });
    expect(await call(second)).toMatchObject({
      code: 0,
      err: expect.not.stringContaining("refused") as string,
    });
    expect(await pulls(second)).toHaveLength(1);
  });

  test("that GitHub refuses is told, and all else is shown, the call too", async () => {
    const stage = await atReview();
    const message = "GitHub Actions is not permitted to create or approve pull requests.";
    stage.fakeGithub.trouble({ method: "POST", path: /\/pulls$/, status: 403, message });
    const { code, err } = await call(stage);
    expect([code, err.match(/refused: [^\n]*/g)]).toEqual([
      1,
      [expect.stringContaining(`create-pull at ${branchOf(stage)}: ${message}`)],
    ]);
    expect((await comments(stage)).flatMap(({ body }) => mentionsIn(body))).toHaveLength(1);
  });

  test("that GitHub wants later is later, and so is all that is shown at it", async () => {
    const stage = await atReview();
    const headers = { "retry-after": "7200" };
    stage.fakeGithub.trouble({ method: "POST", path: /\/pulls$/, status: 403, headers });
    expect((await call(stage)).code).toBe(75);
    expect(stage.fakeGithub.writes().map(({ path }) => path)).toEqual([`${ROOT}/pulls`]);
    const message = `Validation Failed: No commits between main and ${branchOf(stage)}`;
    stage.fakeGithub.trouble({ method: "POST", path: /\/pulls$/, status: 422, message });
    expect(await call(stage)).toMatchObject({ code: 1, err: expect.stringContaining(message) as string });
  });

  test("that somebody closed is opened anew when the branch has moved, not before", async () => {
    const stage = await atReview();
    await call(stage);
    const [first] = await pulls(stage);
    await change(stage, `pulls/${first?.number}`, { state: "closed" });
    await call(stage);
    expect((await pulls(stage)).map(({ state }) => state)).toEqual(["closed"]);
    ask(stage, "review");
    await call(stage);
    expect((await pulls(stage)).map(({ state }) => state).toSorted()).toEqual(["closed", "open"]);
  });

  test("is not opened for a branch without commits of its own", async () => {
    const stage = await atReview();
    stage.repo.git("merge", "-q", "--no-ff", "-m", "merge", branchOf(stage));
    await call(stage);
    expect(await pulls(stage)).toEqual([]);
  });
});

describe("the end of the work", () => {
  test("closes issue and pull request when it landed as another commit, and what is opened again stays open", async () => {
    const stage = await atReview();
    await call(stage);
    const [pull] = await pulls(stage);
    ask(stage, "integrate");
    await call(stage);
    expect((await issue(stage)).state).toBe("open");
    await run(stage.repo);
    stage.fakeGithub.forget();
    expect((await call(stage)).code).toBe(0);
    expect(await issue(stage)).toMatchObject({ state: "closed", state_reason: "completed" });
    expect((await pulls(stage)).map(({ state }) => state)).toEqual(["closed"]);
    const [status] = await comments({ ...stage, number: pull?.number ?? 0 });
    expect(status?.body).toContain("finished; merged into `main`");
    // What became of it stands there before it is closed.
    const paths = stage.fakeGithub.writes().map(({ method, path }) => `${method} ${path}`);
    expect(paths.slice(-2).toSorted()).toEqual([
      `PATCH ${ROOT}/issues/${stage.number}`,
      `PATCH ${ROOT}/pulls/${pull?.number}`,
    ]);
    await change(stage, `issues/${stage.number}`, { state: "open", state_reason: "reopened" });
    expect(await call(stage)).toMatchObject({ code: 0, out: "" });
    expect((await issue(stage)).state).toBe("open");
  });

  test("waits with closing until it is said, when GitHub does not take the comment at once", async () => {
    const stage = await atReview();
    await call(stage);
    const [pull] = await pulls(stage);
    const there = { ...stage, number: pull?.number ?? 0 };
    for (const { id } of await comments(there))
      await stage.fakeGithub.as("octo", "DELETE", `${ROOT}/issues/comments/${id}`);
    ask(stage, "integrate");
    await run(stage.repo);
    stage.fakeGithub.forget();
    stage.fakeGithub.trouble({ method: "POST", path: new RegExp(`/${there.number}/comments$`), status: 502 });
    expect((await call(stage)).code).toBe(0);
    const writes = stage.fakeGithub.writes();
    const said = writes.findLastIndex(({ path }) => path.endsWith(`/${there.number}/comments`));
    const closed = writes.findIndex(({ path }) => path.endsWith(`/pulls/${there.number}`));
    expect([writes[said]?.status, closed > said, await comments(there)]).toMatchObject([201, true, [{}]]);
  });

  test("closes an issue once the branch itself was merged, not when it is only done", async () => {
    const stage = await atReview();
    ask(stage, "done");
    await call(stage);
    expect((await issue(stage)).state).toBe("open");
    stage.repo.git("merge", "-q", "--no-ff", "-m", "merge", branchOf(stage));
    await call(stage);
    expect(await issue(stage)).toMatchObject({ state: "closed", state_reason: "completed" });
  });

  test("is not believed of an archive that holds something else", async () => {
    const stage = await atReview();
    ask(stage, "done");
    const { repo } = stage;
    const head = repo.git("rev-parse", branchOf(stage));
    repo.git("update-ref", `refs/trailhand/archive/${branchOf(stage)}/${head.slice(0, 12)}`, "main");
    await call(stage);
    expect((await issue(stage)).state).toBe("open");
    repo.git("update-ref", `refs/trailhand/archive/${branchOf(stage)}/${head.slice(0, 12)}`, head);
    await call(stage);
    expect((await issue(stage)).state).toBe("closed");
  });

  test("of other work closes nothing: a new branch holds what the trusted branch holds", async () => {
    const stage = await atReview();
    stage.repo.request("chore: something else\n\nState: done\n");
    stage.repo.git("branch", "-f", branchOf(stage), "main");
    expect((await call(stage)).code).toBe(0);
    expect(await labels(stage)).toEqual(["state:done"]);
    expect((await issue(stage)).state).toBe("open");
  });
});
