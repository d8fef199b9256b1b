import { expect, it } from "vitest";
import { resolveAddress } from "../../../../src/git/attempt/submodule-remotes.ts";

it.each([
  ["https://example.com/lib.git", "https://example.com/a.git", "https://example.com/lib.git"],
  ["../lib.git", "https://example.com/me/a.git", "https://example.com/me/lib.git"],
  ["../../you/lib.git", "https://example.com/me/a.git", "https://example.com/you/lib.git"],
  ["./lib.git", "https://example.com/me/a.git", "https://example.com/me/a.git/lib.git"],
  ["../lib.git", "https://example.com/me/a.git/", "https://example.com/me/lib.git"],
  ["../lib.git", "git@example.com:me/a.git", "git@example.com:me/lib.git"],
  ["../lib.git", "git@example.com:a.git", "git@example.com:lib.git"],
  ["../lib.git", "/srv/a.git", "/srv/lib.git"],
  [".././../lib.git", "/srv/x/a.git", "/srv/lib.git"],
  ["/srv/lib.git", "https://example.com/a.git", "/srv/lib.git"],
])("the address %s in %s leads to %s", (url, origin, expected) => {
  expect(resolveAddress(url, origin)).toBe(expected);
});
