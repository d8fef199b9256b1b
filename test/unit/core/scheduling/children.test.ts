/** Checks the state of children that a snapshot does not show. */
import { describe, expect, it } from "vitest";
import type { Branch } from "../../../../src/core/protocol/ids.ts";
import { childrenOf } from "../../../../src/core/scheduling/children.ts";
import { EMPTY_CARRIED_STATE } from "../../../../src/core/workflow/carried-state.ts";

const parent = "feat" as Branch;
const carriedState = { ...EMPTY_CARRIED_STATE, children: ["a", "b"] };

describe("children without a head in the snapshot", () => {
  it("are gone, unless their branch was created while the refs were read", () => {
    const missed = new Set(["feat.b" as Branch]);
    const children = childrenOf(parent, carriedState, new Map(), missed);
    expect(children.map(({ key, result }) => [key, result])).toEqual([
      ["a", "gone"],
      ["b", "going"],
    ]);
  });
});
