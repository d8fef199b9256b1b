/** Children that a response creates: all of them with it, or none. */
import { expect, test } from "vitest";
import { answersTo, ask, makeRemote, makeRunner, sideRefs, trailerOf } from "../../support/bare-remote.ts";
import { answerOf, makeStage, runStage } from "../../support/run-hostile-script.ts";

const WORKFLOW =
  "start: [work, part]\nstates:\n  work: { next: done, retries: 1, children: 9 }\n  part: { next: done }\n";
const FAN_OUT = `#!/bin/sh
echo plan > plan.txt
cat >> "$TRAILHAND_OUTPUT" <<'END'
children<<LIST
[{"key": "db", "state": "part", "subject": "feat: tables", "prompt": "Make tables."},
 {"key": "ui", "state": "part"}]
LIST
END
`;
const PART = '#!/bin/sh\ntest -e plan.txt || exit 1\necho "$TRAILHAND_BRANCH" > part.txt\n';
const files = { "states/part": PART };

test("children start at the response and run like any request", async () => {
  const stage = makeStage(FAN_OUT, { workflow: WORKFLOW, files });
  await runStage(stage);
  const { repo } = stage;
  expect(answerOf(stage).state).toBe("done");
  for (const name of ["topic.db", "topic.ui"]) {
    expect(repo.git("log", "-1", "--format=%(trailers:key=State,valueonly)", name).trim()).toBe("done");
    expect(repo.git("show", `${name}:part.txt`)).toBe(name);
    expect(repo.git("rev-parse", `${name}~2`)).toBe(repo.git("rev-parse", "topic"));
  }
});

test("at a remote, children are created in the push of the response", async () => {
  const stage = makeRemote({ "states/workflow.yml": WORKFLOW, "states/work": FAN_OUT, ...files });
  const request = ask(stage, "topic", "feat: a thing\n\nPlease.\n\nState: work\n");
  await (await makeRunner(stage, "one")).run();
  expect(answersTo(stage, request)).toBe(1);
  expect(["topic", "topic.db", "topic.ui"].map((name) => trailerOf(stage, name, "State"))).toEqual(
    Array(3).fill("done"),
  );
  expect(trailerOf(stage, "topic.db~1", "Parent")).toBe("topic");
  expect(sideRefs(stage)).toEqual([]);
});

test("an existing branch of the same name is left alone: parked, and no child is created", async () => {
  const stage = makeStage(FAN_OUT, { workflow: WORKFLOW, files });
  const { repo } = stage;
  repo.git("branch", "topic.ui", "main");
  const { events } = await runStage(stage);
  expect(answerOf(stage).state).toBe("parked");
  expect(answerOf(stage).message).toContain('"topic.ui" that it would create exists already');
  expect(repo.git("branch", "--list", "topic.db")).toBe("");
  expect(repo.git("rev-parse", "topic.ui")).toBe(repo.git("rev-parse", "main"));
  expect(events.filter(({ kind }) => kind === "claimed")).toHaveLength(1);
  const salvage = repo.git("for-each-ref", "--format=%(refname)", "refs/trailhand/salvage");
  expect(repo.git("show", `${salvage}:plan.txt`)).toBe("plan");
});

test("an unknown state fails the attempt with its name", async () => {
  const stage = makeStage(FAN_OUT.replaceAll('"part"', '"prat"'), { workflow: WORKFLOW, files });
  await runStage(stage);
  expect(answerOf(stage).state).toBe("failed");
  expect(answerOf(stage).message).toContain('did you mean "part"?');
});
