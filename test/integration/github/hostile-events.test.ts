/**
 * Attacks by those who may only write texts on GitHub, or open pull requests from forks.
 *
 * What must hold: each test fails when its defence is taken out; what they try is delivered as GitHub
 * would deliver it, and judged by what the remote holds afterwards.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { handleIntent } from "../../../src/github/commands/handle-intent.ts";
import type { IntentResult } from "../../../src/github/commands/intent-actor.ts";
import { readEvent } from "../../../src/github/commands/parse-event.ts";
import type { Actor, Intent } from "../../../src/github/commands/intent.ts";
import { RateLimit } from "../../../src/github/commands/rate-limit.ts";
import { commitAs } from "../../support/person-commits.ts";
import {
  ANN,
  BOB,
  CAT,
  everything,
  FILES,
  label,
  only,
  openOffice,
  person,
  REPO,
  SELF,
  sentence,
  WORKFLOW,
  type Office,
} from "../../support/github/action-fixture.ts";

const BRANCH = "trailhand/issue-12";
const repository = { name: "shop", owner: { login: "acme" } };
const EVE = { id: 66, login: "eve", type: "User" };
const USER = { ann: { id: 1, login: "ann", type: "User" }, bob: { id: 2, login: "bob", type: "User" } };

/** A new comment on issue 12, as GitHub delivers it. */
const comment = (sender: object, body: string, more: object = {}, id = 5) => ({
  action: "created",
  issue: { number: 12 },
  comment: { id, user: sender, body, author_association: "NONE", ...more },
  repository,
  sender,
});

const head = (office: Office, branch = BRANCH) => office.far.remote.git("rev-parse", branch);
const trailers = (office: Office, branch = BRANCH) =>
  office.log(branch, "%(trailers:only,unfold)").trim().split("\n");

/** The files of a repository whose workflow lists these bots. */
const withBots = (bots: string, more = "") => ({
  ...FILES,
  "states/workflow.yml": `bots: { ${bots} }\n${more}${WORKFLOW}`,
});

/** Nothing is written by it; says what came of it. */
async function harmless(
  office: Office,
  act: () => Promise<readonly IntentResult[]>,
): Promise<readonly IntentResult[]> {
  const before = everything(office);
  const results = await act();
  expect(everything(office)).toBe(before);
  expect(results.map(({ kind }) => kind)).not.toContain("accepted");
  return results;
}

/** An office where somebody may only what a role says. */
async function withRole(login: string, id: number, role: string): Promise<Office> {
  const office = await openOffice();
  office.known.people.set(login, { id, role, permission: role === "triage" ? "read" : role });
  return office;
}

it("the honest way works, so that what follows is refused for its own reason", async () => {
  const office = await openOffice();
  expect(only(await office.deliver("issue_comment", comment(USER.ann, "/request work"))).kind).toBe(
    "accepted",
  );
  expect(office.log(BRANCH, "%ae")).toBe("1+ann@users.noreply.github.com");
});

