/** What commands, labels, reviews and buttons write to a repository, and as whom. */
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
  openOffice,
  REPO,
  sentence,
  WORKFLOW,
  type Office,
} from "../../support/github/action-fixture.ts";

const BRANCH = "trailhand/issue-12";
const ISSUE = { number: 12, title: "feat: throttle logins", body: "Five attempts a minute." };
const trailer = (office: Office, key: string, branch = BRANCH) =>
  office.log(branch, `%(trailers:key=${key},valueonly)`).trim();
const head = (office: Office, branch = BRANCH) => office.far.remote.git("rev-parse", branch);
const write = (office: Office, message: string, branch = BRANCH) =>
  commitAs(office.far.remote, "runner@example.com", message, { branch });

/** An issue whose work stands at a state. */
async function begun(state = "work", office?: Office): Promise<Office> {
  const open = office ?? (await openOffice());
  expect(only(await open.say(ANN, 12, `/request ${state}`, 900)).kind).toBe("accepted");
  return open;
}

/** A pull request from a branch of this repository. */
function pull(office: Office, number: number, branch: string, isFork = false): string {
  const sha = commitAs(office.far.remote, "ann@example.com", "feat: a thing\n", {
    branch,
    parent: head(office, "main"),
  });
  office.known.pulls.set(number, { ref: branch, sha, isFork });
  return sha;
}

