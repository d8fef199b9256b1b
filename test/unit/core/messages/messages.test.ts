/** The sentences: each has one name, whichever file it is in. */
import { expect, it } from "vitest";
import { COMMAND_MESSAGES } from "../../../../src/core/messages/command-messages.ts";
import { GITHUB_MESSAGES } from "../../../../src/core/messages/github-messages.ts";
import { MESSAGES } from "../../../../src/core/messages/messages.ts";

it.each([
  ["commands", COMMAND_MESSAGES],
  ["GitHub", GITHUB_MESSAGES],
])("no sentence of %s is hidden by another of its name", (_, table) => {
  const all: Readonly<Record<string, unknown>> = MESSAGES;
  const hidden = Object.entries(table).filter(([name, sentence]) => all[name] !== sentence);
  expect(hidden).toEqual([]);
});
