/** An unbound request is answered on one branch only, whatever branches are created at it. */
import { expect, test } from "vitest";
import { makeRepo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";

const answered = (ran: Awaited<ReturnType<typeof run>>) =>
  ran.events.flatMap((event) => (event.kind === "answered" ? [String(event.branch)] : [])).toSorted();

test("a script that creates branches at its request does not multiply the work", async () => {
  const repo = makeRepo({
    "states/work":
      '#!/bin/sh\ngit switch -qc "made-$TRAILHAND_RUN"\ngit push -q origin HEAD\necho state=done >>"$TRAILHAND_OUTPUT"\n',
  });
  repo.git("remote", "add", "origin", repo.dir);
  repo.git("switch", "-qc", "feat/x");
  repo.request("do it\n\nState: work\n");
  expect(answered(await run(repo))).toEqual(["feat/x"]);
  const again = await run(repo);
  expect(answered(again)).toEqual([]);
  expect(again.summary.idle).toContainEqual(
    expect.objectContaining({ why: { code: "bound-elsewhere", detail: "feat/x" } }),
  );
});

test("of two branches at one request, the first by name gets it, also after the answer", async () => {
  const repo = makeRepo({ "states/work": '#!/bin/sh\necho state=done >>"$TRAILHAND_OUTPUT"\n' });
  repo.git("switch", "-qc", "feat/b");
  repo.request("do it\n\nState: work\n");
  repo.git("branch", "feat/a");
  expect(answered(await run(repo))).toEqual(["feat/a"]);
  expect(answered(await run(repo))).toEqual([]);
});

test("a branch on top of a waiting request does not take it over", async () => {
  const repo = makeRepo({ "states/work": '#!/bin/sh\necho state=done >>"$TRAILHAND_OUTPUT"\n' });
  repo.git("switch", "-qc", "feat/base");
  repo.request("do it\n\nState: work\n");
  repo.git("switch", "-qc", "feat/stacked");
  repo.write("more.txt", "more\n");
  repo.commit("more\n\nMentions an answer: Answers: none\n");
  expect(answered(await run(repo))).toEqual(["feat/base"]);
});

test("a branch name that no message can contain is parked with its reason", async () => {
  const repo = makeRepo({ "states/work": "#!/bin/sh\nexit 0\n" });
  repo.git("switch", "-qc", "feat/x\u200e");
  repo.request("do it\n\nState: work\n");
  const { summary } = await run(repo);
  expect(summary).toMatchObject({ startedCount: 0, faultCount: 0 });
  expect(summary.idle).toContainEqual(
    expect.objectContaining({ kind: "park", why: { code: "unwritable", detail: "feat/x\u200e" } }),
  );
});
