import { expect, test } from "vitest";
import {
  handOffsByCommit,
  creditOf,
  landingOf,
  parseBlame,
  findSameLine,
} from "../../../../src/core/analysis/blame.ts";
import { readHandOffHistory } from "../../../../src/core/analysis/hand-off-report.ts";
import type { Sha } from "../../../../src/core/protocol/ids.ts";
import type { Commit } from "../../../../src/core/protocol/request.ts";

const id = (name: string): Sha => name.repeat(40).slice(0, 40) as Sha;

test("the output of git blame is parsed, with every name that a file can have", () => {
  const text = [
    `${id("a")} 3 1 2`,
    "author Ann author-mail",
    "author-mail <ann@example.com>",
    "author-time 1700000000",
    `summary ${id("b")} 1 1 1`,
    String.raw`filename "two\n\"lines\"\\\001.txt"`,
    `\t${id("c")} 9 9 9`,
    `${id("a")} 4 2`,
    "\t\tfilename other",
    `${id("b")} 1 3 1`,
    "author Bob",
    "boundary",
    "filename plain",
    "\t",
    "",
  ].join("\n");
  const { lines, commits } = parseBlame(text);
  expect(lines).toEqual([
    { commit: id("a"), was: 3, line: 1, file: 'two\n"lines"\\\u0001.txt', text: `${id("c")} 9 9 9` },
    { commit: id("a"), was: 4, line: 2, file: 'two\n"lines"\\\u0001.txt', text: "\tfilename other" },
    { commit: id("b"), was: 1, line: 3, file: "plain", text: "" },
  ]);
  expect(commits.get(id("a"))).toEqual({
    author: "Ann author-mail",
    mail: "ann@example.com",
    at: 1_700_000_000,
    subject: `${id("b")} 1 1 1`,
  });
});

const commit = (name: string, parent: string, message: string, committed = 0): Commit => ({
  commit: id(name),
  parents: [id(parent)],
  committed,
  message,
});
const answer = (name: string, branch: string, at: number) =>
  commit(name, "2", `ok\n\nState: done\nBranch: ${branch}\nAnswers: ${id("1")}\n`, at);
const REQUEST = commit("1", "0", "go\n\nState: build\n");

test("a commit in two hand-offs belongs to the one that answered first", () => {
  const history = readHandOffHistory([
    answer("4", "late", 20),
    answer("3", "early", 10),
    commit("2", "1", "work\n"),
    REQUEST,
  ]);
  expect(handOffsByCommit(history).get(id("2"))?.branch).toBe("early");
  expect(handOffsByCommit(history).get(id("1"))).toBeUndefined();
});

test("a merged commit is attributed by its own trailers, or by the answer that names it", () => {
  const named = commit("3", "1", `ok\n\nState: done\nBranch: x\nAnswers: ${id("1")}\nArchive: ${id("9")}\n`);
  const squash = (trailers: string) => commit("9", "8", `landed\n\n${trailers}`);
  const land = (message: string) => landingOf(readHandOffHistory([squash(message), named, REQUEST]), id("9"));
  expect(land(`Landed-From: x\nArchive: ${id("3")}\n`)?.archive?.answer.commit).toBe(id("3"));
  expect(land("Nothing: said\n")?.archive?.answer.commit).toBe(id("3"));
  // A script that merges knows only the id of its request.
  expect(land(`Archive: ${id("1")}\n`)?.archive?.answer.commit).toBe(id("3"));
  expect(land(`Archive: ${id("7")}\n`)).toMatchObject({ archive: { answer: named } });
  const alone = readHandOffHistory([squash("Landed-From: x\n"), REQUEST]);
  expect(landingOf(alone, id("9"))).toMatchObject({ branch: "x", missing: /no Archive/ });
  expect(landingOf(alone, id("1"))).toBeUndefined();
});

test("a merged commit that names only its branch belongs to the run of that time", () => {
  const [request, done] = [
    { ...REQUEST, committed: 10 },
    { ...answer("3", "x", 20), parents: [id("1")] },
  ];
  const at = (committed: number, from: string) => {
    const squash = commit("9", "8", `landed\n\nLanded-From: ${from}\n`, committed);
    return landingOf(readHandOffHistory([squash, done, request]), id("9"))?.archive?.answer.commit;
  };
  expect(at(10, "x")).toBe(id("3"));
  expect(at(20, "x")).toBe(id("3"));
  expect(at(21, "x")).toBeUndefined();
  expect(at(9, "x")).toBeUndefined();
  expect(at(15, "y")).toBeUndefined();
});

test("approvers are listed without the commit of the approval, also from a later answer", () => {
  const built = commit("3", "1", `ok\n\nState: land\nBranch: x\nAnswers: ${id("1")}\nAgent: a\nModel: m\n`);
  const landed = commit(
    "4",
    "3",
    `ok\n\nState: done\nBranch: x\nAnswers: ${id("3")}\nApproved-By: bob@example.com ${id("8")}\n`,
  );
  const history = readHandOffHistory([landed, built, REQUEST]);
  const handOff = history.byAnswer.get(id("3"));
  expect(handOff && creditOf(history, handOff)).toMatchObject({
    approvedBy: ["bob@example.com"],
    agent: "a",
    model: "m",
    asked: "go",
    origin: "go",
  });
});

test("a line of the archive is found by number and text, or by unique text", () => {
  const line = (text: string, at: number) => ({ line: at, was: at, commit: id("a"), file: "f", text });
  const archive = { lines: [line("one", 1), line("two", 2), line("two", 3)], commits: new Map() };
  expect(findSameLine(archive, line("two", 2))?.line).toBe(2);
  expect(findSameLine(archive, line("one", 7))?.line).toBe(1);
  expect(findSameLine(archive, line("two", 7))).toBeUndefined();
});
