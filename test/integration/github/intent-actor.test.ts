/** The commits that commands, labels, reviews and buttons write, and their authors. */
import { describe, expect, it } from "vitest";
import type { RepositoryActions } from "../../../src/github/commands/repository-port.ts";
import type { Intent } from "../../../src/github/commands/intent.ts";
import { commitAs } from "../../support/person-commits.ts";
import { valueOf } from "../../support/remote-workspace.ts";
import type { Ref } from "../../../src/core/protocol/ids.ts";
import {
  ANN,
  BOB,
  CAT,
  everything,
  FILES,
  label,
  only,
  openActionFixture,
  REPO,
  sentence,
  WORKFLOW,
  type ActionFixture,
} from "../../support/github/action-fixture.ts";

const BRANCH = "trailhand/issue-12";
const ISSUE = { number: 12, title: "feat: throttle logins", body: "Five attempts a minute." };
const trailer = (fixture: ActionFixture, key: string, branch = BRANCH) =>
  fixture.log(branch, `%(trailers:key=${key},valueonly)`).trim();
const head = (fixture: ActionFixture, branch = BRANCH) => fixture.far.remote.git("rev-parse", branch);
const write = (fixture: ActionFixture, message: string, branch = BRANCH) =>
  commitAs(fixture.far.remote, "runner@example.com", message, { branch });

/** An issue with work in a state. */
async function begun(state = "work", fixture?: ActionFixture): Promise<ActionFixture> {
  const open = fixture ?? (await openActionFixture());
  expect(only(await open.say(ANN, 12, `/request ${state}`, 900)).kind).toBe("accepted");
  return open;
}

/** A pull request from a branch of this repository. */
function pull(fixture: ActionFixture, number: number, branch: string, isFork = false): string {
  const sha = commitAs(fixture.far.remote, "ann@example.com", "feat: a thing\n", {
    branch,
    parent: head(fixture, "main"),
  });
  fixture.known.pulls.set(number, { ref: branch, sha, isFork });
  return sha;
}

describe("a label", () => {
  it("creates the branch of the issue with its text, as the person who set it", async () => {
    const fixture = await openActionFixture();
    const result = only(await fixture.act(label(ANN, "triage", ISSUE)));
    expect(result).toMatchObject({
      kind: "accepted",
      command: "request",
      branch: BRANCH,
      commit: head(fixture),
    });
    expect(fixture.log(BRANCH, "%an|%ae|%cn|%B").trim()).toBe(
      [
        "ann|1+ann@users.noreply.github.com|Trailhand|feat: throttle logins",
        "",
        "Five attempts a minute.",
        "",
        "Refs: #12",
        "Event: github:acme/shop:issue:12:labeled:triage:2026-01-01T00:00:00Z",
        "State: triage",
        `Branch: ${BRANCH}`,
      ].join("\n"),
    );
    expect(fixture.log(BRANCH, "%P")).toBe(head(fixture, "main"));
  });

  it("on existing work is refused, and moves nothing", async () => {
    const fixture = await begun("work");
    const before = everything(fixture);
    const result = only(await fixture.act(label(BOB, "triage", ISSUE)));
    expect(result.kind).toBe("refused");
    expect(sentence(result)).toContain(
      "is in the state work, and a label only shows that. To change the state: `/request triage`",
    );
    expect(only(await fixture.act(label(BOB, "work", ISSUE))).kind).toBe("ignored");
    expect(everything(fixture)).toBe(before);
  });

  it("of an unknown state gets the nearest name as a suggestion", async () => {
    const fixture = await openActionFixture();
    expect(sentence(only(await fixture.act(label(ANN, "traige", ISSUE))))).toContain("triage");
    expect(fixture.has(BRANCH)).toBe(false);
  });

  it("on an issue without text creates the branch too", async () => {
    const fixture = await openActionFixture();
    await fixture.act(label(ANN, "work", { number: 12, title: "\u0007 ", body: "" }));
    expect(fixture.log(BRANCH, "%s")).toBe("issue #12");
  });
});

