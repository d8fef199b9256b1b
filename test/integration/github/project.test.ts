/** Computes what GitHub should show: one label, one comment, one check run, and the reactions. */
import { describe, expect, test } from "vitest";
import { project } from "../../../src/github/display/project.ts";
import type { DesiredState } from "../../../src/github/display/desired-state.ts";
import type { Branch } from "../../../src/core/protocol/ids.ts";
import { answer, ask, projected, seenOf } from "../../support/github/branch-builders.ts";

const ISSUE = "trailhand/issue-7";
const only = (wanted: DesiredState) => {
  expect(wanted.threads).toHaveLength(1);
  const [thread] = wanted.threads;
  if (!thread) throw new Error("no thread");
  return thread;
};
const nowCheck = ({ checks }: DesiredState) => checks.find(({ isPast }) => !isPast);

describe("an issue", () => {
  test("shows the state, whose turn it is, the hand-offs, the diagram and links", () => {
    const seen = seenOf(ISSUE, [ask("work"), answer(1, "review", "Cost: 0.12 USD\n")]);
    const { number, label, body } = only(project(projected([seen])));
    expect(number).toBe(7);
    expect(label).toEqual({
      name: "state:review",
      color: "d93f0b",
      description: "A state of Trailhand's workflow",
    });
    expect(body.split("\n")[0]).toBe(`<!-- trailhand:status ${seen.decision.head.key} -->`);
    expect(body).toContain("**State** `review` · **next** a person");
    expect(body).toContain("comment `/request done`");
    const [head = "", root = ""] = seen.trail.map(({ commit }) => commit);
    const link = (commit: string) =>
      `[\`${commit.slice(0, 9)}\`](https://github.com/octo/shop/commit/${commit})`;
    expect(body).toContain(`| ${link(root)} | \`work\` | a person | \`-\` | \`-\` |`);
    expect(body).toContain(
      `| ${link(head)} | \`work\` → \`review\` | \`ann@desk\` | \`5s, attempt 1/3\` | \`0.12 USD\` |`,
    );
    expect(body).toContain("```mermaid\nstateDiagram-v2");
    expect(body).toContain("class review here");
    expect(body).toContain("(https://github.com/octo/shop/tree/trailhand/issue-7)");
  });

  test("is linked by the branch name, by a person's commit, or by an open pull request", () => {
    const numbers = (seen: ReturnType<typeof seenOf>, pulls: Parameters<typeof projected>[1] = {}) =>
      project(projected([seen], pulls)).threads.map(({ number }) => number);
    expect(numbers(seenOf("topic", [ask("work", "Refs: #12, other/repo#13 and #14\n")]))).toEqual([12, 14]);
    expect(numbers(seenOf("topic", [ask("work")]))).toEqual([]);
    expect(numbers(seenOf("trailhand/issue-7.child", [ask("work")]))).toEqual([]);
    // A script cannot link its branch to another issue.
    expect(numbers(seenOf("topic", [ask("work"), answer(1, "review", "Refs: #12\n")]))).toEqual([]);
    const pull = { number: 3, branch: "topic" as Branch, isFork: false, authorId: 1 };
    expect(numbers(seenOf("topic", [ask("work")]), { pulls: [pull] })).toEqual([3]);
    expect(numbers(seenOf("topic", [ask("work")]), { pulls: [{ ...pull, isFork: true }] })).toEqual([]);
  });

  test("has one label and one comment, however many branches name it", () => {
    const own = seenOf(ISSUE, [ask("work"), answer(1, "done")]);
    const other = seenOf("topic", [ask("review", "Refs: #7\n")]);
    const child = seenOf(`${ISSUE}.a`, [ask("work", `Parent: ${ISSUE}\n`)]);
    const both = [project(projected([own, other, child])), project(projected([child, other, own]))];
    const { label, body } = only(both[0] as DesiredState);
    expect(label.name).toBe("state:done");
    expect(body).toContain("- [`topic`]");
    expect(body).toContain("- [`trailhand/issue-7.a`]");
    expect(both[1]).toEqual(both[0]);
  });

  test("lists all its branches, also when only some are selected", () => {
    const own = seenOf(ISSUE, [ask("work", "Event: github:octo/shop:comment:1\n")]);
    const child = seenOf(`${ISSUE}.a`, [ask("work", `Parent: ${ISSUE}\n`)]);
    const other = seenOf("topic", [ask("review", "Refs: #7\nEvent: github:octo/shop:comment:2\n")]);
    const far = seenOf("trailhand/issue-8", [ask("work")]);
    const all = [own, child, other, far];
    const whole = project(projected(all));
    const part = project(projected(all, { only: new Set(["topic"]) }));
    expect(part.threads).toEqual(whole.threads.filter(({ number }) => number === 7));
    expect(part.checks.map(({ commit }) => commit)).toEqual([other.decision.head.commit]);
    expect(part.reactions.map(({ source }) => source.id)).toEqual([2]);
    const born = project(projected(all, { only: new Set([`${ISSUE}.a`]) }));
    expect(born.threads).toEqual(part.threads);
  });

  test("ignores the history of another branch below its own", () => {
    const elsewhere = ask("work", "Branch: old\nRefs: #99\n");
    const seen = seenOf("topic", [elsewhere, answer(1, "done", "Branch: old\n"), ask("work")]);
    expect(seen.timeline).toHaveLength(1);
    expect(project(projected([seen])).threads).toEqual([]);
  });
});

