/** The sentences: each has one name, whichever file it is in. */
import { expect, it } from "vitest";
import { commandWords } from "../../../../src/core/messages/command-messages.ts";
import { githubWords } from "../../../../src/core/messages/github-messages.ts";
import { words } from "../../../../src/core/messages/messages.ts";

it.each([
  ["commands", commandWords],
  ["GitHub", githubWords],
])("no sentence of %s is hidden by another of its name", (_, table) => {
  const all: Readonly<Record<string, unknown>> = words;
  const hidden = Object.entries(table).filter(([name, sentence]) => all[name] !== sentence);
  expect(hidden).toEqual([]);
});
