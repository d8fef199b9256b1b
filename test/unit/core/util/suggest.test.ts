import { expect, it } from "vitest";
import { suggest } from "../../../../src/core/util/suggest.ts";

it("suggests the nearest name, unless all are too far away", () => {
  expect(suggest("reveiw", ["build", "review"])).toBe("review");
  expect(suggest("zzzzzz", ["build", "review"])).toBeUndefined();
  expect(suggest("a", [])).toBeUndefined();
});