describe("request", () => {
  it("starts work with the text and the issue", async () => {
    const fixture = await openActionFixture();
    await fixture.say(ANN, 12, "Looks small.\n\n/run work keep the old limit");
    expect(fixture.log(BRANCH, "%B")).toMatch(
      /^feat: throttle logins\n\nkeep the old limit\n\nFive attempts a minute.\n\nRefs: #12\n/,
    );
  });

  it("continues existing work with the text", async () => {
    const fixture = await begun();
    const before = head(fixture);
    await fixture.say(BOB, 12, "/request triage look again");
    expect(fixture.log(BRANCH, "%P|%an|%s")).toBe(`${before}|bob|look again`);
    expect(trailer(fixture, "State")).toBe("triage");
  });

  it("works on the branch of a pull request of this repository", async () => {
    const fixture = await openActionFixture();
    const sha = pull(fixture, 30, "feat/x");
    const result = only(await fixture.say(ANN, 30, "/request work"));
    expect(result).toMatchObject({ kind: "accepted", branch: "feat/x" });
    expect(fixture.log("feat/x", "%P|%s")).toBe(`${sha}|trailhand: please work`);
  });

  it("creates a branch for each agent, all or none", async () => {
    const fixture = await openActionFixture();
    const result = only(await fixture.say(ANN, 12, "/request claude codex: do it"));
    expect(result).toMatchObject({ kind: "accepted", branch: `${BRANCH}.claude` });
    for (const agent of ["claude", "codex"]) {
      const branch = `${BRANCH}.${agent}`;
      expect(trailer(fixture, "Assigned-To", branch)).toBe(agent);
      expect(trailer(fixture, "State", branch)).toBe("work");
      expect(fixture.log(branch, "%B")).toContain("\n\ndo it\n\nFive attempts");
    }
    expect(fixture.has(BRANCH)).toBe(false);
    const before = everything(fixture);
    expect(sentence(only(await fixture.say(ANN, 12, "/request codex claude: more")))).toContain(
      "exists already",
    );
    expect(everything(fixture)).toBe(before);
  });

  it("assigns the branch itself to a single agent", async () => {
    const fixture = await openActionFixture();
    await fixture.say(ANN, 12, "/request codex: do it");
    expect([trailer(fixture, "Assigned-To"), trailer(fixture, "State")]).toEqual(["codex", "work"]);
  });

  it.each([
    ["/request chekc", "check"],
    ["/request done", "reserved"],
    ["/request", "needs an argument"],
    ["/request claude cluade: x", "`cluade` is not an agent"],
    ["/request claude:", "Write the task for the agents"],
    ["/request ../../etc/passwd", "is not a valid state name"],
    ["/request constructor", "constructor"],
  ])("%j is refused with a sentence", async (text, words) => {
    const fixture = await openActionFixture({
      ...FILES,
      "states/workflow.yml": WORKFLOW.replaceAll("gate", "check"),
      "states/check": FILES["states/gate"],
    });
    const result = only(await fixture.say(ANN, 12, text));
    expect(result.kind).toBe("refused");
    expect(sentence(result)).toContain(words);
    expect(fixture.has(BRANCH)).toBe(false);
  });

  it("is refused on the trusted branch", async () => {
    const fixture = await openActionFixture();
    fixture.known.pulls.set(30, { ref: "main", sha: head(fixture, "main"), isFork: false });
    expect(sentence(only(await fixture.say(ANN, 30, "/request work")))).toContain("trusted branch");
  });
});