describe("a check run", () => {
  const cases: readonly [string, ReturnType<typeof seenOf>, string, string | undefined, string][] = [
    ["ready", seenOf(ISSUE, [ask("work")]), "queued", undefined, "cancel"],
    [
      "running",
      seenOf(ISSUE, [ask("work")], { code: "running", detail: "ann@desk", attempt: 1 }),
      "in_progress",
      undefined,
      "cancel",
    ],
    ["done", seenOf(ISSUE, [ask("work"), answer(1, "done")]), "completed", "success", ""],
    ["failed", seenOf(ISSUE, [ask("work"), answer(1, "failed")]), "completed", "failure", "retry"],
    ["cancelled", seenOf(ISSUE, [ask("cancelled")]), "completed", "neutral", ""],
    ["a person's", seenOf(ISSUE, [ask("review")]), "completed", "action_required", "cancel"],
    [
      "parked",
      seenOf(ISSUE, [ask("parked")], { code: "parked", detail: "too expensive" }),
      "completed",
      "action_required",
      "resume+cancel",
    ],
    [
      "held",
      seenOf(ISSUE, [ask("work")], { code: "held", detail: "a release" }),
      "queued",
      undefined,
      "cancel",
    ],
    [
      "to be approved",
      seenOf(ISSUE, [ask("work")], { code: "waits", detail: "waits for 1 approval", person: true }),
      "completed",
      "action_required",
      "approve+cancel",
    ],
  ];
  test.each(cases)("%s", (_, seen, status, conclusion, buttons) => {
    const check = nowCheck(project(projected([seen])));
    expect(check).toMatchObject({ status, conclusion, commit: seen.decision.head.commit });
    expect(check?.name).toBe(`trailhand / ${seen.state}`);
    expect(check?.externalId).toBe(`trailhand:${seen.decision.head.key}:${buttons}`);
    expect(check?.buttons.map(({ identifier }) => identifier).join("+")).toBe(buttons);
    for (const { identifier, label, description } of check?.buttons ?? []) {
      expect([identifier.length <= 20, label.length <= 20, description.length <= 40]).toEqual([
        true,
        true,
        true,
      ]);
    }
  });

  test("at an approval has no approve button, and names the request", () => {
    const approval = "approve: it\n\nApproves: $1\n";
    const why = { code: "waits", detail: "waits for 1 more approval", person: true } as const;
    const given = seenOf(ISSUE, [ask("work"), approval], why);
    const request = given.trail[1]?.commit;
    const wanted = project(projected([{ ...given, state: "work", approvalTarget: request }]));
    expect(nowCheck(wanted)?.buttons.map(({ identifier }) => identifier)).toEqual(["cancel"]);
    expect(only(wanted).body).toContain(`comment \`/approve ${request}\``);
  });

  test("of an earlier request is completed, and never created", () => {
    const seen = seenOf("topic", [ask("work"), answer(1, "review"), answer(2, "failed")]);
    const past = project(projected([seen])).checks.filter(({ isPast }) => isPast);
    expect(past.map(({ name, commit, conclusion }) => [name, commit, conclusion])).toEqual([
      ["trailhand / work", seen.trail[2]?.commit, "success"],
      ["trailhand / review", seen.trail[1]?.commit, "failure"],
    ]);
  });

  test("appears once when two branches have the same head, and not for long ended work", () => {
    const [one, two] = [seenOf("one", [ask("work")]), seenOf("two", [ask("work")])];
    const same = {
      ...two,
      decision: { ...two.decision, head: { ...two.decision.head, commit: one.trail[0]!.commit } },
    };
    expect(project(projected([one, same as typeof two])).checks).toHaveLength(1);
    const ended = seenOf("old", [ask("work"), answer(1, "done")]);
    const later = 1_700_000_000_000 + 3 * 86_400_000;
    expect(project(projected([ended])).checks).toHaveLength(2);
    expect(project(projected([ended], { now: later })).checks).toEqual([]);
    expect(project(projected([one], { now: later })).checks).toHaveLength(1);
  });

  test("is not shown for a branch without a request", () => {
    const wanted = project(projected([seenOf(ISSUE, ["chore: nothing\n"])]));
    expect(Object.values(wanted).flat()).toEqual([]);
  });
});

