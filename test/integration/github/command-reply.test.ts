/** Replies to commands; a reply that GitHub rejects does not block other deliveries. */
import { expect, test } from "vitest";
import { openClient } from "../../../src/github/api/client.ts";
import { RequestThrottle } from "../../../src/github/api/request-throttle.ts";
import { octokitPublisher } from "../../../src/github/display/octokit-publisher.ts";
import { renderReply } from "../../../src/github/display/command-reply.ts";
import type { Intent } from "../../../src/github/commands/intent.ts";
import { NAME, OWNER, startFakeGitHub, TOKEN } from "../../support/fake-github.ts";

const repo = { owner: OWNER, name: NAME };
const INTENT: Intent = {
  kind: "command",
  repo,
  actor: { id: 5, login: "stranger", isBot: false },
  location: { kind: "issue-comment", number: 1, id: 900 },
  text: "/request work",
  event: "comment:900",
};
const REFUSED = { kind: "refused", command: "request", event: "e", why: "No." } as const;

async function prepare() {
  const github = await startFakeGitHub();
  await github.as("stranger", "POST", `/repos/${OWNER}/${NAME}/issues`, { title: "it breaks" });
  const { request } = await openClient({
    baseUrl: github.url,
    throttle: new RequestThrottle(Date.now, { writeMs: 0 }),
    token: () => Promise.resolve(TOKEN),
  });
  const publisher = octokitPublisher(request, repo);
  return { github, reply: () => renderReply(publisher, INTENT, [REFUSED]) };
}

test("a deleted comment gets no reaction, and the refusal is still written", async () => {
  const { github, reply } = await prepare();
  github.trouble({ method: "POST", path: /reactions$/, status: 404, message: "Not Found" });
  await reply();
  expect(github.writes().map(({ path, status }) => [path.split("/").at(-1), status])).toEqual([
    ["reactions", 404],
    ["comments", 201],
  ]);
});

test("a locked conversation gets no reply", async () => {
  const { github, reply } = await prepare();
  const message = "Unable to create comment because issue is locked.";
  github.trouble({ method: "POST", path: /comments$/, status: 403, message });
  await expect(reply()).resolves.toBeUndefined();
});

test("rejected credentials and rate limits are errors, so that the delivery is retried", async () => {
  const { github, reply } = await prepare();
  github.trouble({ method: "POST", path: /reactions$/, status: 401, times: 2 });
  await expect(reply()).rejects.toThrow();
  github.trouble({ method: "POST", path: /reactions$/, status: 403, headers: { "retry-after": "9999" } });
  await expect(reply()).rejects.toThrow();
});