describe("commands on existing work", () => {
  it("retry requests the failed state again", async () => {
    const fixture = await begun();
    write(fixture, `work: broke\n\nAnswers: ${head(fixture)}\nState: failed\nBranch: ${BRANCH}\n`);
    expect(only(await fixture.say(BOB, 12, "/retry")).kind).toBe("accepted");
    expect([trailer(fixture, "State"), fixture.log(BRANCH, "%an|%s")]).toEqual([
      "work",
      "bob|trailhand: work once more",
    ]);
    expect(sentence(only(await fixture.say(BOB, 12, "/retry")))).toContain("nothing failed");
  });

  it("resume continues parked work", async () => {
    const fixture = await begun();
    write(fixture, `work: unsure\n\nAnswers: ${head(fixture)}\nState: parked\nBranch: ${BRANCH}\n`);
    await fixture.say(BOB, 12, "/resume the limit is five");
    expect([trailer(fixture, "State"), fixture.log(BRANCH, "%s")]).toEqual(["work", "the limit is five"]);
  });

  it("cancel ends the work once", async () => {
    const fixture = await begun();
    expect(only(await fixture.say(BOB, 12, "/cancel"))).toMatchObject({
      kind: "accepted",
      commit: head(fixture),
    });
    expect(trailer(fixture, "State")).toBe("cancelled");
    expect(sentence(only(await fixture.say(BOB, 12, "/cancel")))).toContain("it ended as cancelled");
  });

  it("hold stops all work, and needs the right to maintain", async () => {
    const fixture = await openActionFixture();
    const held = () => valueOf(fixture.far, "refs/trailhand/hold" as Ref);
    expect(sentence(only(await fixture.say(ANN, 12, "/hold")))).toContain(
      "needs the right `maintain` in this repository, and you have `write`",
    );
    fixture.known.people.set("ann", { id: 1, role: "maintain", permission: "write" });
    expect(only(await fixture.say(ANN, 12, "/hold a release")).kind).toBe("accepted");
    expect(fixture.far.remote.git("log", "-1", "--format=%an|%cn|%s", held())).toBe(
      "ann|Trailhand|hold: a release",
    );
    expect(sentence(only(await fixture.say(ANN, 12, "/hold")))).toContain(
      "has already put all work on hold: a release",
    );
    await fixture.say(ANN, 12, "/hold off");
    expect(held()).toBe("");
  });

  it("request and reject move the work to states that the workflow allows", async () => {
    const fixture = await begun("look");
    await fixture.say(BOB, 12, "/reject the limit is for each address");
    expect([trailer(fixture, "State"), fixture.log(BRANCH, "%s")]).toEqual([
      "work",
      "rejected by @bob: the limit is for each address",
    ]);
    expect(sentence(only(await fixture.say(BOB, 12, "/reject again")))).toContain(
      "does not wait for a person",
    );
    await fixture.say(BOB, 12, "/request look");
    await fixture.say(BOB, 12, "/request done it is good");
    expect([trailer(fixture, "State"), fixture.log(BRANCH, "%s")]).toEqual(["done", "it is good"]);
  });

  it("assign and priority repeat the request with one trailer changed", async () => {
    const fixture = await begun();
    await fixture.say(BOB, 12, "/assign codex");
    await fixture.say(BOB, 12, "/priority 10");
    expect(fixture.log(BRANCH, "%s")).toBe("feat: throttle logins");
    expect(["State", "Assigned-To", "Priority", "Refs"].map((key) => trailer(fixture, key))).toEqual([
      "work",
      "codex",
      "10",
      "#12",
    ]);
    await fixture.say(BOB, 12, "/priority -3");
    expect(trailer(fixture, "Priority")).toBe("-3");
    for (const [text, words] of [
      ["/assign @bob", "use the assignees of the issue"],
      ["/assign ann", "is not an agent of the workflow. Its agents: default, claude, codex"],
      ["/priority high", "a whole number"],
      ["/priority 1001", "a whole number"],
    ] as const)
      expect(sentence(only(await fixture.say(BOB, 12, text)))).toContain(words);
  });

  it("without work, the reply says how to start it", async () => {
    const fixture = await openActionFixture();
    for (const text of ["/retry", "/cancel", "/status", "/priority 1", "/reject no"])
      expect(sentence(only(await fixture.say(ANN, 12, text)))).toContain("To start it: `/request <state>`");
  });
});

describe("a report", () => {
  it.each([
    ["/help", "| `/retry` | write |"],
    ["/status", "`trailhand/issue-12` is at `work`: a runner's turn."],
    ["/cost", "Spent so far: nothing."],
    ["/log", "| work |"],
    ["/replay", "This branch has no response yet"],
  ])("by %s", async (text, words) => {
    const fixture = await begun();
    fixture.known.people.set("cat", { id: 3, role: "read", permission: "read" });
    const before = everything(fixture);
    const result = only(await fixture.say(CAT, 12, text));
    expect(result.kind).toBe("replied");
    expect(sentence(result)).toContain(words);
    expect(everything(fixture)).toBe(before);
  });

  it("of a mistyped command suggests the nearest one", async () => {
    const fixture = await openActionFixture();
    expect(sentence(only(await fixture.say(ANN, 12, "/retyr")))).toContain("Did you mean `/retry`?");
  });
});

