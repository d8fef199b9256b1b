/** Reads events, for every payload in GitHub's own collection of examples. */
import examples from "@octokit/webhooks-examples" with { type: "json" };
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readEvent, type OwnIdentity } from "../../../src/github/commands/parse-event.ts";

type Payload = Record<string, unknown>;
const all = examples as unknown as readonly { name: string; examples: readonly Payload[] }[];

const SELF: OwnIdentity = { appId: 77, botIds: [7700], slug: "trailhand" };
const SHA = "ec26c3e57ca3a959ca5aad62de7213c562f8c821";

/** The first example of an event with this action, with changes such as `{"comment.body": "/retry"}`. */
function made(
  name: string,
  action: string | undefined,
  changes: Readonly<Record<string, unknown>> = {},
): Payload {
  const found = all
    .find((one) => one.name === name)
    ?.examples.find((one) => action === undefined || one["action"] === action);
  if (!found) throw new Error(`there is no example of ${name} ${action}`);
  const payload = structuredClone(found);
  for (const [path, value] of Object.entries(changes)) {
    const parts = path.split(".");
    const last = parts.pop() ?? "";
    let at = payload;
    for (const part of parts) at = (at[part] ??= {}) as Payload;
    at[last] = value;
  }
  return payload;
}

const read = (name: string, payload: unknown, self = SELF) => readEvent(name, payload, self);
const senderOf = (payload: Payload) => payload["sender"] as { id: number; login: string };
const actorOf = (payload: Payload) => ({
  id: senderOf(payload).id,
  login: senderOf(payload).login,
  isBot: false,
});
/** A comment whose author is the sender. */
function said(text: string, changes: Readonly<Record<string, unknown>> = {}): Payload {
  const plain = made("issue_comment", "created", { "comment.body": text });
  return made("issue_comment", "created", {
    "comment.body": text,
    "comment.user.id": senderOf(plain).id,
    ...changes,
  });
}

describe("each of GitHub's examples", () => {
  const each = all.flatMap(({ name, examples }) =>
    examples.map(
      (payload, at) => [`${name} ${JSON.stringify(payload["action"] ?? "")} (${at})`, name, payload] as const,
    ),
  );

  it("is included", () => expect(each.length).toBeGreaterThan(250));

  it.each(each)("%s is read", (_, name, payload) => {
    const { intents, reason } = read(name, payload);
    expect(intents.length > 0 || (reason ?? "") !== "").toBe(true);
    expect(reason ?? "").not.toContain("another shape");
  });

  it.each(each)("%s asks for nothing when Trailhand caused it", (_, name, payload) => {
    if (payload["sender"] === undefined) return;
    const { id } = senderOf(payload);
    expect(read(name, payload, { ...SELF, botIds: [id] }).intents).toEqual([]);
  });

  it("is read with any part removed or changed", () => {
    const value = fc.oneof(
      fc.constant(undefined),
      fc.constant(null),
      fc.constant({}),
      fc.string(),
      fc.integer(),
    );
    fc.assert(
      fc.property(fc.constantFrom(...each), fc.nat(), value, (one, at, other) => {
        const payload = structuredClone(one[2]);
        const places: [Payload, string][] = [];
        const walk = (node: unknown): void => {
          if (typeof node !== "object" || node === null) return;
          for (const [key, below] of Object.entries(node)) {
            places.push([node as Payload, key]);
            walk(below);
          }
        };
        walk(payload);
        const [node, key] = places[at % places.length] ?? [payload, "action"];
        node[key] = other;
        expect(Array.isArray(read(one[1], payload).intents)).toBe(true);
      }),
    );
  });

  it.each([undefined, null, 3, "x", [], {}])("%j instead asks for nothing", (payload) => {
    for (const { name } of all)
      expect(read(name, payload).intents.filter(({ kind }) => kind !== "sweep")).toEqual([]);
  });
});

it.each(["constructor", "__proto__", "toString", "ping", ""])("the event %j asks for nothing", (name) =>
  expect(read(name, {}).intents).toEqual([]),
);

