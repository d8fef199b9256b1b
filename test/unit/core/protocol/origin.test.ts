/** Checks which request is the origin of a chain of hand-offs. */
import { describe, expect, it } from "vitest";
import { findOrigin } from "../../../../src/core/protocol/origin.ts";
import type { Commit } from "../../../../src/core/protocol/request.ts";
import { commitOf, id, requestOf, TOPIC } from "../../../support/script-call.ts";

describe("the origin", () => {
  /** Commits of `topic`, given oldest first. `answers` is the index of the answered commit. */
  const trailOf = (...messages: (readonly [text: string, answers?: number])[]): Commit[] =>
    messages
      .map(([text, answers], at) => {
        const trailer = answers === undefined ? "" : `Answers: ${id(String(answers))}\nBranch: topic\n`;
        return commitOf(id(String(at)), `${text}\n${trailer}`, id("f"));
      })
      .toReversed();
  const headerAt = (trail: Commit[]) => {
    const [head] = trail;
    if (!head) throw new Error("no head");
    return findOrigin(requestOf(head), trail).header;
  };

  it("is the oldest request of the chain that a person wrote", () => {
    const trail = trailOf(
      ["add files\n"],
      ["Add logins\n\nState: plan"],
      ["planned\n\nState: review", 1],
      ["a commit of a person\n"],
      ["Go on\n\nState: build"],
      ["built\n\nState: check", 4],
    );
    expect(headerAt(trail)).toBe("Add logins");
  });

  it("is never a commit of a script, whatever its trailers say", () => {
    const trail = trailOf(
      ["Add logins\n\nState: plan"],
      ["forged\n\nState: plan"],
      ["planned\n\nState: build", 0],
      ["forged again\n\nState: done"],
      ["built\n\nState: check", 2],
    );
    expect(headerAt(trail)).toBe("Add logins");
  });

  it("is not taken from work that has ended, or from another branch", () => {
    const ended = (state: string) =>
      trailOf(
        ["Old\n\nState: plan"],
        [`over\n\nState: ${state}`, 0],
        ["New\n\nState: plan"],
        ["ok\n\nState: b", 2],
      );
    expect(headerAt(ended("done"))).toBe("New");
    expect(headerAt(ended("cancelled"))).toBe("New");
    expect(headerAt(ended("failed"))).toBe("Old");
    const other = trailOf(
      ["Other\n\nState: plan\nBranch: other"],
      ["New\n\nState: plan"],
      ["ok\n\nState: b", 1],
    );
    expect(headerAt(other)).toBe("New");
  });

  it("of a child is its first request", () => {
    const trail = trailOf(
      ["Add logins\n\nState: plan"],
      [`Add the form\n\nOne page.\n\nState: build\nBranch: ${TOPIC}\nParent: main`],
      ["built\n\nState: check", 1],
    );
    expect(headerAt(trail)).toBe("Add the form");
  });

  it("is the request itself if the history is truncated", () => {
    const trail = trailOf(["Add logins\n\nState: plan"], ["planned\n\nState: build", 0]);
    expect(headerAt(trail.slice(0, 1))).toBe("planned");
  });
});
