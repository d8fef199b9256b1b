/**
 * Attacks by people who can only write text on GitHub, or open pull requests from forks.
 *
 * Invariants:
 * - Each test fails when its defence is removed.
 * - Attacks arrive as GitHub would deliver them, and are judged by the refs of the remote afterwards.
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
  openActionFixture,
  person,
  REPO,
  SELF,
  sentence,
  WORKFLOW,
  type ActionFixture,
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

const head = (fixture: ActionFixture, branch = BRANCH) => fixture.far.remote.git("rev-parse", branch);
const trailers = (fixture: ActionFixture, branch = BRANCH) =>
  fixture.log(branch, "%(trailers:only,unfold)").trim().split("\n");

/** The files of a repository whose workflow lists these bots. */
const withBots = (bots: string, more = "") => ({
  ...FILES,
  "states/workflow.yml": `bots: { ${bots} }\n${more}${WORKFLOW}`,
});

/** Runs an attack, and checks that it writes nothing. Returns its results. */
async function harmless(
  fixture: ActionFixture,
  act: () => Promise<readonly IntentResult[]>,
): Promise<readonly IntentResult[]> {
  const before = everything(fixture);
  const results = await act();
  expect(everything(fixture)).toBe(before);
  expect(results.map(({ kind }) => kind)).not.toContain("accepted");
  return results;
}

/** A fixture in which eve has only this role. */
async function withRole(login: string, id: number, role: string): Promise<ActionFixture> {
  const fixture = await openActionFixture();
  fixture.known.people.set(login, { id, role, permission: role === "triage" ? "read" : role });
  return fixture;
}

it("the legitimate use works, so that each attack fails for its own reason", async () => {
  const fixture = await openActionFixture();
  expect(only(await fixture.deliver("issue_comment", comment(USER.ann, "/request work"))).kind).toBe(
    "accepted",
  );
  expect(fixture.log(BRANCH, "%ae")).toBe("1+ann@users.noreply.github.com");
});