describe("a push", () => {
  it("wakes its branch", () => {
    const push = made("push", undefined, { ref: "refs/heads/feat/x" });
    const repo = { owner: "Codertocat", name: "Hello-World" };
    expect(read("push", push).intents).toEqual([{ kind: "wake", repo, branch: "feat/x" }]);
  });
  it("without a sender wakes its branch too", () => {
    const push = made("push", undefined, { ref: "refs/heads/feat/x", sender: null });
    expect(read("push", push).intents).toMatchObject([{ kind: "wake", branch: "feat/x" }]);
  });
  it("of a tag is ignored", () =>
    expect(read("push", made("push", undefined, { ref: "refs/tags/v1" })).intents).toEqual([]));
});

describe("a label", () => {
  const label = (name: string, more: Readonly<Record<string, unknown>> = {}) =>
    made("issues", "labeled", { "label.name": name, "issue.title": "A title", "issue.body": null, ...more });

  it("that names a state requests it", () => {
    const payload = label("state:triage");
    const { number, updated_at } = payload["issue"] as { number: number; updated_at: string };
    expect(read("issues", payload).intents).toEqual([
      {
        kind: "label",
        repo: { owner: "Codertocat", name: "Hello-World" },
        actor: actorOf(payload),
        issue: { number, title: "A title", body: "" },
        state: "triage",
        event: `issue:${number}:labeled:triage:${updated_at}`,
      },
    ]);
  });

  it.each(["bug", "state:", "state:../x", "state:Not Good", "State:triage"])("%j asks for nothing", (name) =>
    expect(read("issues", label(name)).intents).toEqual([]),
  );
  it("by a bot is marked as such", () =>
    expect(read("issues", label("state:triage", { "sender.type": "Bot" })).intents).toMatchObject([
      { kind: "label", actor: { isBot: true } },
    ]));
});

describe("a comment", () => {
  it("asks for its commands", () => {
    const payload = said("/retry");
    const { number } = payload["issue"] as { number: number };
    const { id } = payload["comment"] as { id: number };
    expect(read("issue_comment", payload).intents).toEqual([
      {
        kind: "command",
        repo: { owner: "Codertocat", name: "Hello-World" },
        actor: actorOf(payload),
        location: { kind: "issue-comment", number, id },
        text: "/retry",
        event: `comment:${id}`,
      },
    ]);
  });

  it.each([
    ["without a command", said("thanks")],
    ["that was edited", said("/retry", { action: "edited" })],
    ["that was deleted", said("/retry", { action: "deleted" })],
    ["by this app", said("/retry", { "sender.id": 7700, "comment.user.id": 7700 })],
    ["through this app", said("/retry", { "comment.performed_via_github_app": { id: 77 } })],
    ["with another author", said("/retry", { "comment.user.id": 5 })],
    ["in a repository with a path for a name", said("/retry", { "repository.name": ".." })],
    ["of an owner with a path for a name", said("/retry", { "repository.owner.login": "a/b" })],
  ])("%s asks for nothing", (_, payload) => expect(read("issue_comment", payload).intents).toEqual([]));

  it.each(["Bot", "Organization", "Mannequin"])("by a %s is marked as a bot's", (type) =>
    expect(read("issue_comment", said("/retry", { "sender.type": type })).intents).toMatchObject([
      { kind: "command", actor: { isBot: true } },
    ]),
  );

  it("on code of a pull request returns its commands", () => {
    const plain = made("pull_request_review_comment", "created");
    const { id } = plain["comment"] as { id: number };
    const payload = made("pull_request_review_comment", "created", {
      "comment.body": "/request fix",
      "comment.user.id": senderOf(plain).id,
    });
    const { number } = payload["pull_request"] as { number: number };
    expect(read("pull_request_review_comment", payload).intents).toMatchObject([
      { kind: "command", location: { kind: "review-comment", number, id }, event: `review-comment:${id}` },
    ]);
  });
});

it("a new issue returns the commands in its text", () => {
  const plain = made("issues", "opened");
  const payload = made("issues", "opened", {
    "issue.body": "Please.\n\n/run triage",
    "issue.user.id": senderOf(plain).id,
  });
  const { number } = payload["issue"] as { number: number };
  expect(read("issues", payload).intents).toMatchObject([
    { kind: "command", location: { kind: "issue", number, id: undefined }, event: `issue:${number}:opened` },
  ]);
});

