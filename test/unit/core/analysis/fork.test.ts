import { expect, test } from "vitest";
import { draftFork } from "../../../../src/core/analysis/fork.ts";
import type { Branch, Sha } from "../../../../src/core/protocol/ids.ts";
import { parseRequest, type Commit, type Request } from "../../../../src/core/protocol/request.ts";

const id = (name: string): Sha => name.repeat(40).slice(0, 40) as Sha;

test("a fork has the goal and the trailers of other tools, and no trailer of a runner", () => {
  const at: Commit = {
    commit: id("3"),
    parents: [id("2")],
    committed: 0,
    message: `built\n\nWell.\n\nRefs: #7\nForked-From: ${id("9")}\nState: check\nBranch: x\nAnswers: ${id("1")}\nRounds: check=1\n`,
  };
  const request = parseRequest("x" as Branch, at) as Request;
  const origin = { commit: id("1"), header: "feat: a line", body: "Write it." };
  const draft = draftFork({ at, request, origin, messages: [], trailers: [{ key: "Priority", value: "2" }] });
  expect(draft.header).toBe("feat: a line");
  expect(draft.body).toBe("Write it.\n\nWhat was said last:\n\nbuilt\n\nWell.");
  expect(draft.trailers).toEqual([
    { key: "Refs", value: "#7" },
    { key: "Priority", value: "2" },
    { key: "Forked-From", value: id("3") },
  ]);
});