describe("impersonation", () => {
  it("with the login of a person who left, but another number", async () => {
    const fixture = await openActionFixture();
    const forged = { ...EVE, login: "ann" };
    const results = await harmless(fixture, () =>
      fixture.deliver("issue_comment", comment(forged, "/request work")),
    );
    expect(sentence(only(results))).toContain("this login now belongs to another account");
  });

  it("as an owner, according to the payload", async () => {
    const fixture = await withRole("eve", 66, "read");
    const owner = { author_association: "OWNER", user: { ...EVE, site_admin: true } };
    const results = await harmless(fixture, () =>
      fixture.deliver("issue_comment", comment(EVE, "/request work", owner)),
    );
    expect(sentence(only(results))).toContain(
      "needs the right `write` in this repository, and you have `read`",
    );
  });

  it("with a comment that names another author", async () => {
    const fixture = await openActionFixture();
    const forged = comment(USER.ann, "/request work", { user: EVE });
    expect(await harmless(fixture, () => fixture.deliver("issue_comment", forged))).toEqual([]);
  });

  it("with the name of a bot", async () => {
    const fixture = await openActionFixture();
    for (const login of ["trailhand[bot]", "github-actions[bot]", "dependabot[bot]"]) {
      const bot = { id: 67, login, type: "Bot" };
      fixture.known.people.set(login, { id: 67, role: "admin", permission: "admin" });
      expect(
        await harmless(fixture, () => fixture.deliver("issue_comment", comment(bot, "/request work"))),
      ).toEqual([]);
    }
  });

  it("as a bot whose number the workflow does not list gets no reply", async () => {
    const fixture = await openActionFixture(withBots("67: write"));
    const bot = { ...person(66, "helper[bot]"), isBot: true };
    fixture.known.people.set("helper[bot]", { id: 66, role: "admin", permission: "admin" });
    fixture.known.pulls.set(9, { ref: BRANCH, sha: "0".repeat(40), isFork: false });
    await fixture.say(ANN, 12, "/request gate");
    const commit = head(fixture);
    const pull = { number: 9, head: { ref: BRANCH, sha: commit, isFork: false } };
    const about = { repo: REPO, actor: bot, event: "e" };
    const tried: readonly Intent[] = [
      { kind: "label", ...about, issue: { number: 13, title: "T", body: "" }, state: "work" },
      { kind: "review", ...about, number: 9, verdict: "approved", commit },
      { kind: "button", ...about, action: "cancel", commit, branch: BRANCH },
      { kind: "pull", ...about, ...pull, action: "closed" },
    ];
    for (const intent of tried) expect(await harmless(fixture, () => fixture.act(intent))).toEqual([]);
    for (const text of ["/request work", "/help", "/reqeust work"])
      expect(await harmless(fixture, () => fixture.say(bot, 12, text))).toEqual([]);
    expect(fixture.asked).toHaveLength(1);
  });

  it("as a listed bot cannot exceed the right that the workflow gives it", async () => {
    const fixture = await openActionFixture(withBots("66: triage"));
    const bot = { ...person(66, "helper[bot]"), isBot: true };
    fixture.known.people.set("helper[bot]", { id: 66, role: "admin", permission: "admin" });
    expect(sentence(only(await harmless(fixture, () => fixture.say(bot, 12, "/request work"))))).toContain(
      "needs the right `write` in this repository, and you have `triage`",
    );
    await fixture.say(ANN, 12, "/request work");
    expect(only(await fixture.say(bot, 12, "/priority 3")).kind).toBe("accepted");
  });

  it("as a listed bot that labels running work, like another Trailhand, changes nothing", async () => {
    const fixture = await openActionFixture(withBots("66: triage, 67: write"));
    await fixture.say(ANN, 12, "/request work");
    const issue = { number: 12, title: "T", body: "" };
    for (const id of [66, 67]) {
      const actor = { ...person(id, "helper[bot]"), isBot: true };
      const intent: Intent = { kind: "label", repo: REPO, actor, event: `label:${id}`, issue, state: "gate" };
      expect(only(await harmless(fixture, () => fixture.act(intent))).kind).toBe("ignored");
    }
  });

  it("with the marker of Trailhand's own comments", async () => {
    const fixture = await withRole("eve", 66, "read");
    for (const marker of ["<!-- trailhand:status -->", "<!-- trailhand id=5 approved=true -->"]) {
      const text = `${marker}\n\n/run work`;
      const results = await harmless(fixture, () => fixture.deliver("issue_comment", comment(EVE, text)));
      expect(only(results).kind).toBe("refused");
    }
  });

  it("with the text of a commit, an email address or a signature line", async () => {
    const fixture = await openActionFixture();
    const text = "/request work\n\nCo-authored-by: Bob <2+bob@users.noreply.github.com>\nAuthor: bob";
    await fixture.deliver("issue_comment", comment(USER.ann, text));
    expect(fixture.log(BRANCH, "%an|%ae")).toBe("ann|1+ann@users.noreply.github.com");
    expect(fixture.log(BRANCH, "%B")).not.toContain("bob");
  });
});

describe("text that is not a command", () => {
  it("when it is edited into one", async () => {
    const fixture = await openActionFixture();
    const edited = {
      ...comment(USER.ann, "/request work"),
      action: "edited",
      changes: { body: { from: "thanks" } },
    };
    expect(await harmless(fixture, () => fixture.deliver("issue_comment", edited))).toEqual([]);
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
    const fixture = await openActionFixture();
    expect(await harmless(fixture, () => fixture.deliver("issue_comment", comment(USER.ann, text)))).toEqual(
      [],
    );
    expect(fixture.asked).toEqual([]);
  });
});