describe("an approval", () => {
  const waiting = () => begun("gate");

  it("by comment with the full id counts", async () => {
    const fixture = await waiting();
    const asked = head(fixture);
    const result = only(await fixture.say(BOB, 12, `/approve ${asked}`));
    expect(result).toMatchObject({ kind: "accepted", commit: head(fixture) });
    expect(fixture.log(BRANCH, "%P|%ae|%(trailers:key=Approves,valueonly)").trim()).toBe(
      `${asked}|2+bob@users.noreply.github.com|${asked}`,
    );
    expect(sentence(only(await fixture.say(CAT, 12, `/approve ${asked}`)))).toContain(
      "its request does not wait for an approval",
    );
  });

  it("of one's own request does not count", async () => {
    const fixture = await openActionFixture();
    await fixture.say(BOB, 12, "/request gate");
    const before = everything(fixture);
    expect(sentence(only(await fixture.say(BOB, 12, `/approve ${head(fixture)}`)))).toContain(
      "it is your own work",
    );
    expect(everything(fixture)).toBe(before);
  });

  it("by a person whom the workflow does not name does not count", async () => {
    const fixture = await openActionFixture();
    await fixture.say(BOB, 12, "/request gate");
    const result = only(await fixture.say(ANN, 12, `/approve ${head(fixture)}`));
    expect(result.kind).toBe("refused");
    expect(sentence(result)).toContain("it waits for");
  });

  it("by a review counts for the reviewed commit only", async () => {
    const fixture = await openActionFixture();
    pull(fixture, 30, "feat/x");
    await fixture.say(ANN, 30, "/request gate");
    const asked = head(fixture, "feat/x");
    const review = (commit: string, verdict: "approved" | "changes_requested" = "approved"): Intent => ({
      kind: "review",
      repo: REPO,
      actor: BOB,
      number: 30,
      verdict,
      commit,
      event: `review:${commit.slice(0, 4)}:${verdict}`,
    });
    expect(only(await fixture.act(review("f".repeat(40)))).kind).toBe("refused");
    expect(only(await fixture.act(review(asked)))).toMatchObject({ kind: "accepted", command: "approve" });
    expect(only(await fixture.act(review(asked)))).toMatchObject({ kind: "ignored" });
  });

  it("review that requests changes sends the work back, and is ignored when nothing waits", async () => {
    const fixture = await openActionFixture();
    pull(fixture, 30, "feat/x");
    const review = (): Intent => ({
      kind: "review",
      repo: REPO,
      actor: BOB,
      number: 30,
      verdict: "changes_requested",
      commit: head(fixture, "feat/x"),
      event: "review:5:changes_requested",
    });
    expect(only(await fixture.act(review())).kind).toBe("ignored");
    await fixture.say(ANN, 30, "/request gate");
    expect(only(await fixture.act(review())).kind).toBe("accepted");
    expect(trailer(fixture, "State", "feat/x")).toBe("work");
  });

  it("by comment is refused when the workflow requires signatures", async () => {
    const fixture = await openActionFixture({
      ...FILES,
      "states/workflow.yml": `proof: signature\n${WORKFLOW}`,
    });
    await begun("gate", fixture);
    expect(sentence(only(await fixture.say(BOB, 12, `/approve ${head(fixture)}`)))).toContain(
      "signed with your own key",
    );
  });
});

