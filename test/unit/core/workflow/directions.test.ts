import { describe, expect, it } from "vitest";
import type { Branch, Sha } from "../../../../src/core/protocol/ids.ts";
import type { Commit } from "../../../../src/core/protocol/request.ts";
import { passedStates } from "../../../../src/core/workflow/directions.ts";

const idOf = (n: number) => String(n).padStart(40, "0") as Sha;

/** A history from its messages, oldest first; as git lists it, newest first. */
const trailOf = (...messages: string[]): Commit[] =>
  messages
    .map((message, at): Commit => ({
      commit: idOf(at),
      parents: at === 0 ? [] : [idOf(at - 1)],
      committed: at,
      message,
    }))
    .toReversed();

const request = (state: string, branch = "topic") => `please\n\nState: ${state}\nBranch: ${branch}\n`;
const answer = (state: string, to: number) =>
  `${state}\n\nState: ${state}\nBranch: topic\nAnswers: ${idOf(to)}\n`;

const passed = (...messages: string[]) =>
  [...passedStates("topic" as Branch, trailOf(...messages))].toSorted();

describe("the states that work has passed", () => {
  it("are those of its requests and responses", () => {
    expect(passed(request("plan"), answer("build", 0), answer("look", 1))).toEqual(["build", "look", "plan"]);
  });

  it("are not those that a script committed on its own", () => {
    expect(passed(request("plan"), request("secret"), answer("look", 0))).toEqual(["look", "plan"]);
  });

  it("are not those of other branches, and nothing below them counts", () => {
    expect(passed(request("old"), request("other", "elsewhere"), request("plan"))).toEqual(["plan"]);
  });

  it("begin after work that was done, and go on after a failure", () => {
    expect(passed(request("old"), answer("done", 0), request("plan"))).toEqual(["plan"]);
    expect(passed(request("build"), answer("failed", 0), request("build"))).toEqual(["build", "failed"]);
  });

  it("include those below commits of people", () => {
    expect(passed(request("plan"), answer("look", 0), "a fix by hand\n")).toEqual(["look", "plan"]);
  });
});