describe("somebody who pretends to be another", () => {
  it("has the name of a person who left, and not the number", async () => {
    const office = await openOffice();
    const forged = { ...EVE, login: "ann" };
    const results = await harmless(office, () =>
      office.deliver("issue_comment", comment(forged, "/request work")),
    );
    expect(sentence(only(results))).toContain("this login now belongs to another account");
  });

  it("is called an owner by the payload", async () => {
    const office = await withRole("eve", 66, "read");
    const owner = { author_association: "OWNER", user: { ...EVE, site_admin: true } };
    const results = await harmless(office, () =>
      office.deliver("issue_comment", comment(EVE, "/request work", owner)),
    );
    expect(sentence(only(results))).toContain(
      "needs the right `write` in this repository, and you have `read`",
    );
  });

  it("sends what somebody else is to have written", async () => {
    const office = await openOffice();
    const forged = comment(USER.ann, "/request work", { user: EVE });
    expect(await harmless(office, () => office.deliver("issue_comment", forged))).toEqual([]);
  });

  it("has the name of a bot", async () => {
    const office = await openOffice();
    for (const login of ["trailhand[bot]", "github-actions[bot]", "dependabot[bot]"]) {
      const bot = { id: 67, login, type: "Bot" };
      office.known.people.set(login, { id: 67, role: "admin", permission: "admin" });
      expect(
        await harmless(office, () => office.deliver("issue_comment", comment(bot, "/request work"))),
      ).toEqual([]);
    }
  });

  it("is a bot that the workflow does not list by its number, and gets no answer", async () => {
    const office = await openOffice(withBots("67: write"));
    const bot = { ...person(66, "helper[bot]"), isBot: true };
    office.known.people.set("helper[bot]", { id: 66, role: "admin", permission: "admin" });
    office.known.pulls.set(9, { ref: BRANCH, sha: "0".repeat(40), isFork: false });
    await office.say(ANN, 12, "/request gate");
    const commit = head(office);
    const pull = { number: 9, head: { ref: BRANCH, sha: commit, isFork: false } };
    const about = { repo: REPO, actor: bot, event: "e" };
    const tried: readonly Intent[] = [
      { kind: "label", ...about, issue: { number: 13, title: "T", body: "" }, state: "work" },
      { kind: "review", ...about, number: 9, verdict: "approved", commit },
      { kind: "button", ...about, action: "cancel", commit, branch: BRANCH },
      { kind: "pull", ...about, ...pull, action: "closed" },
    ];
    for (const intent of tried) expect(await harmless(office, () => office.act(intent))).toEqual([]);
    for (const text of ["/request work", "/help", "/reqeust work"])
      expect(await harmless(office, () => office.say(bot, 12, text))).toEqual([]);
    expect(office.asked).toHaveLength(1);
  });

  it("is a bot that is listed, and wants more than the workflow gives it", async () => {
    const office = await openOffice(withBots("66: triage"));
    const bot = { ...person(66, "helper[bot]"), isBot: true };
    office.known.people.set("helper[bot]", { id: 66, role: "admin", permission: "admin" });
    expect(sentence(only(await harmless(office, () => office.say(bot, 12, "/request work"))))).toContain(
      "needs the right `write` in this repository, and you have `triage`",
    );
    await office.say(ANN, 12, "/request work");
    expect(only(await office.say(bot, 12, "/priority 3")).kind).toBe("accepted");
  });

  it("is a bot that is listed, and labels what goes on: another of us that shows it", async () => {
    const office = await openOffice(withBots("66: triage, 67: write"));
    await office.say(ANN, 12, "/request work");
    const issue = { number: 12, title: "T", body: "" };
    for (const id of [66, 67]) {
      const actor = { ...person(id, "helper[bot]"), isBot: true };
      const intent: Intent = { kind: "label", repo: REPO, actor, event: `label:${id}`, issue, state: "gate" };
      expect(only(await harmless(office, () => office.act(intent))).kind).toBe("ignored");
    }
  });

  it("writes the marker of our own comments", async () => {
    const office = await withRole("eve", 66, "read");
    for (const marker of ["<!-- trailhand:status -->", "<!-- trailhand id=5 approved=true -->"]) {
      const text = `${marker}\n\n/run work`;
      const results = await harmless(office, () => office.deliver("issue_comment", comment(EVE, text)));
      expect(only(results).kind).toBe("refused");
    }
  });

  it("is no author by the words of a commit, an e-mail or a signature line", async () => {
    const office = await openOffice();
    const text = "/request work\n\nCo-authored-by: Bob <2+bob@users.noreply.github.com>\nAuthor: bob";
    await office.deliver("issue_comment", comment(USER.ann, text));
    expect(office.log(BRANCH, "%an|%ae")).toBe("ann|1+ann@users.noreply.github.com");
    expect(office.log(BRANCH, "%B")).not.toContain("bob");
  });
});

describe("a text that was not written as a command", () => {
  it("is edited into one", async () => {
    const office = await openOffice();
    const edited = {
      ...comment(USER.ann, "/request work"),
      action: "edited",
      changes: { body: { from: "thanks" } },
    };
    expect(await harmless(office, () => office.deliver("issue_comment", edited))).toEqual([]);
  });

  it.each([
    ["is quoted", "> please\n/run work\n\nno"],
    ["is in a fence", "```\n\n/run work\n\n```"],
    ["is indented", "    /request work"],
    ["is in ticks over lines", "`a\n/run work\nb`"],
    ["is hidden", "<!--\n\n/run work\n\n-->"],
    ["is inside of an element", "<div>\n/run work\n</div>"],
    ["is hidden in an attribute", 'see <img alt="\n/run work\n">'],
    ["is prose", "we could /request work, or ask @trailhand request work"],
  ])("%s", async (_, text) => {
    const office = await openOffice();
    expect(await harmless(office, () => office.deliver("issue_comment", comment(USER.ann, text)))).toEqual(
      [],
    );
    expect(office.asked).toEqual([]);
  });
});