describe("an account without the right", () => {
  const labeled = (sender: object) => ({
    action: "labeled",
    issue: { number: 12, title: "T", body: "B", updated_at: "2026-01-01T00:00:00Z", user: EVE },
    label: { name: "state:work" },
    repository,
    sender,
  });

  it("cannot start work with a label", async () => {
    const fixture = await withRole("eve", 66, "triage");
    const result = only(await harmless(fixture, () => fixture.deliver("issues", labeled(EVE))));
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
    const fixture = await withRole("eve", 66, "read");
    await fixture.deliver("issue_comment", comment(USER.ann, "/request gate"));
    const result = only(
      await harmless(fixture, () => fixture.deliver("issue_comment", comment(EVE, text, {}, 6))),
    );
    expect(sentence(result)).toMatch(
      /^@eve, .* needs the right `\w+` in this repository, and you have `read`\.$/,
    );
  });

  it("is refused, also when it had the right a moment ago", async () => {
    const fixture = await openActionFixture();
    await fixture.deliver("issue_comment", comment(USER.ann, "/request work"));
    fixture.known.people.set("ann", { id: 1, role: "read", permission: "read" });
    const results = await harmless(fixture, () =>
      fixture.deliver("issue_comment", comment(USER.ann, "/cancel", {}, 6)),
    );
    expect(only(results).kind).toBe("refused");
  });

  it("is not accepted while GitHub is unreachable", async () => {
    const fixture = await openActionFixture();
    fixture.queries.permission = () =>
      Promise.reject(Object.assign(new Error("Bad Gateway"), { status: 502 }));
    const before = everything(fixture);
    await expect(fixture.deliver("issue_comment", comment(USER.ann, "/request work"))).rejects.toThrow(
      "Bad Gateway",
    );
    expect(everything(fixture)).toBe(before);
    // The same delivery is handled when it arrives again.
    fixture.queries.permission = async () => ({ id: 1, role: "write", permission: "write" });
    expect(only(await fixture.deliver("issue_comment", comment(USER.ann, "/request work"))).kind).toBe(
      "accepted",
    );
  });

  it("cannot cancel work by closing a pull request", async () => {
    const fixture = await withRole("eve", 66, "read");
    const sha = commitAs(fixture.far.remote, "ann@example.com", "feat: x\n", {
      branch: "feat/x",
      parent: head(fixture, "main"),
    });
    fixture.known.pulls.set(30, { ref: "feat/x", sha, isFork: false });
    await fixture.say(ANN, 30, "/request work");
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
    expect(only(await harmless(fixture, () => fixture.deliver("pull_request", closed))).kind).toBe("refused");
  });
});

describe("a pull request from a fork", () => {
  /** The fork's branch has the name of a branch of the repository. */
  async function forked(ref: string): Promise<ActionFixture> {
    const fixture = await openActionFixture();
    commitAs(fixture.far.remote, "ann@example.com", "feat: x\n", {
      branch: "feat/x",
      parent: head(fixture, "main"),
    });
    fixture.known.pulls.set(30, { ref, sha: "e".repeat(40), isFork: true });
    return fixture;
  }

  it.each(["feat/x", "main", BRANCH, "refs/heads/main"])(
    "from the branch %j is refused for every account",
    async (ref) => {
      const fixture = await forked(ref);
      for (const text of ["/request work", "/retry", "/cancel", `/approve ${"e".repeat(40)}`]) {
        const result = only(await harmless(fixture, () => fixture.say(ANN, 30, text)));
        expect(sentence(result)).toContain("comes from a fork");
      }
    },
  );

  it("has no effect when it is approved, opened or closed", async () => {
    const fixture = await forked("feat/x");
    await fixture.say(ANN, 12, "/request gate");
    const base = { ref: "main", sha: "a".repeat(40), repo: { id: 9 } };
    const pull_request = {
      number: 30,
      merged: false,
      updated_at: "2026",
      head: { ref: BRANCH, sha: head(fixture), repo: { id: 10 } },
      base,
      user: USER.ann,
      body: "/request work",
    };
    fixture.known.pulls.set(30, { ref: BRANCH, sha: head(fixture), isFork: true });
    const review = { id: 3, user: USER.bob, state: "approved", commit_id: head(fixture), body: null };
    await harmless(fixture, async () => [
      ...(await fixture.deliver("pull_request_review", {
        action: "submitted",
        review,
        pull_request,
        repository,
        sender: USER.bob,
      })),
      ...(await fixture.deliver("pull_request", {
        action: "opened",
        pull_request,
        repository,
        sender: USER.ann,
      })),
      ...(await fixture.deliver("pull_request", {
        action: "closed",
        pull_request,
        repository,
        sender: USER.ann,
      })),
    ]);
  });

  it("has no effect when a button is pressed on its commit", async () => {
    const fixture = await forked("feat/x");
    await fixture.say(ANN, 12, "/request work");
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
    const result = only(await harmless(fixture, () => fixture.deliver("check_run", pressed)));
    expect(sentence(result)).toContain("has moved since");
  });
});

