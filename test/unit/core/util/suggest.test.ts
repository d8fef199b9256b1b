import { expect, it } from "vitest";
import { suggest } from "../../../../src/core/util/suggest.ts";

it("a mistyped name has a nearest one, unless it is far from all", () => {
  expect(suggest("reveiw", ["build", "review"])).toBe("review");
  expect(suggest("zzzzzz", ["build", "review"])).toBeUndefined();
  expect(suggest("a", [])).toBeUndefined();
});