describe("somebody without the right", () => {
  const labeled = (sender: object) => ({
    action: "labeled",
    issue: { number: 12, title: "T", body: "B", updated_at: "2026-01-01T00:00:00Z", user: EVE },
    label: { name: "state:work" },
    repository,
    sender,
  });

  it("may label, and so starts nothing", async () => {
    const office = await withRole("eve", 66, "triage");
    const result = only(await harmless(office, () => office.deliver("issues", labeled(EVE))));
    expect(sentence(result)).toBe(
      "@eve, `/request` needs the right `write` in this repository, and you have `triage`.",
    );
  });

  it.each([
    "/request work",
    "/retry",
    "/cancel",
    "/hold",
    "/approve " + "a".repeat(40),
    "/reject no",
    "/request look",
    "/priority 9",
    "/assign codex",
  ])("reads, and writes %j", async (text) => {
    const office = await withRole("eve", 66, "read");
    await office.deliver("issue_comment", comment(USER.ann, "/request gate"));
    const result = only(
      await harmless(office, () => office.deliver("issue_comment", comment(EVE, text, {}, 6))),
    );
    expect(sentence(result)).toMatch(
      /^@eve, .* needs the right `\w+` in this repository, and you have `read`\.$/,
    );
  });

  it("had it a moment ago", async () => {
    const office = await openOffice();
    await office.deliver("issue_comment", comment(USER.ann, "/request work"));
    office.known.people.set("ann", { id: 1, role: "read", permission: "read" });
    const results = await harmless(office, () =>
      office.deliver("issue_comment", comment(USER.ann, "/cancel", {}, 6)),
    );
    expect(only(results).kind).toBe("refused");
  });

  it("is not let in while GitHub says nothing", async () => {
    const office = await openOffice();
    office.fakeGithub.permission = () =>
      Promise.reject(Object.assign(new Error("Bad Gateway"), { status: 502 }));
    const before = everything(office);
    await expect(office.deliver("issue_comment", comment(USER.ann, "/request work"))).rejects.toThrow(
      "Bad Gateway",
    );
    expect(everything(office)).toBe(before);
    // What was not acted on is acted on when it comes again.
    office.fakeGithub.permission = async () => ({ id: 1, role: "write", permission: "write" });
    expect(only(await office.deliver("issue_comment", comment(USER.ann, "/request work"))).kind).toBe(
      "accepted",
    );
  });

  it("closes a pull request of somebody", async () => {
    const office = await withRole("eve", 66, "read");
    const sha = commitAs(office.far.remote, "ann@example.com", "feat: x\n", {
      branch: "feat/x",
      parent: head(office, "main"),
    });
    office.known.pulls.set(30, { ref: "feat/x", sha, isFork: false });
    await office.say(ANN, 30, "/request work");
    const side = { ref: "feat/x", sha, repo: { id: 9 } };
    const pull_request = {
      number: 30,
      merged: false,
      updated_at: "2026",
      head: side,
      base: side,
      user: EVE,
      body: null,
    };
    const closed = { action: "closed", pull_request, repository, sender: EVE };
    expect(only(await harmless(office, () => office.deliver("pull_request", closed))).kind).toBe("refused");
  });
});

