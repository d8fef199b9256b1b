/** The comment that asks a person to act: once, in the right place, for the right people. */
import { describe, expect, test } from "vitest";
import type { Branch } from "../../../src/core/protocol/ids.ts";
import { mentionsIn, withMentions } from "../../../src/github/display/mention-comment.ts";
import { project } from "../../../src/github/display/project.ts";
import type { BranchView } from "../../../src/github/display/branch-status.ts";
import {
  STATUS_MARKER,
  type PullRequestRef,
  type DesiredState,
} from "../../../src/github/display/desired-state.ts";
import { answer, ask, NOW, projected, seenOf, workflowOf } from "../../support/github/branch-builders.ts";
import { kinds, settle, Shown } from "../../support/github/memory-display.ts";

const ISSUE = "trailhand/issue-7";
const REVIEW = [ask("work"), answer(1, "review")];
const wantedOf = (
  seen: BranchView | readonly BranchView[],
  more: Parameters<typeof projected>[1] = {},
): DesiredState => project(projected([seen].flat(), more));
const commentsOf = (shown: Shown, number = 7) => shown.threads.get(number)?.comments ?? [];
const calledAt = (shown: Shown, number = 7) =>
  commentsOf(shown, number).filter(({ authorId, body }) => authorId === 1 && mentionsIn(body).length > 0);

describe("the comment", () => {
  test("is added once beside an existing status comment", async () => {
    const shown = new Shown(7);
    await settle(shown, wantedOf(seenOf(ISSUE, [ask("work")])));
    expect(calledAt(shown)).toEqual([]);
    const writes = await settle(shown, wantedOf(seenOf(ISSUE, REVIEW)));
    expect(kinds(writes).filter((kind) => kind.endsWith("-comment"))).toEqual([
      "edit-comment",
      "create-comment",
    ]);
    const [call] = calledAt(shown);
    expect(call?.body).toContain("**A person must act** on `review`: waits for a person");
    expect(call?.body).toContain("comment `/request done`");
    expect(await settle(shown, wantedOf(seenOf(ISSUE, REVIEW)))).toEqual([]);
  });

  test("is included in a new status comment, and stays in it after an edit", async () => {
    const shown = new Shown(7);
    const [first, second] = [
      seenOf(ISSUE, REVIEW),
      seenOf(ISSUE, [...REVIEW, ask("work"), answer(3, "review")]),
    ];
    await settle(shown, wantedOf(first));
    expect(commentsOf(shown)).toHaveLength(1);
    expect(await settle(shown, wantedOf(first))).toEqual([]);
    await settle(shown, wantedOf(seenOf(ISSUE, [...REVIEW, ask("work")])));
    await settle(shown, wantedOf(second));
    expect(commentsOf(shown)).toHaveLength(2);
    // The first commit is remembered, in case the branch is reset to it.
    await settle(shown, wantedOf(first));
    expect(
      calledAt(shown)
        .flatMap(({ body }) => mentionsIn(body))
        .toSorted(),
    ).toEqual([first, second].map(({ decision }) => decision.head.commit).toSorted());
  });

  test("is written for failed and waiting work, and not for ended, held or blocked work", () => {
    const calls = (...given: Parameters<typeof seenOf>) => wantedOf(seenOf(...given)).mentions.length;
    expect(calls(ISSUE, [ask("work"), answer(1, "failed")])).toBe(1);
    expect(calls(ISSUE, [ask("parked")], { code: "parked", detail: "too expensive" })).toBe(1);
    expect(calls(ISSUE, [ask("work")])).toBe(0);
    expect(calls(ISSUE, [ask("work"), answer(1, "done")])).toBe(0);
    expect(calls(ISSUE, [ask("cancelled")])).toBe(0);
    expect(calls(ISSUE, [ask("work")], { code: "held", detail: "a release" })).toBe(0);
    expect(calls(ISSUE, [ask("work")], { code: "blocked", detail: "its checkout has changes" })).toBe(0);
    const old = { now: NOW + 2 * 86_400_000 };
    expect(wantedOf(seenOf(ISSUE, [ask("work"), answer(1, "failed")]), old).mentions).toEqual([]);
  });

  test("names the request, whatever the number of approvals", () => {
    const why = { code: "waits", detail: "waits for 1 more approval", person: true } as const;
    const given = seenOf(ISSUE, [ask("work"), "approve: it\n\nApproves: $1\n"], why);
    const request = given.trail[1]?.commit;
    expect(wantedOf({ ...given, state: "work", approvalTarget: request }).mentions).toMatchObject([
      { commit: request },
    ]);
  });

  test("of another account does not count", async () => {
    const shown = new Shown(7);
    const seen = seenOf(ISSUE, REVIEW);
    await settle(shown, wantedOf(seenOf(ISSUE, [ask("work")])));
    shown.say(7, 666, wantedOf(seen).mentions[0]?.body ?? "");
    expect(kinds(await settle(shown, wantedOf(seen)))).toContain("create-comment");
    expect(calledAt(shown)).toHaveLength(1);
  });

  test("goes to the pull request if there is one, otherwise to the issue of the branch, and only once", async () => {
    const seen = seenOf(ISSUE, [ask("review", "Refs: #12\n")]);
    const pull: PullRequestRef = { number: 9, branch: ISSUE as Branch, isFork: false, authorId: 1 };
    expect(wantedOf(seen, { pulls: [pull] }).mentions).toMatchObject([{ numbers: [9, 7, 12] }]);
    expect(wantedOf(seen).mentions).toMatchObject([{ numbers: [7, 12] }]);
    const shown = new Shown(7, 9, 12);
    await settle(shown, wantedOf(seenOf(ISSUE, [ask("work", "Refs: #12\n")]), { pulls: [pull] }));
    await settle(shown, wantedOf(seen, { pulls: [pull] }));
    expect([7, 9, 12].map((number) => calledAt(shown, number).length)).toEqual([0, 1, 0]);
    // A pull request that is opened later comes first, and the comment already exists.
    const later = new Shown(7, 9);
    await settle(later, wantedOf(seen));
    await settle(later, wantedOf(seen, { pulls: [pull] }));
    expect([7, 9].map((number) => calledAt(later, number).length)).toEqual([1, 0]);
    // The same holds after the pull request was closed.
    shown.threads.delete(9);
    shown.say(7, 1, wantedOf(seen).mentions[0]?.body ?? "");
    expect(kinds(await settle(shown, wantedOf(seen)))).not.toContain("create-comment");
  });

  test("for a child without an issue goes to its parent's issue, unless the child failed", () => {
    const own = seenOf(ISSUE, [ask("work")]);
    const child = (...more: readonly string[]) =>
      seenOf(`${ISSUE}.a`, [
        ask("work", `Parent: ${ISSUE}\n`),
        ...more.map((one) => `${one}Parent: ${ISSUE}\n`),
      ]);
    expect(wantedOf([own, child(answer(1, "review"))]).mentions).toMatchObject([{ numbers: [7] }]);
    expect(wantedOf([own, child(answer(1, "failed"))]).mentions).toEqual([]);
    expect(wantedOf([child(answer(1, "review"))]).mentions).toEqual([]);
    // Two branches that name each other as parent cause neither a comment nor a loop.
    const odd = (branch: string, parent: string) => seenOf(branch, [ask("review", `Parent: ${parent}\n`)]);
    expect(wantedOf([odd("a", "b"), odd("b", "a")]).mentions).toEqual([]);
  });

  test("for a child is not included in a new status comment of its parent", async () => {
    const shown = new Shown(7);
    const child = seenOf(`${ISSUE}.a`, [ask("review", `Parent: ${ISSUE}\n`)]);
    await settle(shown, wantedOf([seenOf(ISSUE, [ask("work")]), child]));
    expect(commentsOf(shown).map(({ body }) => mentionsIn(body).length)).toEqual([0, 1]);
  });

  test("is written once when two branches have the same head", async () => {
    const one = seenOf(ISSUE, REVIEW);
    const two = seenOf("topic", [ask("review", "Refs: #7\n")]);
    const head = { ...two.decision.head, commit: one.decision.head.commit };
    const same = { ...two, decision: { ...two.decision, head } } as BranchView;
    const shown = new Shown(7);
    await settle(shown, wantedOf(seenOf(ISSUE, [ask("work")])));
    await settle(shown, wantedOf([one, same]));
    expect(calledAt(shown)).toHaveLength(1);
  });
});