describe("the comment with a command", () => {
  const event = (id: number, repo = "octo/shop") => `Event: github:${repo}:comment:${id}\n`;
  const faces = (...messages: readonly string[]) =>
    project(projected([seenOf("topic", messages)])).reactions.map(({ source, contents: faces }) => [
      `${source.kind}:${source.id}`,
      faces.join(" "),
    ]);

  test("gets eyes, then a rocket or confused", () => {
    expect(faces(ask("work", event(1)))).toEqual([["comment:1", "eyes"]]);
    expect(faces(ask("work", event(1)), answer(1, "done"))).toEqual([["comment:1", "eyes rocket"]]);
    expect(faces(ask("work", event(1)), answer(1, "failed"))).toEqual([["comment:1", "eyes confused"]]);
    expect(faces(ask("work"), ask("cancelled", event(1)))).toEqual([["comment:1", "eyes rocket"]]);
    expect(faces(ask("work", "Event: github:octo/shop:review-comment:4\n"))).toEqual([
      ["review-comment:4", "eyes"],
    ]);
    expect(faces(ask("work", "Event: github:octo/shop:issue:7:opened\n"))).toEqual([["issue:7", "eyes"]]);
    expect(faces(ask("work", "Event: github:octo/shop:issue:7:labeled:work:x\n"))).toEqual([]);
  });

  test("keeps its result when the next person continues", () => {
    const messages = [ask("work", event(1)), answer(1, "failed"), ask("work", event(2)), answer(3, "done")];
    expect(faces(...messages)).toEqual([
      ["comment:2", "eyes rocket"],
      ["comment:1", "eyes confused"],
    ]);
  });

  test("gets a reaction for an approval too, which does not end earlier commands", () => {
    const approval = `approve: it\n\nApproves: $1\n${event(2)}`;
    expect(faces(ask("work", event(1)), approval, answer(1, "done"))).toEqual(
      [
        ["comment:1", "eyes rocket"],
        ["comment:2", "eyes rocket"],
      ].toReversed(),
    );
  });

  test("is in this repository, and named by a person's commit", () => {
    expect(faces(ask("work", event(1, "other/repo")))).toEqual([]);
    expect(faces(ask("work"), answer(1, "review", event(1)))).toEqual([]);
  });
});

describe("texts do not depend on the clock", () => {
  test("a point in time replaces a duration", () => {
    const at = (now: number) => {
      const seen = seenOf(ISSUE, [ask("work")], { code: "not-before", until: 1_800_000_000_000 });
      return project(projected([{ ...seen, reason: { ...seen.reason, sentence: `in ${now}` } }])).threads;
    };
    expect(at(1)).toEqual(at(2));
    expect(at(1)[0]?.body).toContain("starts at `2027-01-15T08:00:00Z`");
    const waits = (detail: string) =>
      only(project(projected([seenOf(ISSUE, [ask("work")], { code: "waits", detail, person: false })]))).body;
    expect(waits("waits for 5m 3s more")).toBe(waits("waits for 4m more"));
    expect(waits("waits for its start time, in 2h 3m")).toBe(waits("waits for its start time, in 1m"));
    expect(waits("waits for 5m more")).toContain("waits for a set time");
    expect(waits("waits for its start time, in 1m")).not.toContain(", in");
  });
});

describe("a forged commit", () => {
  test("cannot create a check run at a commit outside of the branch", () => {
    for (const text of ["", "main", "x".repeat(9000), "f".repeat(40)]) {
      const forged = `it\n\nState: review\nAnswers: ${text}\nRunner: ann@desk\n`;
      const { checks } = project(projected([seenOf("topic", [ask("work"), forged])]));
      expect(checks.map(({ isPast }) => isPast)).toEqual([false]);
    }
  });

  test("links the work to a limited number of issues", () => {
    const refs = Array.from({ length: 500 }, (_, at) => `#${at + 1}`).join(" ");
    const { threads } = project(projected([seenOf("topic", [ask("work", `Refs: ${refs}\n`)])]));
    expect(threads).toHaveLength(20);
  });
});