describe("a pull request from a fork", () => {
  /** The fork calls its branch as one of ours is called. */
  async function forked(ref: string): Promise<Office> {
    const office = await openOffice();
    commitAs(office.far.remote, "ann@example.com", "feat: x\n", {
      branch: "feat/x",
      parent: head(office, "main"),
    });
    office.known.pulls.set(30, { ref, sha: "e".repeat(40), isFork: true });
    return office;
  }

  it.each(["feat/x", "main", BRANCH, "refs/heads/main"])("from %j is refused for everybody", async (ref) => {
    const office = await forked(ref);
    for (const text of ["/request work", "/retry", "/cancel", `/approve ${"e".repeat(40)}`]) {
      const result = only(await harmless(office, () => office.say(ANN, 30, text)));
      expect(sentence(result)).toContain("comes from a fork");
    }
  });

  it("is approved, opened and closed without any of it", async () => {
    const office = await forked("feat/x");
    await office.say(ANN, 12, "/request gate");
    const base = { ref: "main", sha: "a".repeat(40), repo: { id: 9 } };
    const pull_request = {
      number: 30,
      merged: false,
      updated_at: "2026",
      head: { ref: BRANCH, sha: head(office), repo: { id: 10 } },
      base,
      user: USER.ann,
      body: "/request work",
    };
    office.known.pulls.set(30, { ref: BRANCH, sha: head(office), isFork: true });
    const review = { id: 3, user: USER.bob, state: "approved", commit_id: head(office), body: null };
    await harmless(office, async () => [
      ...(await office.deliver("pull_request_review", {
        action: "submitted",
        review,
        pull_request,
        repository,
        sender: USER.bob,
      })),
      ...(await office.deliver("pull_request", {
        action: "opened",
        pull_request,
        repository,
        sender: USER.ann,
      })),
      ...(await office.deliver("pull_request", {
        action: "closed",
        pull_request,
        repository,
        sender: USER.ann,
      })),
    ]);
  });

  it("has a button pressed on its commit", async () => {
    const office = await forked("feat/x");
    await office.say(ANN, 12, "/request work");
    const check_run = {
      id: 4,
      name: "trailhand / work",
      head_sha: "e".repeat(40),
      app: { id: 77 },
      check_suite: { head_branch: BRANCH },
    };
    const pressed = {
      action: "requested_action",
      requested_action: { identifier: "stop" },
      check_run,
      repository,
      sender: USER.ann,
    };
    const result = only(await harmless(office, () => office.deliver("check_run", pressed)));
    expect(sentence(result)).toContain("has moved since");
  });
});

describe("an approval", () => {
  it("was meant for what stood there before a push", async () => {
    const office = await openOffice();
    await office.say(ANN, 12, "/request gate");
    const seen = head(office);
    const pushed = commitAs(
      office.far.remote,
      "eve@example.com",
      `feat: more\n\nState: gate\nBranch: ${BRANCH}\n`,
      { branch: BRANCH },
    );
    const result = only(await harmless(office, () => office.say(BOB, 12, `/approve ${seen}`)));
    expect(sentence(result)).toContain("not the one that you named");
    expect(sentence(result)).toContain(pushed);
  });

  it("is voided by a push on top of it", async () => {
    const office = await openOffice();
    await office.say(ANN, 12, "/request gate");
    const seen = head(office);
    await office.say(BOB, 12, `/approve ${seen}`);
    commitAs(office.far.remote, "eve@example.com", "feat: slipped under\n", { branch: BRANCH });
    const result = only(await harmless(office, () => office.say(CAT, 12, `/approve ${seen}`)));
    expect(result.kind).toBe("refused");
    const repositoryView = await office.repositoryActions.readView();
    expect(repositoryView.position(BRANCH as never)?.wantsApproval).toBe(false);
  });

  it.each([7, 10, 39])("names %i digits of an id", async (digits) => {
    const office = await openOffice();
    await office.say(ANN, 12, "/request gate");
    const short = head(office).slice(0, digits);
    const result = only(await harmless(office, () => office.say(BOB, 12, `/approve ${short}`)));
    expect(sentence(result)).toContain("needs the full id of the commit");
  });

  it.each(["main", "HEAD", BRANCH, `${BRANCH}^0`, "A".repeat(40)])("names %j", async (name) => {
    const office = await openOffice();
    await office.say(ANN, 12, "/request gate");
    expect(only(await harmless(office, () => office.say(BOB, 12, `/approve ${name}`))).kind).toBe("refused");
  });

  it("is a bot's", async () => {
    const office = await openOffice(withBots("2: maintain"));
    await office.say(ANN, 12, "/request gate");
    const bot = { ...BOB, isBot: true };
    expect(
      sentence(only(await harmless(office, () => office.say(bot, 12, `/approve ${head(office)}`)))),
    ).toBe("Only a person can approve.");
  });
});

