/** Who pushed the commits of a branch, out of what a server tells of its moves. */
import { describe, expect, it } from "vitest";
import type { Sha } from "../../../../src/core/protocol/ids.ts";
import { isSamePerson } from "../../../../src/core/policy/people.ts";
import {
  accountAddress,
  accountOf,
  pushersOf,
  type Push,
} from "../../../../src/core/policy/push-identity.ts";
import type { Commit } from "../../../../src/core/protocol/request.ts";

const trail = (names: string, author = "ann@example.com"): Commit[] =>
  names.split("").map((name) => ({
    commit: name as Sha,
    parents: [],
    committed: 0,
    message: "",
    author,
  }));
const push = (before: string, after: string, id: number, login = `p${id}`): Push => ({
  before,
  after,
  id,
  login,
});
const ids = (found: ReadonlyMap<Sha, string>) =>
  Object.fromEntries([...found].map(([commit, by]) => [commit, Number(accountOf(by))]));

describe("a commit", () => {
  it("belongs to the push that brought it, with those that came with it", () =>
    expect(ids(pushersOf(trail("edcba"), [push("c", "e", 2), push("0", "c", 1)], []))).toEqual({
      e: 2,
      d: 2,
      c: 1,
      b: 1,
      a: 1,
    }));

  it("that no push is told of belongs to nobody", () => {
    expect(ids(pushersOf(trail("edcba"), [push("c", "e", 2)], []))).toEqual({ e: 2, d: 2 });
    expect(ids(pushersOf(trail("ab"), [], []))).toEqual({});
  });

  it("belongs to nobody while the move that put the branch here is not told", () => {
    expect(ids(pushersOf(trail("edcba"), [push("b", "c", 1)], []))).toEqual({});
    // It stood there before: whoever put it back is not told yet.
    expect(ids(pushersOf(trail("cb"), [push("c", "d", 7), push("b", "c", 1)], []))).toEqual({});
  });

  it("that somebody merged belongs to nobody", () => {
    const merged: Push = { before: "c", after: "e", id: undefined, login: "p2" };
    expect(ids(pushersOf(trail("edcba"), [merged, push("0", "c", 1)], []))).toEqual({ c: 1, b: 1, a: 1 });
  });

  it("below one that was forced belongs to nobody where what was forced away is told of no further", () => {
    const forced = push("x", "e", 2);
    expect(ids(pushersOf(trail("edcba"), [forced], []))).toEqual({ e: 2 });
    expect(ids(pushersOf(trail("edcba"), [forced, push("0", "c", 1)], []))).toEqual({
      e: 2,
      d: 2,
      c: 1,
      b: 1,
      a: 1,
    });
  });

  it("that was pushed, taken away and pushed again belongs to who did so last", () =>
    expect(
      ids(pushersOf(trail("cb"), [push("b", "c", 3), push("c", "b", 2), push("b", "c", 1)], [])),
    ).toEqual({ c: 3, b: 2 }));

  it("that was written anew belongs to who forced it, down to what was there before", () =>
    expect(
      ids(pushersOf(trail("yxa"), [push("c", "y", 2), push("a", "c", 1), push("0", "a", 1)], [])),
    ).toEqual({ y: 2, x: 2, a: 1 }));

  it("speaks for its author where the account may speak for others, and only for accounts", () => {
    const of = (author: string, speakers: readonly number[]) =>
      pushersOf(trail("a", author), [push("0", "a", 7)], speakers).get("a" as Sha);
    expect(of("5+Bob@users.noreply.github.com", [7])).toBe("5+bob@users.noreply.github.com");
    expect(of("5+bob@users.noreply.github.com", [8])).toBe(accountAddress(7, "p7"));
    // What is nobody's is the account's own.
    expect(of("bob@example.com", [7])).toBe(accountAddress(7, "p7"));
  });
});

describe("two addresses", () => {
  it.each([
    ["5+bob@users.noreply.github.com", "5+robert@users.noreply.github.com", true],
    ["5+bob@users.noreply.github.com", "6+bob@users.noreply.github.com", false],
    ["5+bob@users.noreply.github.com", "bob@users.noreply.github.com", false],
    ["5+helper[bot]@users.noreply.github.com", "5+other[bot]@users.noreply.github.com", true],
    ["5+bob_corp@users.noreply.github.com", "5+rob_corp@users.noreply.github.com", true],
    ["Bob@example.com", "bob@EXAMPLE.com", true],
    ["5+bob@users.noreply.github.com.example.com", "5+x@users.noreply.github.com.example.com", false],
    ["bob@example.com", "5+bob@users.noreply.github.com", false],
  ])("%s and %s", (one, other, same) => {
    expect(isSamePerson(one, other)).toBe(same);
    expect(isSamePerson(other, one)).toBe(same);
  });
});
