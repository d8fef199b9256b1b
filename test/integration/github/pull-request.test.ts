/** Decides which pull requests are opened, and which pull requests and issues are closed. */
import { describe, expect, test } from "vitest";
import type { Branch } from "../../../src/core/protocol/ids.ts";
import { project } from "../../../src/github/display/project.ts";
import type { PullRequestRef, DesiredState } from "../../../src/github/display/desired-state.ts";
import type { BranchView } from "../../../src/github/display/branch-status.ts";
import { answer, ask, NOW, projected, seenOf, workflowOf } from "../../support/github/branch-builders.ts";
import { kinds, settle, Shown } from "../../support/github/memory-display.ts";

const ISSUE = "trailhand/issue-7";
const WORKFLOW = workflowOf(`states:
  work: { next: [review, sketch, done] }
  sketch: { next: review, pull: draft }
  review: { human: true, next: [done, work, later], pull: true }
  later: { human: true, next: work }
  refused: { human: true, next: done, closes: not-planned }
  assigned: { human: true, next: done, closes: true }
`);
const REVIEW = [ask("work"), answer(1, "review")];

const wantedOf = (
  seen: BranchView | readonly BranchView[],
  more: Parameters<typeof projected>[1] = {},
): DesiredState => project(projected([seen].flat(), { workflow: WORKFLOW, ...more }));
const openOf = (branch: string, more: Partial<PullRequestRef> = {}): PullRequestRef => ({
  number: 9,
  branch: branch as Branch,
  isFork: false,
  authorId: 1,
  ...more,
});