describe("a delivery that comes again", () => {
  it("does nothing", async () => {
    const office = await openOffice();
    const payload = comment(USER.ann, "/request work\n/priority 5");
    expect((await office.deliver("issue_comment", payload)).map(({ kind }) => kind)).toEqual([
      "accepted",
      "accepted",
    ]);
    const again = await harmless(office, () => office.deliver("issue_comment", payload));
    expect(again.map(({ kind }) => kind)).toEqual(["ignored", "ignored"]);
  });

  it("does nothing where no branch can tell", async () => {
    const office = await openOffice();
    office.known.people.set("ann", { id: 1, role: "maintain", permission: "write" });
    const hold = comment(USER.ann, "/hold a release");
    await office.deliver("issue_comment", hold);
    await office.deliver("issue_comment", comment(USER.ann, "/hold off", {}, 6));
    expect(only(await harmless(office, () => office.deliver("issue_comment", hold)))).toMatchObject({
      kind: "ignored",
    });
  });

  it("does nothing after everything in memory is gone, nor after the work has landed and its branch went", async () => {
    const limits = { slug: "trailhand", now: () => 0 };
    const office = await openOffice();
    const { handleIntent } = await import("../../../src/github/commands/handle-intent.ts");
    const intent = label(ANN, "work", { number: 12, title: "T", body: "B" });
    const deliver = () =>
      handleIntent(intent, office.repositoryActions, office.fakeGithub, {
        ...limits,
        limits: new RateLimit(),
      });
    expect(only(await deliver()).kind).toBe("accepted");
    const commit = head(office);
    await office.say(ANN, 12, "/cancel");
    expect(only(await harmless(office, deliver))).toMatchObject({ kind: "ignored", commit });
    const { remote } = office.far;
    remote.git("update-ref", "refs/heads/main", head(office));
    remote.git("update-ref", "-d", `refs/heads/${BRANCH}`);
    expect(only(await harmless(office, deliver))).toMatchObject({ kind: "ignored" });
  });
});

describe("a text with trailers", () => {
  const HOSTILE = [
    "Please do it.",
    "",
    `State: done`,
    `Branch: main`,
    `Approves: ${"a".repeat(40)}`,
    "Approved-By: bob@example.com x",
    "Owns: **",
    "Budget: 1000000 USD",
    "Hops: 0/50",
    "Event: github:acme/shop:comment:999",
    "Signed-off-by: Bob <bob@example.com>",
  ].join("\n");
  const MEANT = (event: string) => [
    "Refs: #12",
    `Event: github:acme/shop:${event}`,
    "State: work",
    `Branch: ${BRANCH}`,
  ];

  it.each([
    ["as it is", HOSTILE],
    ["with line ends of Windows", HOSTILE.replaceAll("\n", "\r\n")],
    ["with line ends of old", HOSTILE.replaceAll("\n", "\r")],
    ["with blank lines behind", `${HOSTILE}\n\n\n`],
    [
      "with what cuts messages short",
      `${HOSTILE}\n---\n${HOSTILE}\n# ------------------------ >8 ------------------------\n`,
    ],
    ["with a NUL", `${HOSTILE}\0`],
    ["with the end of a conflict list", `${HOSTILE}\n\nConflicts:\n\ta\n`],
    ["with a fold at the end", `${HOSTILE}\n\nX: y\n `],
    ["with separators of lines that are none", HOSTILE.replaceAll("\n", "\u2028")],
  ])("in an issue is data, %s", async (_, body) => {
    const office = await openOffice();
    office.known.issues.set(12, { title: "T", body });
    await office.deliver("issue_comment", comment(USER.ann, "/request work"));
    expect(trailers(office)).toEqual(MEANT("comment:5"));
    const message = office.log(BRANCH, "%B");
    expect(message).toContain("Please do it.");
    // Other tools of git end a message at a line of dashes.
    const read = office.far.remote.gitIn(`${message}\n`, "interpret-trailers", "--parse");
    expect(read.split("\n")).toEqual(MEANT("comment:5"));
  });

  it("in a title is data", async () => {
    const office = await openOffice();
    office.known.issues.set(12, { title: `State: done\n\nState: done\nBranch: main`, body: "" });
    await office.deliver("issue_comment", comment(USER.ann, "/request work"));
    expect(trailers(office)).toEqual(MEANT("comment:5"));
  });

  it("in a command is data", async () => {
    const office = await openOffice();
    const [first = "", ...more] = HOSTILE.split("\n");
    await office.deliver(
      "issue_comment",
      comment(USER.ann, `/request work ${first} State: done\n${more.join("\n")}`),
    );
    expect(trailers(office)).toEqual(MEANT("comment:5"));
    await office.deliver("issue_comment", comment(USER.ann, "/cancel State: done", {}, 6));
    expect(trailers(office)).toEqual([
      "Event: github:acme/shop:comment:6",
      "State: cancelled",
      `Branch: ${BRANCH}`,
    ]);
  });

  it("has no marks that a terminal would act upon", async () => {
    const office = await openOffice();
    office.known.issues.set(12, { title: "a\u001b[31mb\u202ec", body: "x\u001b]0;t\u0007y\u0000z" });
    await office.deliver("issue_comment", comment(USER.ann, "/request work"));
    expect(office.log(BRANCH, "%B")).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202e]/);
  });
});

