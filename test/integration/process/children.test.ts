/** The variable TRAILHAND_CHILDREN: what a script reads about the children of its branch. */
import { expect, test } from "vitest";
import type { Child } from "../../../src/core/scheduling/children.ts";
import type { Branch } from "../../../src/core/protocol/ids.ts";
import { callOf, id, runCall, scriptOf } from "../../support/script-call.ts";

const script = scriptOf({ "states/work": '#!/bin/sh\nprintf "%s\\n" "$TRAILHAND_CHILDREN"\n' });

const child = (key: string, more: Partial<Child>): Child => ({
  key,
  branch: `topic.${key}` as Branch,
  result: "done",
  state: "done",
  head: id("1"),
  subject: "$(a subject)\nb done done x new",
  summary: "",
  cost: 0,
  tokens: 0,
  owns: [],
  isNew: true,
  ...more,
});

test("TRAILHAND_CHILDREN has one line for each child, without text from its commits", async () => {
  const children = [
    child("a", {}),
    child("b", { result: "going", state: "work", isNew: false }),
    child("c", { result: "gone", state: "", head: undefined }),
  ];
  expect((await runCall(callOf(script, { children }))).stdout).toBe(
    `a done done ${id("1")} new\nb going work ${id("1")} joined\nc gone - - new\n`,
  );
  expect((await runCall(callOf(script))).stdout).toBe("\n");
});

test("TRAILHAND_CHILDREN has only complete lines, even with thousands of children", async () => {
  const children = Array.from({ length: 3000 }, (_, at) => child(`child-${at}`, {}));
  const { exit, log } = await runCall(
    callOf(scriptOf({ "states/work": '#!/bin/sh\nprintf "%s\\n" "$TRAILHAND_CHILDREN" | tail -n 1\n' }), {
      children,
    }),
  );
  expect(exit).toEqual({ kind: "exited", code: 0 });
  expect(log).toMatch(new RegExp(`^child-\\d+ done done ${id("1")} new\n$`));
});