describe("an approval", () => {
  it("does not count for a commit that was replaced by a push", async () => {
    const fixture = await openActionFixture();
    await fixture.say(ANN, 12, "/request gate");
    const seen = head(fixture);
    const pushed = commitAs(
      fixture.far.remote,
      "eve@example.com",
      `feat: more\n\nState: gate\nBranch: ${BRANCH}\n`,
      { branch: BRANCH },
    );
    const result = only(await harmless(fixture, () => fixture.say(BOB, 12, `/approve ${seen}`)));
    expect(sentence(result)).toContain("not the one that you named");
    expect(sentence(result)).toContain(pushed);
  });

  it("is voided by a push on top", async () => {
    const fixture = await openActionFixture();
    await fixture.say(ANN, 12, "/request gate");
    const seen = head(fixture);
    await fixture.say(BOB, 12, `/approve ${seen}`);
    commitAs(fixture.far.remote, "eve@example.com", "feat: slipped under\n", { branch: BRANCH });
    const result = only(await harmless(fixture, () => fixture.say(CAT, 12, `/approve ${seen}`)));
    expect(result.kind).toBe("refused");
    const view = await fixture.actions.readView();
    expect(view.position(BRANCH as never)?.wantsApproval).toBe(false);
  });

  it.each([7, 10, 39])("needs more than %i digits of the commit id", async (digits) => {
    const fixture = await openActionFixture();
    await fixture.say(ANN, 12, "/request gate");
    const short = head(fixture).slice(0, digits);
    const result = only(await harmless(fixture, () => fixture.say(BOB, 12, `/approve ${short}`)));
    expect(sentence(result)).toContain("needs the full id of the commit");
  });

  it.each(["main", "HEAD", BRANCH, `${BRANCH}^0`, "A".repeat(40)])(
    "does not accept %j as a commit id",
    async (name) => {
      const fixture = await openActionFixture();
      await fixture.say(ANN, 12, "/request gate");
      expect(only(await harmless(fixture, () => fixture.say(BOB, 12, `/approve ${name}`))).kind).toBe(
        "refused",
      );
    },
  );

  it("by a bot does not count", async () => {
    const fixture = await openActionFixture(withBots("2: maintain"));
    await fixture.say(ANN, 12, "/request gate");
    const bot = { ...BOB, isBot: true };
    expect(
      sentence(only(await harmless(fixture, () => fixture.say(bot, 12, `/approve ${head(fixture)}`)))),
    ).toBe("Only a person can approve.");
  });
});

describe("a repeated delivery", () => {
  it("has no effect", async () => {
    const fixture = await openActionFixture();
    const payload = comment(USER.ann, "/request work\n/priority 5");
    expect((await fixture.deliver("issue_comment", payload)).map(({ kind }) => kind)).toEqual([
      "accepted",
      "accepted",
    ]);
    const again = await harmless(fixture, () => fixture.deliver("issue_comment", payload));
    expect(again.map(({ kind }) => kind)).toEqual(["ignored", "ignored"]);
  });

  it("has no effect when no branch records the event", async () => {
    const fixture = await openActionFixture();
    fixture.known.people.set("ann", { id: 1, role: "maintain", permission: "write" });
    const hold = comment(USER.ann, "/hold a release");
    await fixture.deliver("issue_comment", hold);
    await fixture.deliver("issue_comment", comment(USER.ann, "/hold off", {}, 6));
    expect(only(await harmless(fixture, () => fixture.deliver("issue_comment", hold)))).toMatchObject({
      kind: "ignored",
    });
  });

  it("has no effect after a restart, nor after the work was merged and its branch deleted", async () => {
    const limits = { slug: "trailhand", now: () => 0 };
    const fixture = await openActionFixture();
    const { handleIntent } = await import("../../../src/github/commands/handle-intent.ts");
    const intent = label(ANN, "work", { number: 12, title: "T", body: "B" });
    const deliver = () =>
      handleIntent(intent, fixture.actions, fixture.queries, { ...limits, limits: new RateLimit() });
    expect(only(await deliver()).kind).toBe("accepted");
    const commit = head(fixture);
    await fixture.say(ANN, 12, "/cancel");
    expect(only(await harmless(fixture, deliver))).toMatchObject({ kind: "ignored", commit });
    const { remote } = fixture.far;
    remote.git("update-ref", "refs/heads/main", head(fixture));
    remote.git("update-ref", "-d", `refs/heads/${BRANCH}`);
    expect(only(await harmless(fixture, deliver))).toMatchObject({ kind: "ignored" });
  });
});

