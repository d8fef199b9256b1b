/** Computes the writes: only what is missing, and never to other people's items. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { diff } from "../../../src/github/display/diff.ts";
import { mentionsIn } from "../../../src/github/display/mention-comment.ts";
import { project } from "../../../src/github/display/project.ts";
import { STATUS_MARKER, type DesiredState } from "../../../src/github/display/desired-state.ts";
import { kinds, settle, Shown } from "../../support/github/memory-display.ts";
import { answer, ask, projected, seenOf } from "../../support/github/branch-builders.ts";

const EVENT = "Event: github:octo/shop:comment:900\n";
const STORY: readonly (readonly string[])[] = [
  [ask("work", EVENT)],
  [ask("work", EVENT), answer(1, "review")],
  [ask("work", EVENT), answer(1, "review"), ask("work")],
  [ask("work", EVENT), answer(1, "review"), ask("work"), answer(3, "done")],
];
const wantedAt = (step: number): DesiredState =>
  project(projected([seenOf("trailhand/issue-7", STORY[step] ?? [])]));
const now = wantedAt(1);

describe("diff", () => {
  test("is empty after everything was written", async () => {
    const shown = new Shown(7);
    expect(kinds(await settle(shown, now))).toEqual([
      "react",
      "create-label",
      "add-label",
      "create-comment",
      "create-check",
    ]);
    expect(await settle(shown, now)).toEqual([]);
  });

  test("restores items that a person deleted", async () => {
    const shown = new Shown(7);
    await settle(shown, now);
    const thread = shown.threads.get(7);
    thread?.comments.splice(0);
    expect(kinds(await settle(shown, now))).toEqual(["create-comment"]);
    thread?.labels.splice(0);
    expect(kinds(await settle(shown, now))).toEqual(["add-label"]);
    shown.labels = [];
    thread?.labels.splice(0);
    expect(kinds(await settle(shown, now))).toEqual(["create-label", "add-label"]);
    shown.reactions.clear();
    shown.checks.clear();
    expect(kinds(await settle(shown, now))).toEqual(["react", "create-check"]);
    expect(await settle(shown, now)).toEqual([]);
  });

  test("keeps one state label, and does not touch other labels and colours", async () => {
    const shown = new Shown(7);
    shown.labels.push("State:Review");
    shown.threads.get(7)?.labels.push("bug", "state:work", "state:old", "State:Review");
    const writes = await settle(shown, now);
    expect(kinds(writes)).not.toContain("create-label");
    expect(shown.threads.get(7)?.labels).toEqual(["bug", "State:Review"]);
  });

  test("removes a second status comment, and keeps the older one", async () => {
    const shown = new Shown(7);
    await settle(shown, now);
    shown.say(7, 1, now.threads[0]?.body ?? "");
    shown.say(7, 1, `${STATUS_MARKER}another -->\nold`);
    expect(kinds(await settle(shown, now))).toEqual(["delete-comment", "delete-comment"]);
    expect(shown.threads.get(7)?.comments.map(({ id }) => id)).toEqual([1]);
  });

  test("does not touch comments of others, with or without our marker, nor our own other comments", async () => {
    const shown = new Shown(7);
    shown.say(7, 666, now.threads[0]?.body ?? "");
    shown.say(7, 666, `${STATUS_MARKER}x -->`);
    shown.say(7, 1, `Here is what I can do.\n${STATUS_MARKER}x -->`);
    const before = structuredClone(shown.threads.get(7)?.comments);
    expect(kinds(await settle(shown, now))).toContain("create-comment");
    expect(shown.threads.get(7)?.comments.slice(0, 3)).toEqual(before);
    expect(shown.threads.get(7)?.comments).toHaveLength(4);
    expect(await settle(shown, now)).toEqual([]);
  });

  test("ignores check runs of other Apps and reactions of other accounts", async () => {
    const shown = new Shown(7);
    await settle(shown, now);
    const [check] = now.checks;
    const commit = check?.commit ?? "";
    shown.checks.set(
      commit,
      (shown.checks.get(commit) ?? []).map((one) => ({ ...one, appId: 5 })),
    );
    shown.reactions.set("comment:900", [{ userId: 666, content: "eyes" }]);
    expect(kinds(await settle(shown, now))).toEqual(["react", "create-check"]);
  });

  test("follows the work: edits comments in place, and completes the earlier check run", async () => {
    const shown = new Shown(7);
    await settle(shown, wantedAt(0));
    const [{ id } = { id: 0 }] = shown.threads.get(7)?.comments ?? [];
    const writes = await settle(shown, wantedAt(1));
    expect(kinds(writes).toSorted()).toEqual(
      [
        "create-label",
        "add-label",
        "remove-label",
        "edit-comment",
        "create-comment",
        "update-check",
        "create-check",
      ].toSorted(),
    );
    const [status, call] = shown.threads.get(7)?.comments.toSorted((a, b) => a.id - b.id) ?? [];
    expect([status?.id, mentionsIn(call?.body ?? "")]).toEqual([id, [wantedAt(1).mentions[0]?.commit]]);
    const standing = [...shown.checks.values()]
      .flat()
      .map(({ name, status, conclusion }) => [name, status, conclusion]);
    expect(standing).toEqual([
      ["trailhand / work", "completed", "success"],
      ["trailhand / review", "completed", "action_required"],
    ]);
  });

  test("ignores line ends that GitHub changed", async () => {
    const shown = new Shown(7);
    await settle(shown, now);
    const thread = shown.threads.get(7);
    const comments = thread?.comments.map((one) => ({
      ...one,
      body: `${one.body.replaceAll("\n", "\r\n")}\r\n`,
    }));
    shown.threads.set(7, { labels: thread?.labels ?? [], comments: comments ?? [] });
    expect(await settle(shown, now)).toEqual([]);
  });

  test("is empty for a missing issue or commit", async () => {
    const shown = new Shown();
    expect(kinds(await settle(shown, now))).toEqual(["react", "create-check"]);
    const present = { ...(await shown.read(now)), checks: new Map(), reactions: new Map() };
    expect(diff(present, now)).toEqual([]);
  });

  test("leads from any state to the desired state, also after an interruption", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 8 }), fc.nat({ max: 3 })), { maxLength: 6 }),
        fc.nat({ max: 3 }),
        async (past, last) => {
          const shown = new Shown(7);
          shown.say(7, 666, `${STATUS_MARKER}x -->`);
          for (const [step, done, harm] of past) {
            const wanted = wantedAt(step);
            for (const write of diff(await shown.read(wanted), wanted).slice(0, done)) shown.write(write);
            if (harm === 1) shown.threads.get(7)?.comments.splice(1, 1);
            if (harm === 2) shown.threads.get(7)?.labels.push("state:parked");
            if (harm === 3) shown.say(7, 1, `${STATUS_MARKER}y -->`);
          }
          const wanted = wantedAt(last);
          await settle(shown, wanted);
          expect(await settle(shown, wanted)).toEqual([]);
          const { labels = [], comments = [] } = shown.threads.get(7) ?? {};
          expect(labels).toEqual([wanted.threads[0]?.label.name]);
          const ours = comments.filter(({ authorId }) => authorId === 1).map(({ body }) => body);
          const [status, ...doubles] = ours.filter((body) => body.startsWith(STATUS_MARKER));
          expect(status?.replace(/<!-- trailhand:call \w+ -->\n/g, "")).toBe(wanted.threads[0]?.body);
          expect(doubles).toEqual([]);
          // A person is asked to act once for each commit.
          const calls = ours.flatMap(mentionsIn);
          for (const { commit } of wanted.mentions) expect(calls).toContain(commit);
        },
      ),
      { numRuns: 60 },
    );
  });
});
