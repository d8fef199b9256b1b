/** Follows a webhook of GitHub to the request commit that it causes. */
import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { parseCommands } from "../../src/github/commands/parse-commands.ts";
import { readEvent } from "../../src/github/commands/parse-event.ts";
import { ANN, FILES, only, openActionFixture, REPO, SELF, WORKFLOW } from "../support/github/action-fixture.ts";
import { comparePage, json } from "./walk-page.ts";

const SECRET = "It's a Secret to Everybody";

/** The parts of the payload that are read. */
const PAYLOAD = {
  action: "created",
  issue: { number: 12 },
  comment: { id: 900, body: "Looks small.\n\n/request work keep the old limit", user: { id: ANN.id } },
  repository: { name: REPO.name, owner: { login: REPO.owner } },
  sender: { id: ANN.id, login: ANN.login, type: "User" },
};

test("docs/walks/webhook-to-request.md shows what a webhook becomes", async () => {
  const body = JSON.stringify(PAYLOAD);
  const signature = createHmac("sha256", SECRET).update(body).digest("hex");
  const { intents } = readEvent("issue_comment", PAYLOAD, SELF);
  const [intent] = intents;
  if (intent?.kind !== "command") throw new Error("the payload is not read as a command");
  const fixture = await openActionFixture(FILES);
  const result = only(await fixture.deliver("issue_comment", PAYLOAD));
  expect(result.kind).toBe("accepted");
  const again = only(await fixture.deliver("issue_comment", PAYLOAD));
  const branch = "trailhand/issue-12";

  comparePage(
    {
      file: "docs/walks/webhook-to-request.md",
      title: "From a webhook to the request commit",
      intro: "A person writes a command in a comment on an issue. GitHub sends a webhook, and the App commits a request.",
      madeBy: "test/docs/walk-webhook.test.ts",
      steps: [
        { title: "The payload", text: "The parts of GitHub's `issue_comment` event that are read.", block: json(PAYLOAD) },
        {
          title: "The signature",
          text: "`src/github/webhooks/http-server.ts` rejects a delivery before it parses the body, unless the signature was made with the App's secret.",
          block: `POST /api/github/webhooks\nX-GitHub-Event: issue_comment\nX-GitHub-Delivery: 72d3162e-cc78-11e3-81ab-4c9367dc0958\nX-Hub-Signature-256: sha256=${signature}`,
        },
        {
          title: "The inbox",
          text: "`src/github/webhooks/disk-inbox.ts` writes the delivery to disk and only then does the server reply `202`. After a crash the delivery is still there. `src/github/webhooks/dispatcher.ts` takes the deliveries of one repository in order.",
        },
        {
          title: "The event becomes an intent",
          text: "`src/github/commands/parse-event.ts` checks the shape of the payload. It never throws, and ignores what the App did itself. `event` is the id by which a repeated delivery is recognised.",
          block: json(intent),
        },
        {
          title: "The text is read as commands",
          text: "`src/github/commands/markdown-lines.ts` drops quotes, code, lists and HTML. `src/github/commands/parse-commands.ts` parses what is left.",
          block: json(
            parseCommands(intent.text, SELF.slug).map((parsed) =>
              parsed.kind === "command" ? { name: parsed.command.name, words: parsed.words } : parsed,
            ),
          ),
        },
        {
          title: "Permission and limits",
          text: "`src/github/commands/intent-actor.ts` asks GitHub for the permission that the account has now, and `src/github/commands/rate-limit.ts` counts its commands. Neither the payload nor the commit is trusted for that.",
          block: json({ asked: [...new Set(fixture.asked)], permission: fixture.known.people.get(ANN.login)?.permission }),
        },
        {
          title: "The workflow decides what may be requested",
          text: "`src/server/repository-actions.ts` reads the workflow of the trusted branch and checks that the state exists and that the branch has not moved.",
          block: WORKFLOW,
        },
        {
          title: "The request commit",
          text: "`src/app/write-request.ts` commits the request to the branch of the issue. The person is the author and the App is the committer.",
          block: fixture.log(branch, "author %an <%ae>%ncommitter %cn%n%n%B"),
        },
        {
          title: "The same delivery again",
          text: "GitHub may deliver twice. The `Event` trailer is found, and nothing is written.",
          block: json({ kind: again.kind }),
        },
      ],
    },
    (page) => page.replace(/\b[0-9a-f]{40}\b/g, "<id>"),
  );
});