describe("text with trailers", () => {
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
    const fixture = await openActionFixture();
    fixture.known.issues.set(12, { title: "T", body });
    await fixture.deliver("issue_comment", comment(USER.ann, "/request work"));
    expect(trailers(fixture)).toEqual(MEANT("comment:5"));
    const message = fixture.log(BRANCH, "%B");
    expect(message).toContain("Please do it.");
    // Other git tools cut a message at a line of dashes.
    const read = fixture.far.remote.gitIn(`${message}\n`, "interpret-trailers", "--parse");
    expect(read.split("\n")).toEqual(MEANT("comment:5"));
  });

  it("in a title stays text", async () => {
    const fixture = await openActionFixture();
    fixture.known.issues.set(12, { title: `State: done\n\nState: done\nBranch: main`, body: "" });
    await fixture.deliver("issue_comment", comment(USER.ann, "/request work"));
    expect(trailers(fixture)).toEqual(MEANT("comment:5"));
  });

  it("in a command stays text", async () => {
    const fixture = await openActionFixture();
    const [first = "", ...more] = HOSTILE.split("\n");
    await fixture.deliver(
      "issue_comment",
      comment(USER.ann, `/request work ${first} State: done\n${more.join("\n")}`),
    );
    expect(trailers(fixture)).toEqual(MEANT("comment:5"));
    await fixture.deliver("issue_comment", comment(USER.ann, "/cancel State: done", {}, 6));
    expect(trailers(fixture)).toEqual([
      "Event: github:acme/shop:comment:6",
      "State: cancelled",
      `Branch: ${BRANCH}`,
    ]);
  });

  it("contains no terminal control characters", async () => {
    const fixture = await openActionFixture();
    fixture.known.issues.set(12, { title: "a\u001b[31mb\u202ec", body: "x\u001b]0;t\u0007y\u0000z" });
    await fixture.deliver("issue_comment", comment(USER.ann, "/request work"));
    expect(fixture.log(BRANCH, "%B")).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202e]/);
  });
});

