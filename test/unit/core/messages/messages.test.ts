/** Each message has its own name, whichever file it is in. */
import { expect, it } from "vitest";
import { COMMAND_MESSAGES } from "../../../../src/core/messages/command-messages.ts";
import { GIT_MESSAGES } from "../../../../src/core/messages/git-messages.ts";
import { GITHUB_MESSAGES } from "../../../../src/core/messages/github-messages.ts";
import { MESSAGES } from "../../../../src/core/messages/messages.ts";
import { RUN_MESSAGES } from "../../../../src/core/messages/run-messages.ts";

it.each([
  ["commands", COMMAND_MESSAGES],
  ["git", GIT_MESSAGES],
  ["GitHub", GITHUB_MESSAGES],
  ["runs", RUN_MESSAGES],
])("no message of %s is hidden by another message with its name", (_, table) => {
  const all: Readonly<Record<string, unknown>> = MESSAGES;
  const hidden = Object.entries(table).filter(([name, message]) => all[name] !== message);
  expect(hidden).toEqual([]);
});
