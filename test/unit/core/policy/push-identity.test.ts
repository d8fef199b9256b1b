/** Attributes commits to pushes as a server reports them. */
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
const ids = (pushers: ReadonlyMap<Sha, string>) =>
  Object.fromEntries([...pushers].map(([commit, by]) => [commit, Number(accountOf(by))]));

describe("a commit", () => {
  it("belongs to the push that brought it, like all commits of that push", () =>
    expect(ids(pushersOf(trail("edcba"), [push("c", "e", 2), push("0", "c", 1)], []))).toEqual({
      e: 2,
      d: 2,
      c: 1,
      b: 1,
      a: 1,
    }));

  it("belongs to no one if no reported push brought it", () => {
    expect(ids(pushersOf(trail("edcba"), [push("c", "e", 2)], []))).toEqual({ e: 2, d: 2 });
    expect(ids(pushersOf(trail("ab"), [], []))).toEqual({});
  });

  it("belongs to no one while the latest push is not reported", () => {
    expect(ids(pushersOf(trail("edcba"), [push("b", "c", 1)], []))).toEqual({});
    // The branch was there before. The push that moved it back is not reported yet.
    expect(ids(pushersOf(trail("cb"), [push("c", "d", 7), push("b", "c", 1)], []))).toEqual({});
  });

  it("belongs to no one if it came with a merge", () => {
    const merged: Push = { before: "c", after: "e", id: undefined, login: "p2" };
    expect(ids(pushersOf(trail("edcba"), [merged, push("0", "c", 1)], []))).toEqual({ c: 1, b: 1, a: 1 });
  });

  it("below a forced push belongs to no one if the earlier pushes are not reported", () => {
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

  it("that was pushed, removed and pushed again belongs to the last pusher", () =>
    expect(
      ids(pushersOf(trail("cb"), [push("b", "c", 3), push("c", "b", 2), push("b", "c", 1)], [])),
    ).toEqual({ c: 3, b: 2 }));

  it("of a rewritten branch belongs to the forced push, down to the commits that were there before", () =>
    expect(
      ids(pushersOf(trail("yxa"), [push("c", "y", 2), push("a", "c", 1), push("0", "a", 1)], [])),
    ).toEqual({ y: 2, x: 2, a: 1 }));

  it("counts for its author only if a trusted account pushed it and the author is an account", () => {
    const pusherOf = (author: string, trustedAccounts: readonly number[]) =>
      pushersOf(trail("a", author), [push("0", "a", 7)], trustedAccounts).get("a" as Sha);
    expect(pusherOf("5+Bob@users.noreply.github.com", [7])).toBe("5+bob@users.noreply.github.com");
    expect(pusherOf("5+bob@users.noreply.github.com", [8])).toBe(accountAddress(7, "p7"));
    // An author without an account: the commit counts for the pusher.
    expect(pusherOf("bob@example.com", [7])).toBe(accountAddress(7, "p7"));
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
  ])("%s and %s", (address, other, isSame) => {
    expect(isSamePerson(address, other)).toBe(isSame);
    expect(isSamePerson(other, address)).toBe(isSame);
  });
});