describe("a pull request", () => {
  const branches = (wanted: DesiredState) => wanted.pulls.map(({ branch }) => branch);

  test("is opened when a state asks for it, until the work ends", () => {
    expect(branches(wantedOf(seenOf("topic", [ask("work")])))).toEqual([]);
    expect(branches(wantedOf(seenOf("topic", REVIEW)))).toEqual(["topic"]);
    expect(branches(wantedOf(seenOf("topic", [...REVIEW, ask("work")])))).toEqual(["topic"]);
    for (const end of ["failed", "cancelled"])
      expect(branches(wantedOf(seenOf("topic", [...REVIEW, answer(2, end)])))).toEqual([]);
    // The next round must reach that state again.
    expect(branches(wantedOf(seenOf("topic", [...REVIEW, answer(2, "failed"), ask("work")])))).toEqual([]);
  });

  test("is opened for recently finished work that is not merged", () => {
    const done = seenOf("topic", [...REVIEW, answer(2, "done")]);
    expect(wantedOf(done).pulls).toMatchObject([{ branch: "topic", shouldReopen: false }]);
    expect(wantedOf(done, { now: NOW + 2 * 86_400_000 }).pulls).toEqual([]);
    for (const merged of ["head", "landed"] as const) expect(wantedOf({ ...done, merged }).pulls).toEqual([]);
  });

  test("is not opened for the trusted branch, nor for a branch without commits of its own", () => {
    expect(wantedOf(seenOf("topic", REVIEW), { target: "topic" as Branch }).pulls).toEqual([]);
    for (const merged of ["head", "nothing"] as const)
      expect(wantedOf({ ...seenOf("topic", REVIEW), merged }).pulls).toEqual([]);
  });

  test("of a child depends on the child's own state", () => {
    const born = `${ask("work", `Parent: ${ISSUE}\n`)}Branch: ${ISSUE}.a\n`;
    const above = `${answer(1, "review")}Branch: ${ISSUE}\n`;
    expect(wantedOf(seenOf(`${ISSUE}.a`, [ask("work"), above, born])).pulls).toEqual([]);
    expect(branches(wantedOf(seenOf(`${ISSUE}.a`, [born, answer(1, "review")])))).toEqual([`${ISSUE}.a`]);
  });

  test("describes its work, and hostile text closes or mentions nothing", () => {
    const subject = "fixes #5 and gh-6, says @everybody of https://github.com/octo/shop/issues/8";
    const trail = [`${subject}\n\nState: work\n`, answer(1, "review")];
    const own = wantedOf(seenOf(ISSUE, trail)).pulls[0];
    expect(own).toMatchObject({ base: "main", isDraft: false });
    expect(own?.title).toBe("fixes ＃5 and gh‐6, says ＠everybody of https：//github.com/octo/shop/issues/8");
    expect(own?.body).toMatch(/\n\nCloses #7$/);
    expect(wantedOf(seenOf("topic", [ask("review", "Refs: #7\n")])).pulls[0]?.body).not.toContain("Closes");
    const hostile =
      "review: @all closes #5\n\nCloses #6\n\n![x](https://e.example/)\n\nState: review\nAnswers: $1\n";
    const { body = "" } = wantedOf(seenOf("topic", [ask("work"), hostile])).pulls[0] ?? {};
    expect(body.replace(/`[^`]*`/g, "")).not.toMatch(/@all|#5|#6|e\.example/);
  });

  test("is a draft when the last state with the setting says so", () => {
    const at = (...states: readonly string[]) =>
      wantedOf(seenOf("topic", [ask("work"), ...states.map((state, one) => answer(one + 1, state))])).pulls;
    expect(at("sketch")).toMatchObject([{ isDraft: true }]);
    expect(at("sketch", "review", "later")).toMatchObject([{ isDraft: false }]);
  });

  test("is not opened when one exists, unless that comes from a fork", () => {
    const seen = seenOf("topic", REVIEW);
    expect(wantedOf(seen, { pulls: [openOf("topic", { authorId: 666 })] }).pulls).toEqual([]);
    expect(wantedOf(seen, { pulls: [openOf("topic", { isFork: true })] }).pulls).toHaveLength(1);
  });

  test("is opened again after a closed one when the branch has moved", async () => {
    const shown = new Shown();
    const seen = seenOf("topic", REVIEW);
    const [{ commit } = { commit: "" }] = wantedOf(seen).pulls;
    const closed = { number: 3, isOpen: false, commit };
    shown.pulls.set("topic", [closed]);
    expect(kinds(await settle(shown, wantedOf(seen)))).not.toContain("create-pull");
    const moved = seenOf("topic", [...REVIEW, ask("work")]);
    expect(kinds(await settle(shown, wantedOf(moved)))[0]).toBe("create-pull");
    expect(kinds(await settle(shown, wantedOf(moved)))).not.toContain("create-pull");
    // GitHub may list a new pull request late; an open one is enough.
    shown.pulls.set("topic", [{ ...closed, isOpen: true }]);
    expect(kinds(await settle(shown, wantedOf(moved)))).not.toContain("create-pull");
    // For finished work, an earlier pull request is enough.
    shown.pulls.set("topic", [closed]);
    const done = seenOf("topic", [...REVIEW, answer(2, "done")]);
    expect(kinds(await settle(shown, wantedOf(done)))).not.toContain("create-pull");
  });
});

describe("closing", () => {
  const DONE = [...REVIEW, answer(2, "done")];
  const closings = async (seen: BranchView, at: Shown, more: Parameters<typeof projected>[1] = {}) =>
    (await settle(at, wantedOf(seen, more))).filter(({ kind }) => kind.startsWith("close-"));

  test("an issue is closed when the work is done and merged, never before", async () => {
    const shown = new Shown(7);
    const done = seenOf(ISSUE, DONE);
    expect(await closings(done, shown)).toEqual([]);
    expect(await closings({ ...done, merged: "nothing" }, shown)).toEqual([]);
    expect(await closings({ ...seenOf(ISSUE, REVIEW), merged: "head" }, shown)).toEqual([]);
    expect(await closings({ ...seenOf(ISSUE, [ask("cancelled")]), merged: "head" }, shown)).toEqual([]);
    const write = { kind: "close-issue", number: 7, reason: "completed" };
    expect(await closings({ ...done, merged: "landed" }, shown)).toEqual([write]);
    expect(await closings({ ...done, merged: "landed" }, shown)).toEqual([]);
    expect(await closings({ ...done, merged: "head" }, new Shown(7))).toEqual([write]);
  });

  test("an issue is closed after its comment and label were updated", async () => {
    const writes = await settle(new Shown(7), wantedOf({ ...seenOf(ISSUE, DONE), merged: "landed" }));
    expect(kinds(writes).at(-1)).toBe("close-issue");
    expect(kinds(writes)).toContain("create-comment");
  });

  test("a state can close the issue", async () => {
    const at = (state: string) => closings(seenOf(ISSUE, [ask("work"), answer(1, state)]), new Shown(7));
    expect(await at("assigned")).toMatchObject([{ reason: "completed" }]);
    expect(await at("refused")).toMatchObject([{ reason: "not_planned" }]);
    expect(await at("review")).toEqual([]);
  });

  test("a reopened issue, and an issue of another branch, stays open", async () => {
    const done: BranchView = { ...seenOf(ISSUE, DONE), merged: "landed" };
    const reopened = new Shown(7);
    reopened.issues.set(7, { reason: "reopened" });
    expect(await closings(done, reopened)).toEqual([]);
    const pull = new Shown(7);
    pull.issues.set(7, { isPull: true });
    expect(await closings(done, pull)).toEqual([]);
    const named: BranchView = {
      ...seenOf("topic", [ask("work", "Refs: #7\n"), answer(1, "done")]),
      merged: "landed",
    };
    expect(await closings(named, new Shown(7))).toEqual([]);
  });

  test("Trailhand's own pull request is closed when its work landed as other commits", async () => {
    const landed: BranchView = { ...seenOf("topic", DONE), merged: "landed" };
    const at = (more: Partial<PullRequestRef>, seen = landed, now = NOW) => {
      const shown = new Shown(9);
      shown.issues.set(9, { isPull: true });
      return closings(seen, shown, { pulls: [openOf("topic", more)], now });
    };
    expect(await at({})).toEqual([{ kind: "close-pull", number: 9 }]);
    // A pull request that is still open long after was reopened by a person.
    expect(await at({}, landed, NOW + 2 * 86_400_000)).toEqual([]);
    expect(await at({ authorId: 666 })).toEqual([]);
    expect(await at({ isFork: true })).toEqual([]);
    // GitHub itself closes a pull request whose commits are merged.
    expect(await at({}, { ...landed, merged: "head" })).toEqual([]);
    expect(await at({}, { ...landed, merged: undefined })).toEqual([]);
  });
});
