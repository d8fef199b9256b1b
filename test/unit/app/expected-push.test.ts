/** Before a push, the account of the committer is expected to push. */
import { expect, it } from "vitest";
import { expectedPush } from "../../../src/app/expected-push.ts";
import { pushersOf } from "../../../src/core/policy/push-identity.ts";
import type { Sha } from "../../../src/core/protocol/ids.ts";

const [BEFORE, AFTER] = ["a".repeat(40) as Sha, "b".repeat(40) as Sha];
const ANN = { name: "Ann Smith", email: "7+ann@users.noreply.github.com" };
const APP = { name: "trail[bot]", email: "9+trail[bot]@users.noreply.github.com" };
const BOB = { name: "Bob", email: "bob@example.com" };

it.each([
  ["a person with an account", ANN, [], ANN.email],
  ["an App that may commit for people", { ...ANN, writtenBy: APP }, [9], ANN.email],
  ["an App that may not", { ...ANN, writtenBy: APP }, [], APP.email],
])("counts for %s", (_, person, trusted, address) => {
  const push = expectedPush(person, BEFORE, AFTER);
  const commit = { commit: AFTER, author: person.email } as never;
  expect(push && pushersOf([commit], [push], trusted).get(AFTER)).toBe(address);
});

it("is unknown for an address that names no account", () => {
  expect(expectedPush(BOB, BEFORE, AFTER)).toBeUndefined();
  expect(expectedPush({ ...ANN, writtenBy: BOB }, BEFORE, AFTER)).toBeUndefined();
});
