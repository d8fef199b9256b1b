/** Each message has its own name, whichever file it is in. */
import { expect, it } from "vitest";
import { GIT_MESSAGES } from "../../../../src/core/messages/git-messages.ts";
import { GITHUB_MESSAGES } from "../../../../src/core/messages/github-messages.ts";
import { MESSAGES } from "../../../../src/core/messages/messages.ts";
import { PERSON_MESSAGES } from "../../../../src/core/messages/person-messages.ts";
import { RUN_MESSAGES } from "../../../../src/core/messages/run-messages.ts";
import { TRAILER_MESSAGES } from "../../../../src/core/messages/trailer-messages.ts";

it.each([
  ["people", PERSON_MESSAGES],
  ["trailers", TRAILER_MESSAGES],
  ["git", GIT_MESSAGES],
  ["GitHub", GITHUB_MESSAGES],
  ["runs", RUN_MESSAGES],
])("no message of %s is hidden by another message with its name", (_, table) => {
  const all: Readonly<Record<string, unknown>> = MESSAGES;
  const hidden = Object.entries(table).filter(([name, message]) => all[name] !== message);
  expect(hidden).toEqual([]);
});
