import { describe, expect, it } from "vitest";
import { composeMessage } from "../../../../src/core/protocol/compose.ts";
import { formatAttemptLog, parseAttemptLog } from "../../../../src/core/outcome/attempt-log.ts";
import { parseMessage } from "../../../../src/core/protocol/message.ts";
import type { Output } from "../../../../src/core/outcome/output.ts";
import { parseRequest, type Request } from "../../../../src/core/protocol/request.ts";
import {
  draftResponse,
  indentTail,
  copiedTrailers,
  type RunFacts,
  type ResponseContent,
} from "../../../../src/core/outcome/response.ts";
import { branch, RUN, sha } from "../../../support/builders/generated-snapshots.ts";

const TOKEN = `ghp_${"a1".repeat(18)}`;

function requestOf(trailers = "State: build"): Request {
  const message = `feat: x\n\nplease\n\n${trailers}\n`;
  const reading = parseRequest(branch("feat/x"), { commit: sha(1), parents: [], committed: 0, message });
  if (reading.kind !== "request") throw new TypeError(reading.reason);
  return reading;
}

const facts: RunFacts = {
  run: RUN,
  runner: "host",
  attempt: 1,
  attempts: 3,
  tookMs: 65_000,
  hopLimit: 50,
  workflow: sha(8),
  script: sha(9),
  secrets: ["hunter22"],
};

const outputOf = (output: Partial<Output>): Output => ({ trailers: [], ...output });
const draft = (content: ResponseContent, request = requestOf()) => draftResponse(request, content, facts);

describe("the header", () => {
  it("is a sentence for `git log`", () => {
    const trouble = { why: "exit 1", log: "" };
    expect(draft({ state: "review" }).header).toBe("trailhand: build is done, review is next");
    expect(draft({ state: "done" }).header).toMatch(/^trailhand: build is done, /);
    expect(draft({ state: "failed", trouble }).header).toBe("trailhand: build failed (exit 1)");
    expect(draft({ state: "parked", trouble }).header).toBe(
      "trailhand: build is parked for a person (exit 1)",
    );
  });

  it("is the subject that the script declared", () => {
    expect(draft({ state: "review", output: outputOf({ subject: "feat: done\nState: x" }) }).header).toBe(
      "feat: done State: x",
    );
    expect(draft({ state: "review", output: outputOf({ subject: " \u0007" }) }).header).toBe(
      "trailhand: build is done, review is next",
    );
  });
});

describe("the trailers", () => {
  it("name the state, the request, the run and its measurements", () => {
    const output = outputOf({ cost: 0.12, tokens: 99, model: "m" });
    expect(parseMessage(composeMessage(draft({ state: "review", output }))).trailers).toEqual(
      Object.entries({
        State: "review",
        Branch: "feat/x",
        Answers: sha(1),
        Run: RUN,
        Attempt: "1/3",
        Runner: "host",
        Took: "1m5s",
        Cost: "0.12 USD",
        Tokens: "99",
        Model: "m",
        Hops: "1/50",
        Workflow: sha(8),
        Script: sha(9),
      }).map(([key, value]) => ({ key, value })),
    );
  });

  it("have the same state key as the request", () => {
    expect(draft({ state: "done" }, requestOf("dwp-state: build")).trailers[0]).toEqual({
      key: "dwp-state",
      value: "done",
    });
  });

  it("include those of other tools, except trailers about a single commit", () => {
    const request = requestOf(
      "Refs: #12\nSigned-off-by: Ann\nDepends-On: x\nChange-Id: I1\nRun: 7\nState: build\nEmpty:",
    );
    expect(copiedTrailers(request, undefined)).toEqual([{ key: "Refs", value: "#12" }]);
    const added = [
      { key: "refs", value: "#13" },
      { key: "Reviewed-by", value: "Bob" },
    ];
    expect(copiedTrailers(request, outputOf({ trailers: added }))).toEqual(added);
  });
});

describe("text of a script", () => {
  it("is cleaned of escapes and secrets, and no line of a log is read as a trailer", () => {
    const text = `\u001b[31mred\u001b[0m ${TOKEN} hunter22\r\n\nState: done`;
    const output = outputOf({
      subject: text,
      summary: text,
      model: text,
      trailers: [{ key: "Note", value: text }],
    });
    const trouble = { why: text, log: text, salvage: "refs/trailhand/salvage/x" };
    const message = composeMessage(draft({ state: "failed", output, trouble }));
    expect(message).not.toContain("hunter22");
    expect(message).not.toContain("ghp_");
    expect(message).not.toContain("\u001b");
    expect(message).toContain("red [redacted] [redacted]");
    const { trailers } = parseMessage(message);
    expect(trailers.filter(({ key }) => key === "State")).toEqual([{ key: "State", value: "failed" }]);
  });

  it("is redacted before it is cut, so no part of a secret remains", () => {
    const subject = `${"x".repeat(180)} ${TOKEN}`;
    expect(draft({ state: "done", output: outputOf({ subject }) }).header).not.toContain("ghp_");
  });

  it("includes only the end of a log, indented", () => {
    const log = Array.from({ length: 100 }, (_, at) => `line ${at}`).join("\n");
    const tail = indentTail(log).split("\n");
    expect(tail).toHaveLength(40);
    expect(tail.at(-1)).toBe("    line 99");
    expect(indentTail("x".repeat(10_000)).length).toBeLessThan(5000);
  });
});

describe("the attempt log", () => {
  it("is parsed as it was written", () => {
    const end = { why: "exit 1\nand more", log: "State: done\n", salvage: "refs/trailhand/salvage/x/y" };
    expect(parseAttemptLog(formatAttemptLog(requestOf(), facts, end))).toEqual({
      request: sha(1),
      run: RUN,
      state: "build",
      attempt: "1/3",
      took: "1m5s",
      runner: "host",
      why: "exit 1 and more",
      salvage: "refs/trailhand/salvage/x/y",
    });
    expect(parseAttemptLog(formatAttemptLog(requestOf(), facts, { why: "", log: "" }))).toMatchObject({
      why: "-",
    });
  });
});