describe("mentions", () => {
  const workflow = (by: string) =>
    workflowOf(`limits: { hops: 9 }
people:
  ops: [7+ann@users.noreply.github.com, 8+Ben-2@users.noreply.github.com, carl@example.com]
  odd: ["9+x y@users.noreply.github.com", "10+a.b@users.noreply.github.com", "11+@all@users.noreply.github.com"]
states:
  work: { wait: approvals 1${by}, deadline: 1h, otherwise: late, next: done }
  late: { human: true, next: done }
`);
  const why = { code: "waits", detail: "waits for 1 approval", person: true } as const;
  const seen = seenOf(ISSUE, [ask("work")], why);
  const mentions = (by: string, one = seen) =>
    wantedOf(one, { workflow: workflow(by) })
      .mentions[0]?.body.replace(/`[^`]*`/g, "")
      .match(/@[\w-]+/g) ?? [];

  test("name the people whose approval counts, by the login in their address", () => {
    expect(mentions(" by ops")).toEqual(["@ann", "@Ben-2"]);
    expect(mentions(" by 12+dora@users.noreply.github.com")).toEqual(["@dora"]);
    expect(mentions(" by odd")).toEqual([]);
    expect(mentions("")).toEqual([]);
    const other = seenOf(ISSUE, [ask("work")], { code: "void-approval", detail: "a".repeat(40) });
    expect(mentions(" by ops", other)).toEqual([]);
    const asker = {
      ...seen,
      trail: seen.trail.map((one) => ({ ...one, author: "7+ANN@users.noreply.github.com" })),
    };
    expect(mentions(" by ops not own", asker)).toEqual(["@Ben-2"]);
    expect(mentions(" by ops", asker)).toEqual(["@ann", "@Ben-2"]);
  });

  test("are written in a separate comment, because the status comment mentions no one", async () => {
    const shown = new Shown(7);
    const wanted = wantedOf(seen, { workflow: workflow(" by ops") });
    await settle(shown, wanted);
    expect(
      commentsOf(shown).map(({ body }) => [body.startsWith(STATUS_MARKER), body.includes("@ann")]),
    ).toEqual([
      [true, false],
      [false, true],
    ]);
    expect(await settle(shown, wanted)).toEqual([]);
  });
});

test("the marker counts only at the start of a comment", () => {
  const commit = "a".repeat(40);
  const mark = `<!-- trailhand:call ${commit} -->`;
  expect(mentionsIn(`${mark}\n\ntext`)).toEqual([commit]);
  expect(
    mentionsIn(withMentions(`${STATUS_MARKER}x -->\n\ntext`, [commit]).replaceAll("\n", "\r\n")),
  ).toEqual([commit]);
  expect(mentionsIn(`text\n${mark}`)).toEqual([]);
  expect(mentionsIn(`${mark}x`)).toEqual([]);
});