describe("a label", () => {
  it("opens the branch of the issue, with its words, by who set it", async () => {
    const office = await openOffice();
    const result = only(await office.act(label(ANN, "triage", ISSUE)));
    expect(result).toMatchObject({
      kind: "accepted",
      command: "request",
      branch: BRANCH,
      commit: head(office),
    });
    expect(office.log(BRANCH, "%an|%ae|%cn|%B").trim()).toBe(
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
    expect(office.log(BRANCH, "%P")).toBe(head(office, "main"));
  });

  it("set again says where the work is, and moves nothing", async () => {
    const office = await begun("work");
    const before = everything(office);
    const result = only(await office.act(label(BOB, "triage", ISSUE)));
    expect(result.kind).toBe("refused");
    expect(sentence(result)).toContain(
      "is in the state work, and a label only shows that. To change the state: `/request triage`",
    );
    expect(only(await office.act(label(BOB, "work", ISSUE))).kind).toBe("ignored");
    expect(everything(office)).toBe(before);
  });

  it("of no state of the workflow says the nearest", async () => {
    const office = await openOffice();
    expect(sentence(only(await office.act(label(ANN, "traige", ISSUE))))).toContain("triage");
    expect(office.has(BRANCH)).toBe(false);
  });

  it("on an issue without words opens it all the same", async () => {
    const office = await openOffice();
    await office.act(label(ANN, "work", { number: 12, title: "\u0007 ", body: "" }));
    expect(office.log(BRANCH, "%s")).toBe("issue #12");
  });
});

describe("request", () => {
  it("begins with the text, then the issue", async () => {
    const office = await openOffice();
    await office.say(ANN, 12, "Looks small.\n\n/run work keep the old limit");
    expect(office.log(BRANCH, "%B")).toMatch(
      /^feat: throttle logins\n\nkeep the old limit\n\nFive attempts a minute.\n\nRefs: #12\n/,
    );
  });

  it("goes on with the text on what is there", async () => {
    const office = await begun();
    const before = head(office);
    await office.say(BOB, 12, "/request triage look again");
    expect(office.log(BRANCH, "%P|%an|%s")).toBe(`${before}|bob|look again`);
    expect(trailer(office, "State")).toBe("triage");
  });

  it("works on the branch of a pull request of this repository", async () => {
    const office = await openOffice();
    const sha = pull(office, 30, "feat/x");
    const result = only(await office.say(ANN, 30, "/request work"));
    expect(result).toMatchObject({ kind: "accepted", branch: "feat/x" });
    expect(office.log("feat/x", "%P|%s")).toBe(`${sha}|trailhand: please work`);
  });

  it("gives agents a branch each, all of them or none", async () => {
    const office = await openOffice();
    const result = only(await office.say(ANN, 12, "/request claude codex: do it"));
    expect(result).toMatchObject({ kind: "accepted", branch: `${BRANCH}.claude` });
    for (const agent of ["claude", "codex"]) {
      const branch = `${BRANCH}.${agent}`;
      expect(trailer(office, "Assigned-To", branch)).toBe(agent);
      expect(trailer(office, "State", branch)).toBe("work");
      expect(office.log(branch, "%B")).toContain("\n\ndo it\n\nFive attempts");
    }
    expect(office.has(BRANCH)).toBe(false);
    const before = everything(office);
    expect(sentence(only(await office.say(ANN, 12, "/request codex claude: more")))).toContain(
      "exists already",
    );
    expect(everything(office)).toBe(before);
  });

  it("gives one agent the branch itself", async () => {
    const office = await openOffice();
    await office.say(ANN, 12, "/request codex: do it");
    expect([trailer(office, "Assigned-To"), trailer(office, "State")]).toEqual(["codex", "work"]);
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
    const office = await openOffice({
      ...FILES,
      "states/workflow.yml": WORKFLOW.replaceAll("gate", "check"),
      "states/check": FILES["states/gate"],
    });
    const result = only(await office.say(ANN, 12, text));
    expect(result.kind).toBe("refused");
    expect(sentence(result)).toContain(words);
    expect(office.has(BRANCH)).toBe(false);
  });

  it("on the trusted branch is refused", async () => {
    const office = await openOffice();
    office.known.pulls.set(30, { ref: "main", sha: head(office, "main"), isFork: false });
    expect(sentence(only(await office.say(ANN, 30, "/request work")))).toContain("trusted branch");
  });
});

describe("what steers work", () => {
  it("retry asks again for what failed", async () => {
    const office = await begun();
    write(office, `work: broke\n\nAnswers: ${head(office)}\nState: failed\nBranch: ${BRANCH}\n`);
    expect(only(await office.say(BOB, 12, "/retry")).kind).toBe("accepted");
    expect([trailer(office, "State"), office.log(BRANCH, "%an|%s")]).toEqual([
      "work",
      "bob|trailhand: work once more",
    ]);
    expect(sentence(only(await office.say(BOB, 12, "/retry")))).toContain("nothing failed");
  });

  it("resume goes on with what was parked", async () => {
    const office = await begun();
    write(office, `work: unsure\n\nAnswers: ${head(office)}\nState: parked\nBranch: ${BRANCH}\n`);
    await office.say(BOB, 12, "/resume the limit is five");
    expect([trailer(office, "State"), office.log(BRANCH, "%s")]).toEqual(["work", "the limit is five"]);
  });

  it("stop ends it, once", async () => {
    const office = await begun();
    expect(only(await office.say(BOB, 12, "/cancel"))).toMatchObject({
      kind: "accepted",
      commit: head(office),
    });
    expect(trailer(office, "State")).toBe("cancelled");
    expect(sentence(only(await office.say(BOB, 12, "/cancel")))).toContain("it ended as cancelled");
  });

  it("hold stops everything, and needs more than to write", async () => {
    const office = await openOffice();
    const held = () => valueOf(office.far, "refs/trailhand/hold" as Ref);
    expect(sentence(only(await office.say(ANN, 12, "/hold")))).toContain(
      "needs the right `maintain` in this repository, and you have `write`",
    );
    office.known.people.set("ann", { id: 1, role: "maintain", permission: "write" });
    expect(only(await office.say(ANN, 12, "/hold a release")).kind).toBe("accepted");
    expect(office.far.remote.git("log", "-1", "--format=%an|%cn|%s", held())).toBe(
      "ann|Trailhand|hold: a release",
    );
    expect(sentence(only(await office.say(ANN, 12, "/hold")))).toContain("holds all work already");
    await office.say(ANN, 12, "/hold off");
    expect(held()).toBe("");
  });

  it("set-state and reject move it where the workflow says", async () => {
    const office = await begun("look");
    await office.say(BOB, 12, "/reject the limit is for each address");
    expect([trailer(office, "State"), office.log(BRANCH, "%s")]).toEqual([
      "work",
      "rejected by @bob: the limit is for each address",
    ]);
    expect(sentence(only(await office.say(BOB, 12, "/reject again")))).toContain(
      "does not wait for a person",
    );
    await office.say(BOB, 12, "/request look");
    await office.say(BOB, 12, "/request done it is good");
    expect([trailer(office, "State"), office.log(BRANCH, "%s")]).toEqual(["done", "it is good"]);
  });

  it("assign and priority ask for the same, and keep the rest", async () => {
    const office = await begun();
    await office.say(BOB, 12, "/assign codex");
    await office.say(BOB, 12, "/priority 10");
    expect(office.log(BRANCH, "%s")).toBe("feat: throttle logins");
    expect(["State", "Assigned-To", "Priority", "Refs"].map((key) => trailer(office, key))).toEqual([
      "work",
      "codex",
      "10",
      "#12",
    ]);
    await office.say(BOB, 12, "/priority -3");
    expect(trailer(office, "Priority")).toBe("-3");
    for (const [text, words] of [
      ["/assign @bob", "use the assignees of the issue"],
      ["/assign ann", "is not an agent of the workflow. Its agents: default, claude, codex"],
      ["/priority high", "a whole number"],
      ["/priority 1001", "a whole number"],
    ] as const)
      expect(sentence(only(await office.say(BOB, 12, text)))).toContain(words);
  });

  it("before any work says how to begin it", async () => {
    const office = await openOffice();
    for (const text of ["/retry", "/cancel", "/status", "/priority 1", "/reject no"])
      expect(sentence(only(await office.say(ANN, 12, text)))).toContain("To start it: `/request <state>`");
  });
});

describe("what is told", () => {
  it.each([
    ["/help", "| `/retry` | write |"],
    ["/status", "`trailhand/issue-12` is at `work`: a runner's turn."],
    ["/cost", "Spent so far: nothing."],
    ["/log", "| work |"],
    ["/replay", "Nothing was answered here yet"],
  ])("by %s", async (text, words) => {
    const office = await begun();
    office.known.people.set("cat", { id: 3, role: "read", permission: "read" });
    const before = everything(office);
    const result = only(await office.say(CAT, 12, text));
    expect(result.kind).toBe("replied");
    expect(sentence(result)).toContain(words);
    expect(everything(office)).toBe(before);
  });

  it("of a verb that is nearly one is the nearest", async () => {
    const office = await openOffice();
    expect(sentence(only(await office.say(ANN, 12, "/retyr")))).toContain("Did you mean `/retry`?");
  });
});

describe("an approval", () => {
  const waiting = () => begun("gate");

  it("by comment names the full id, and counts", async () => {
    const office = await waiting();
    const asked = head(office);
    const result = only(await office.say(BOB, 12, `/approve ${asked}`));
    expect(result).toMatchObject({ kind: "accepted", commit: head(office) });
    expect(office.log(BRANCH, "%P|%ae|%(trailers:key=Approves,valueonly)").trim()).toBe(
      `${asked}|2+bob@users.noreply.github.com|${asked}`,
    );
    expect(sentence(only(await office.say(CAT, 12, `/approve ${asked}`)))).toContain(
      "its request does not wait for an approval",
    );
  });

  it("of one's own request does not count", async () => {
    const office = await openOffice();
    await office.say(BOB, 12, "/request gate");
    const before = everything(office);
    expect(sentence(only(await office.say(BOB, 12, `/approve ${head(office)}`)))).toContain(
      "it is your own work",
    );
    expect(everything(office)).toBe(before);
  });

  it("by somebody whom the workflow does not name does not count", async () => {
    const office = await openOffice();
    await office.say(BOB, 12, "/request gate");
    const result = only(await office.say(ANN, 12, `/approve ${head(office)}`));
    expect(result.kind).toBe("refused");
    expect(sentence(result)).toContain("it waits for");
  });

  it("by a review is bound to the commit that was looked at", async () => {
    const office = await openOffice();
    pull(office, 30, "feat/x");
    await office.say(ANN, 30, "/request gate");
    const asked = head(office, "feat/x");
    const review = (commit: string, verdict: "approved" | "changes_requested" = "approved"): Intent => ({
      kind: "review",
      repo: REPO,
      actor: BOB,
      number: 30,
      verdict,
      commit,
      event: `review:${commit.slice(0, 4)}:${verdict}`,
    });
    expect(only(await office.act(review("f".repeat(40)))).kind).toBe("refused");
    expect(only(await office.act(review(asked)))).toMatchObject({ kind: "accepted", command: "approve" });
    expect(only(await office.act(review(asked)))).toMatchObject({ kind: "ignored" });
  });

  it("that asks for changes sends it back, and says nothing where nothing waits", async () => {
    const office = await openOffice();
    pull(office, 30, "feat/x");
    const review = (): Intent => ({
      kind: "review",
      repo: REPO,
      actor: BOB,
      number: 30,
      verdict: "changes_requested",
      commit: head(office, "feat/x"),
      event: "review:5:changes_requested",
    });
    expect(only(await office.act(review())).kind).toBe("ignored");
    await office.say(ANN, 30, "/request gate");
    expect(only(await office.act(review())).kind).toBe("accepted");
    expect(trailer(office, "State", "feat/x")).toBe("work");
  });

  it("where signatures prove who a person is, is no comment", async () => {
    const office = await openOffice({ ...FILES, "states/workflow.yml": `proof: signature\n${WORKFLOW}` });
    await begun("gate", office);
    expect(sentence(only(await office.say(BOB, 12, `/approve ${head(office)}`)))).toContain(
      "signed with your own key",
    );
  });
});

describe("a button", () => {
  const press = (
    office: Office,
    action: string,
    commit = head(office),
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

  it("does its command on the commit that it stands at", async () => {
    const office = await begun();
    expect(only(await office.act(press(office, "cancel", head(office), undefined))).kind).toBe("accepted");
    expect(trailer(office, "State")).toBe("cancelled");
  });

  it("of a commit that is no longer the head does nothing", async () => {
    const office = await begun();
    const old = head(office);
    await office.say(ANN, 12, "/request triage");
    const before = everything(office);
    expect(sentence(only(await office.act(press(office, "cancel", old))))).toContain("has moved since");
    expect(only(await office.act(press(office, "rm -rf /"))).kind).toBe("ignored");
    expect(everything(office)).toBe(before);
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

  it("that is closed ends the work on its branch", async () => {
    const office = await openOffice();
    pull(office, 30, "feat/x");
    expect(only(await office.act(closed(30, "feat/x"))).kind).toBe("ignored");
    await office.say(ANN, 30, "/request work");
    expect(await office.act(closed(30, "feat/x", true))).toEqual([]);
    expect(await office.act(closed(30, "feat/x", false, "merged"))).toEqual([]);
    expect(trailer(office, "State", "feat/x")).toBe("work");
    expect(only(await office.act(closed(30, "feat/x"))).kind).toBe("accepted");
    expect(office.log("feat/x", "%s")).toBe("pull request #30 was closed by @bob");
    // What has ended is ended once: we close our own pull request where the work has landed.
    expect(
      only(await office.act({ ...closed(30, "feat/x"), event: "pull:30:closed:again" } as Intent)),
    ).toMatchObject({
      kind: "ignored",
      why: "the branch has no work in progress",
    });
  });
});

it("a check of another app is kept for the head that it was made for", async () => {
  const office = await begun();
  const check = (commit: string): Intent => ({
    kind: "check",
    repo: REPO,
    name: "ci",
    commit,
    conclusion: "success",
  });
  await office.act(check("f".repeat(40)));
  expect(everything(office)).not.toContain("refs/trailhand/checks/");
  await office.act(check(head(office)));
  const [ref = ""] = /refs\/trailhand\/checks\/\S+/.exec(everything(office)) ?? [];
  expect(office.far.remote.git("log", "-1", "--format=%B", ref)).toContain("Check: ci=success");
});

describe("what happens at the same time", () => {
  /** A desk between whose look and writing something else is written. */
  const between = (
    repositoryActions: RepositoryActions,
    act: () => void,
    times: number,
  ): RepositoryActions => {
    let left = times;
    return {
      ...repositoryActions,
      async readView() {
        const repositoryView = await repositoryActions.readView();
        if (left-- > 0) act();
        return repositoryView;
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

  it("is decided anew on what is there then", async () => {
    const office = await begun();
    const push = () =>
      void write(office, `work: answered\n\nAnswers: ${head(office)}\nState: look\nBranch: ${BRANCH}\n`);
    expect(only(await office.act(say("/cancel"), between(office.repositoryActions, push, 1))).kind).toBe(
      "accepted",
    );
    expect([trailer(office, "State"), office.log(`${BRANCH}^`, "%s")]).toEqual([
      "cancelled",
      "work: answered",
    ]);
  });

  it("is given up in the end, with a sentence", async () => {
    const office = await begun();
    let n = 0;
    const push = () => void write(office, `plain ${n++}\n`);
    const result = only(
      await office.act(say("/request triage"), between(office.repositoryActions, push, 100)),
    );
    expect(sentence(result)).toContain("moved in the meantime");
  });
});