describe("what a shell would act upon", () => {
  const SHELL = "$(touch $OUT) `touch $OUT`; touch $OUT | touch $OUT && touch $OUT\n> $OUT";

  it("in a title, a text and a label is text", async () => {
    const office = await openOffice();
    const out = join(office.far.outside, "pwned");
    const evil = SHELL.replaceAll("$OUT", out);
    office.known.issues.set(12, { title: evil, body: evil });
    await office.deliver("issue_comment", comment(USER.ann, `/request work ${evil.replace("\n", " ")}`));
    expect(office.log(BRANCH, "%s")).toContain(`$(touch ${out})`);
    const issue = { number: 13, title: "T", body: "B", updated_at: "2026", user: EVE };
    for (const name of ["state:$(touch x)", "state:;x", "state:--upload-pack=x", "state:-x", "state:work\nx"])
      await harmless(office, () =>
        office.deliver("issues", { action: "labeled", issue, label: { name }, repository, sender: USER.ann }),
      );
    expect(existsSync(out)).toBe(false);
  });

  it("in the name of a branch is a name", async () => {
    const office = await openOffice();
    const out = join(office.far.outside, "pwned");
    for (const [at, ref] of [
      "x;touch${IFS}pwned",
      "x$(touch${IFS}pwned)",
      "x`id`",
      "x|y&z",
      "x'\"y",
      "ü/é",
    ].entries()) {
      const sha = commitAs(office.far.remote, "ann@example.com", "feat: x\n", {
        branch: ref,
        parent: head(office, "main"),
      });
      office.known.pulls.set(40 + at, { ref, sha, isFork: false });
      const result = only(await office.say(ANN, 40 + at, "/request work"));
      expect(result).toMatchObject({ kind: "accepted", branch: ref });
      expect(trailers(office, ref)).toContain(`Branch: ${ref}`);
    }
    expect(existsSync(out)).toBe(false);
  });

  it.each(["-x", "--upload-pack=touch x", "a..b", "a b", "../main", "x.lock", "@", ""])(
    "in the branch %j is none",
    async (ref) => {
      const office = await openOffice();
      office.known.pulls.set(40, { ref, sha: "a".repeat(40), isFork: false });
      expect(only(await harmless(office, () => office.say(ANN, 40, "/request work"))).kind).toBe("refused");
    },
  );

  it("calls nobody in what is answered", async () => {
    const office = await openOffice();
    await office.say(ANN, 12, "/request work");
    for (const text of [
      "/assign @acme/everyone",
      "/request @acme/everyone",
      "/request @acme/everyone",
      "/priority @acme/everyone",
    ]) {
      const why = sentence(only(await harmless(office, () => office.say(ANN, 12, text))));
      // In code GitHub calls nobody.
      expect(why.replaceAll(/`[^`]*`/g, "")).not.toContain("@acme");
    }
  });
});

describe("a loop", () => {
  const self = { id: 7700, login: "trailhand[bot]", type: "Bot" };
  const issue = { number: 12, title: "T", body: "/request work", updated_at: "2026", user: self };
  const own: readonly (readonly [string, string, object])[] = [
    ["a comment of its own", "issue_comment", comment(self, "/request work")],
    [
      "a comment through it",
      "issue_comment",
      comment(USER.ann, "/request work", { performed_via_github_app: { id: 77 } }),
    ],
    [
      "a label of its own",
      "issues",
      { action: "labeled", issue, label: { name: "state:work" }, repository, sender: self },
    ],
    ["an issue of its own", "issues", { action: "opened", issue, repository, sender: self }],
    [
      "a push of its own",
      "push",
      { ref: "refs/heads/main", before: "0".repeat(40), after: "1".repeat(40), repository, sender: self },
    ],
  ];

  it.each(own)("by %s is none", async (_, name, payload) => {
    const office = await openOffice(withBots("7700: maintain"));
    // Were it heard, it might.
    office.known.people.set("trailhand[bot]", { id: 7700, role: "admin", permission: "admin" });
    expect(readEvent(name, payload, SELF).intents).toEqual([]);
    expect(await harmless(office, () => office.deliver(name, payload))).toEqual([]);
    expect(office.asked).toEqual([]);
  });

  it("of bots that are listed ends after as many hand-offs as the workflow allows", async () => {
    const office = await openOffice(withBots("5: write", "limits: { hops: 3 }\n"));
    const bot = { ...person(5, "helper[bot]"), isBot: true };
    const ask = () => office.say(bot, 12, "/request work");
    for (const hops of ["1/3", "2/3", "3/3"]) {
      expect(only(await ask()).kind).toBe("accepted");
      expect(trailers(office)).toContain(`Hops: ${hops}`);
    }
    expect(sentence(only(await harmless(office, ask)))).toContain("a person must continue");
    expect(only(await office.say(ANN, 12, "/request work")).kind).toBe("accepted");
    expect(only(await ask()).kind).toBe("accepted");
  });

  it("of one actor ends after thirty commands an hour, and of nobody else", async () => {
    const limits = new RateLimit({ maxAccepted: 3 });
    const office = await openOffice(FILES, limits);
    for (let at = 0; at < 3; at++)
      expect(only(await office.say(ANN, 12, "/request work")).kind).toBe("accepted");
    expect(sentence(only(await harmless(office, () => office.say(ANN, 12, "/request work"))))).toContain(
      "Try again in 60 min",
    );
    expect(only(await office.say(BOB, 12, "/request work")).kind).toBe("accepted");
    office.now += 3_700_000;
    expect(only(await office.say(ANN, 12, "/request work")).kind).toBe("accepted");
  });

  it("of one actor ends although each command comes to another job, or a new server", async () => {
    const office = await openOffice();
    for (let at = 0; at < 3; at++)
      expect(only(await office.say(ANN, 12, "/request work")).kind).toBe("accepted");
    const fresh = () => ({
      slug: "trailhand",
      limits: new RateLimit({ maxAccepted: 3 }),
      now: () => office.now,
    });
    const location = { kind: "issue-comment" as const, number: 12, id: 77 };
    const ask = (actor: Actor, event: string) =>
      handleIntent(
        { kind: "command", repo: REPO, actor, location, text: "/request work", event },
        office.repositoryActions,
        office.fakeGithub,
        fresh(),
      );
    expect(sentence(only(await harmless(office, () => ask(ANN, "comment:77"))))).toMatch(
      /Try again in \d+ min/,
    );
    expect(only(await ask(BOB, "comment:78")).kind).toBe("accepted");
    office.now += 3_700_000;
    expect(only(await ask(ANN, "comment:79")).kind).toBe("accepted");
  });

  it("of questions does not reach GitHub for ever", async () => {
    const office = await openOffice(FILES, new RateLimit({ maxAttempts: 5 }));
    office.known.people.set("eve", { id: 66, role: "read", permission: "read" });
    const eve = person(66, "eve");
    const kinds: string[] = [];
    for (let at = 0; at < 20; at++) kinds.push(only(await office.say(eve, 12, "/request work")).kind);
    expect(office.asked).toHaveLength(5);
    // Nor does it make us answer for ever: that it is enough is said once.
    expect(kinds.filter((kind) => kind === "refused")).toHaveLength(6);
    expect(kinds.slice(6).every((kind) => kind === "ignored")).toBe(true);
    office.now += 3_700_000;
    for (let at = 0; at < 6; at++) kinds.push(only(await office.say(eve, 12, "/request work")).kind);
    expect(kinds.slice(20).every((kind) => kind === "refused")).toBe(true);
  });
});