describe("shell syntax", () => {
  const SHELL = "$(touch $OUT) `touch $OUT`; touch $OUT | touch $OUT && touch $OUT\n> $OUT";

  it("in a title, a text and a label stays text", async () => {
    const fixture = await openActionFixture();
    const out = join(fixture.far.outside, "pwned");
    const evil = SHELL.replaceAll("$OUT", out);
    fixture.known.issues.set(12, { title: evil, body: evil });
    await fixture.deliver("issue_comment", comment(USER.ann, `/request work ${evil.replace("\n", " ")}`));
    expect(fixture.log(BRANCH, "%s")).toContain(`$(touch ${out})`);
    const issue = { number: 13, title: "T", body: "B", updated_at: "2026", user: EVE };
    for (const name of ["state:$(touch x)", "state:;x", "state:--upload-pack=x", "state:-x", "state:work\nx"])
      await harmless(fixture, () =>
        fixture.deliver("issues", {
          action: "labeled",
          issue,
          label: { name },
          repository,
          sender: USER.ann,
        }),
      );
    expect(existsSync(out)).toBe(false);
  });

  it("in a branch name stays a name", async () => {
    const fixture = await openActionFixture();
    const out = join(fixture.far.outside, "pwned");
    for (const [at, ref] of [
      "x;touch${IFS}pwned",
      "x$(touch${IFS}pwned)",
      "x`id`",
      "x|y&z",
      "x'\"y",
      "ü/é",
    ].entries()) {
      const sha = commitAs(fixture.far.remote, "ann@example.com", "feat: x\n", {
        branch: ref,
        parent: head(fixture, "main"),
      });
      fixture.known.pulls.set(40 + at, { ref, sha, isFork: false });
      const result = only(await fixture.say(ANN, 40 + at, "/request work"));
      expect(result).toMatchObject({ kind: "accepted", branch: ref });
      expect(trailers(fixture, ref)).toContain(`Branch: ${ref}`);
    }
    expect(existsSync(out)).toBe(false);
  });

  it.each(["-x", "--upload-pack=touch x", "a..b", "a b", "../main", "x.lock", "@", ""])(
    "the invalid branch name %j is refused",
    async (ref) => {
      const fixture = await openActionFixture();
      fixture.known.pulls.set(40, { ref, sha: "a".repeat(40), isFork: false });
      expect(only(await harmless(fixture, () => fixture.say(ANN, 40, "/request work"))).kind).toBe("refused");
    },
  );

  it("mentions no account in the reply", async () => {
    const fixture = await openActionFixture();
    await fixture.say(ANN, 12, "/request work");
    for (const text of [
      "/assign @acme/everyone",
      "/request @acme/everyone",
      "/request @acme/everyone",
      "/priority @acme/everyone",
    ]) {
      const why = sentence(only(await harmless(fixture, () => fixture.say(ANN, 12, text))));
      // GitHub ignores mentions in code.
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

  it.each(own)("cannot start from %s", async (_, name, payload) => {
    const fixture = await openActionFixture(withBots("7700: maintain"));
    // The same event by another account would count.
    fixture.known.people.set("trailhand[bot]", { id: 7700, role: "admin", permission: "admin" });
    expect(readEvent(name, payload, SELF).intents).toEqual([]);
    expect(await harmless(fixture, () => fixture.deliver(name, payload))).toEqual([]);
    expect(fixture.asked).toEqual([]);
  });

  it("of listed bots ends at the workflow's limit of hand-offs", async () => {
    const fixture = await openActionFixture(withBots("5: write", "limits: { hops: 3 }\n"));
    const bot = { ...person(5, "helper[bot]"), isBot: true };
    const ask = () => fixture.say(bot, 12, "/request work");
    for (const hops of ["1/3", "2/3", "3/3"]) {
      expect(only(await ask()).kind).toBe("accepted");
      expect(trailers(fixture)).toContain(`Hops: ${hops}`);
    }
    expect(sentence(only(await harmless(fixture, ask)))).toContain("a person must continue");
    expect(only(await fixture.say(ANN, 12, "/request work")).kind).toBe("accepted");
    expect(only(await ask()).kind).toBe("accepted");
  });

  it("of one account ends after thirty commands an hour, without affecting other accounts", async () => {
    const limits = new RateLimit({ maxAccepted: 3 });
    const fixture = await openActionFixture(FILES, limits);
    for (let at = 0; at < 3; at++)
      expect(only(await fixture.say(ANN, 12, "/request work")).kind).toBe("accepted");
    expect(sentence(only(await harmless(fixture, () => fixture.say(ANN, 12, "/request work"))))).toContain(
      "Try again in 60 min",
    );
    expect(only(await fixture.say(BOB, 12, "/request work")).kind).toBe("accepted");
    fixture.now += 3_700_000;
    expect(only(await fixture.say(ANN, 12, "/request work")).kind).toBe("accepted");
  });

  it("of one account ends also when each command reaches another job or a new server", async () => {
    const fixture = await openActionFixture();
    for (let at = 0; at < 3; at++)
      expect(only(await fixture.say(ANN, 12, "/request work")).kind).toBe("accepted");
    const fresh = () => ({
      slug: "trailhand",
      limits: new RateLimit({ maxAccepted: 3 }),
      now: () => fixture.now,
    });
    const location = { kind: "issue-comment" as const, number: 12, id: 77 };
    const ask = (actor: Actor, event: string) =>
      handleIntent(
        { kind: "command", repo: REPO, actor, location, text: "/request work", event },
        fixture.actions,
        fixture.queries,
        fresh(),
      );
    expect(sentence(only(await harmless(fixture, () => ask(ANN, "comment:77"))))).toMatch(
      /Try again in \d+ min/,
    );
    expect(only(await ask(BOB, "comment:78")).kind).toBe("accepted");
    fixture.now += 3_700_000;
    expect(only(await ask(ANN, "comment:79")).kind).toBe("accepted");
  });

  it("of attempts stops sending requests to GitHub", async () => {
    const fixture = await openActionFixture(FILES, new RateLimit({ maxAttempts: 5 }));
    fixture.known.people.set("eve", { id: 66, role: "read", permission: "read" });
    const eve = person(66, "eve");
    const kinds: string[] = [];
    for (let at = 0; at < 20; at++) kinds.push(only(await fixture.say(eve, 12, "/request work")).kind);
    expect(fixture.asked).toHaveLength(5);
    // The reply about the limit is written once.
    expect(kinds.filter((kind) => kind === "refused")).toHaveLength(6);
    expect(kinds.slice(6).every((kind) => kind === "ignored")).toBe(true);
    fixture.now += 3_700_000;
    for (let at = 0; at < 6; at++) kinds.push(only(await fixture.say(eve, 12, "/request work")).kind);
    expect(kinds.slice(20).every((kind) => kind === "refused")).toBe(true);
  });
});
