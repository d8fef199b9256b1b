/** Checks the printed branch in README and tour: Trailhand must read its commits as the text says. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { parseMessage, valueOf, type Message } from "../../src/core/protocol/message.ts";
import { KEY, TRAILER_KEYS } from "../../src/core/protocol/trailer-keys.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const known = new Set(TRAILER_KEYS.map(({ key }) => key));

/** The commits of a page in the form of `git log --format='%h %an%n%w(0,4,4)%B'`, newest first. */
function printedCommits(page: string): { readonly id: string; readonly message: Message }[] {
  const text = readFileSync(`${root}${page}`, "utf8");
  const commits = text.matchAll(/^([0-9a-f]{7}) \w+\n((?: {4}.*\n|\n)+)/gm);
  return [...commits].map(([, id = "", body = ""]) => ({ id, message: parseMessage(body.replaceAll(/^ {4}/gm, "")) }));
}

it.each(["README.md", "docs/tour.md"])("%s prints a response, a commit of a script, and a request", (page) => {
  const [response, script, request, ...others] = printedCommits(page);
  expect(others).toEqual([]);
  expect(script?.message.trailers).toEqual([]);
  expect(request?.message.trailers.map(({ key }) => key)).toEqual([KEY.state, KEY.branch]);
  const trailers = response?.message.trailers ?? [];
  expect(trailers.map(({ key }) => key).filter((key) => !known.has(key))).toEqual([]);
  expect(valueOf(trailers, KEY.answers)?.slice(0, 7)).toBe(request?.id);
  expect(valueOf(trailers, KEY.branch)).toBe(valueOf(request?.message.trailers ?? [], KEY.branch));
});