describe("a button", () => {
  const press = (
    fixture: ActionFixture,
    action: string,
    commit = head(fixture),
    branch: string | undefined = BRANCH,
  ): Intent => ({
    kind: "button",
    repo: REPO,
    actor: BOB,
    action,
    commit,
    branch,
    event: `check:5:${action}`,
  });

  it("runs its command on the commit of its check run", async () => {
    const fixture = await begun();
    expect(only(await fixture.act(press(fixture, "cancel", head(fixture), undefined))).kind).toBe("accepted");
    expect(trailer(fixture, "State")).toBe("cancelled");
  });

  it("of an earlier head has no effect", async () => {
    const fixture = await begun();
    const old = head(fixture);
    await fixture.say(ANN, 12, "/request triage");
    const before = everything(fixture);
    expect(sentence(only(await fixture.act(press(fixture, "cancel", old))))).toContain("has moved since");
    expect(only(await fixture.act(press(fixture, "rm -rf /"))).kind).toBe("ignored");
    expect(everything(fixture)).toBe(before);
  });
});

describe("a pull request", () => {
  const closed = (
    number: number,
    ref: string,
    isFork = false,
    action: "closed" | "merged" = "closed",
  ): Intent => ({
    kind: "pull",
    repo: REPO,
    actor: BOB,
    number,
    action,
    head: { ref, sha: "a".repeat(40), isFork },
    event: `pull:${number}:closed`,
  });

  it("cancels the work on its branch when it is closed", async () => {
    const fixture = await openActionFixture();
    pull(fixture, 30, "feat/x");
    expect(only(await fixture.act(closed(30, "feat/x"))).kind).toBe("ignored");
    await fixture.say(ANN, 30, "/request work");
    expect(await fixture.act(closed(30, "feat/x", true))).toEqual([]);
    expect(await fixture.act(closed(30, "feat/x", false, "merged"))).toEqual([]);
    expect(trailer(fixture, "State", "feat/x")).toBe("work");
    expect(only(await fixture.act(closed(30, "feat/x"))).kind).toBe("accepted");
    expect(fixture.log("feat/x", "%s")).toBe("pull request #30 was closed by @bob");
    // Ended work is not cancelled: Trailhand closes its own pull request after the work landed.
    expect(
      only(await fixture.act({ ...closed(30, "feat/x"), event: "pull:30:closed:again" } as Intent)),
    ).toMatchObject({
      kind: "ignored",
      why: "the branch has no work in progress",
    });
  });
});

it("a check of another App is recorded for its head", async () => {
  const fixture = await begun();
  const check = (commit: string): Intent => ({
    kind: "check",
    repo: REPO,
    name: "ci",
    commit,
    conclusion: "success",
  });
  await fixture.act(check("f".repeat(40)));
  expect(everything(fixture)).not.toContain("refs/trailhand/checks/");
  await fixture.act(check(head(fixture)));
  const [ref = ""] = /refs\/trailhand\/checks\/\S+/.exec(everything(fixture)) ?? [];
  expect(fixture.far.remote.git("log", "-1", "--format=%B", ref)).toContain("Check: ci=success");
});

describe("a concurrent push", () => {
  /** Repository actions with another write between reading and writing. */
  const between = (actions: RepositoryActions, act: () => void, times: number): RepositoryActions => {
    let left = times;
    return {
      ...actions,
      async readView() {
        const view = await actions.readView();
        if (left-- > 0) act();
        return view;
      },
    };
  };
  const say = (text: string): Intent => ({
    kind: "command",
    repo: REPO,
    actor: BOB,
    location: { kind: "issue-comment", number: 12, id: 5 },
    text,
    event: "comment:5",
  });

  it("makes the command decide again on the new head", async () => {
    const fixture = await begun();
    const push = () =>
      void write(fixture, `work: answered\n\nAnswers: ${head(fixture)}\nState: look\nBranch: ${BRANCH}\n`);
    expect(only(await fixture.act(say("/cancel"), between(fixture.actions, push, 1))).kind).toBe("accepted");
    expect([trailer(fixture, "State"), fixture.log(`${BRANCH}^`, "%s")]).toEqual([
      "cancelled",
      "work: answered",
    ]);
  });

  it("is refused with a reason after several tries", async () => {
    const fixture = await begun();
    let n = 0;
    const push = () => void write(fixture, `plain ${n++}\n`);
    const result = only(await fixture.act(say("/request triage"), between(fixture.actions, push, 100)));
    expect(sentence(result)).toContain("moved in the meantime");
  });
});