describe("a pull request", () => {
  const pull = (action: string, changes: Readonly<Record<string, unknown>> = {}) =>
    read("pull_request", made("pull_request", action, { "sender.type": "User", ...changes })).intents;

  it.each([
    ["opened", {}, "opened"],
    ["synchronize", {}, "synchronized"],
    ["closed", { "pull_request.merged": false }, "closed"],
    ["closed", { "pull_request.merged": true }, "merged"],
  ])("that was %s (%j) is %s", (action, changes, wanted) =>
    expect(pull(action, changes)).toMatchObject([{ kind: "pull", action: wanted, head: { isFork: false } }]),
  );

  it.each([
    ["of another repository", { id: 1 }],
    ["of a repository that is gone", null],
  ])("%s is a fork's", (_, repo) =>
    expect(pull("opened", { "pull_request.head.repo": repo })).toMatchObject([{ head: { isFork: true } }]),
  );
});

describe("a review", () => {
  const plain = made("pull_request_review", "submitted");
  const review = (state: string, more: Readonly<Record<string, unknown>> = {}) =>
    read(
      "pull_request_review",
      made("pull_request_review", "submitted", {
        "review.state": state,
        "review.user.id": senderOf(plain).id,
        ...more,
      }),
    ).intents;

  it("that approves names the reviewed commit", () =>
    expect(review("approved")).toMatchObject([
      {
        kind: "review",
        verdict: "approved",
        commit: SHA,
        event: expect.stringMatching(/^review:\d+:approved$/) as string,
      },
    ]));
  it("with a command returns both", () =>
    expect(review("changes_requested", { "review.body": "/retry" }).map(({ kind }) => kind)).toEqual([
      "review",
      "command",
    ]));
  it.each([
    ["that only comments", "commented", {}],
    ["that was dismissed", "approved", { action: "dismissed" }],
    ["with another author", "approved", { "review.user.id": 5 }],
    ["of a short commit id", "approved", { "review.commit_id": SHA.slice(0, 10) }],
  ])("%s says nothing", (_, state, more) => expect(review(state, more)).toEqual([]));
});

describe("a check", () => {
  const check = (action: string, changes: Readonly<Record<string, unknown>>) =>
    read("check_run", made("check_run", action, changes)).intents;

  it("of another App is read when it completes", () =>
    expect(check("completed", { "check_run.name": "ci", "check_run.conclusion": "failure" })).toMatchObject([
      { kind: "check", name: "ci", conclusion: "failure" },
    ]));
  it("of this App is ignored when it completes", () =>
    expect(check("completed", { "check_run.app.id": 77 })).toEqual([]));
  it("of this App counts as a button when its re-run is requested", () =>
    expect(check("rerequested", { "check_run.app.id": 77 })).toMatchObject([
      { kind: "button", action: "retry" },
    ]));
  it("of this App names the pressed button", () =>
    expect(
      check("requested_action", { "check_run.app.id": 77, "requested_action.identifier": "stop" }),
    ).toMatchObject([{ kind: "button", action: "stop", branch: "miniak/event-process-id" }]));
  it.each(["rerequested", "requested_action"])("of another App that is %s is ignored", (action) =>
    expect(check(action, {})).toEqual([]),
  );
  it("suite of this App counts as a button when its re-run is requested", () => {
    const suite = (id: number) =>
      made("check_suite", "rerequested", { "check_suite.app.id": id, "sender.type": "User" });
    expect(read("check_suite", suite(77)).intents).toMatchObject([{ kind: "button", action: "retry" }]);
    expect(read("check_suite", suite(78)).intents).toEqual([]);
  });
});

describe("an installation", () => {
  const names = (name: string, action: string) =>
    read(name, made(name, action)).intents.map((one) => (one.kind === "sweep" ? one.repos : one.kind));

  it("starts a sweep", () => {
    expect(names("installation", "created")).toEqual([[{ owner: "Codertocat", name: "Hello-World" }]]);
    expect(names("installation_repositories", "added")[0]?.length).toBeGreaterThan(0);
    expect(names("repository", "created")[0]?.length).toBe(1);
  });
  it("that was removed starts none", () => {
    expect(names("installation", "deleted")).toEqual([]);
    expect(names("installation_repositories", "removed")).toEqual([]);
  });
  it("is swept by the timer of Actions", () => {
    const { repository } = made("push", undefined);
    expect(read("schedule", { schedule: "0 * * * *", repository }).intents).toMatchObject([
      { kind: "sweep", repos: [{ name: "Hello-World" }] },
    ]);
  });
});
