import { expect, test } from "vitest";
import { cli, introduce } from "../../support/run-cli.ts";
import { makeRepo, type Repo } from "../../support/temp-repo.ts";

interface Line {
  readonly line: number;
  readonly commit: string;
  readonly text: string;
  readonly author: { readonly name: string };
  readonly handOff: Readonly<Record<string, unknown>> | null;
  readonly landedFrom: string | null;
  readonly missing: string | null;
}

/** `build` adds three lines and reports a model and a cost. `check` adds one line. */
const STATES = {
  "states/build": `#!/bin/sh
printf 'built one\\nbuilt two\\n' >>"code.txt"
git add -A && git commit -qm "script's own commit"
printf 'not committed\\n' >>code.txt
{ echo "state=check"; echo "cost=0.12"; echo "model=m-1"; } >>"$TRAILHAND_OUTPUT"
`,
  "states/check": `#!/bin/sh
printf 'checked\\n' >>code.txt
echo "state=done" >>"$TRAILHAND_OUTPUT"
`,
  "states/workflow.yml": "states:\n  build: { next: check }\n  check: { next: done }\n",
  "code.txt": "by hand\n",
};

function story(branch = "feat/x"): Repo {
  const repo = introduce(makeRepo(STATES));
  const asked = cli(repo, "request", "build", "--new", branch, "-m", "feat: two lines", "-m", "Write two.");
  expect(asked.code).toBe(0);
  expect(cli(repo, "run").code).toBe(0);
  return repo;
}

function linesOf(repo: Repo, ...args: string[]): Line[] {
  const said = cli(repo, "blame", "--json", ...args);
  expect(said.err).toBe("");
  return (JSON.parse(said.out) as { lines: Line[] }).lines;
}

test("each line names its hand-off with runner, model, cost and prompt", () => {
  const repo = story();
  const lines = linesOf(repo, "code.txt", "-b", "feat/x");
  expect(lines.map(({ text, handOff }) => [text, handOff?.["from"], handOff?.["to"]])).toEqual([
    ["by hand", undefined, undefined],
    ["built one", "build", "check"],
    ["built two", "build", "check"],
    ["not committed", "build", "check"],
    ["checked", "check", "done"],
  ]);
  expect(lines[0]?.author.name).toBe("Ann Author");
  const [, built, , , checked] = lines;
  expect(built?.handOff).toMatchObject({
    branch: "feat/x",
    cost: "0.12 USD",
    model: "m-1",
    asked: "feat: two lines",
    origin: "feat: two lines",
    runner: expect.stringContaining("@") as string,
    answer: repo.git("rev-parse", "feat/x~1"),
    request: repo.git("rev-parse", "feat/x~3"),
  });
  expect(checked?.handOff).toMatchObject({
    origin: "feat: two lines",
    answer: repo.git("rev-parse", "feat/x"),
  });
  expect(checked?.handOff?.["asked"]).toContain("build is done");

  const text = cli(repo, "blame", "code.txt:1-2", "-b", "feat/x").out;
  expect(text).toContain("Ann Author");
  expect(text).toMatch(/build → check on feat\/x: m-1, at .*, 0\.12 USD/);
  expect(text).toContain('asked: "feat: two lines"');
  expect(text).not.toContain("checked");
});

test("lines that a person commits between two hand-offs are attributed to the person", () => {
  const repo = story();
  repo.git("switch", "-q", "feat/x");
  repo.write("code.txt", "ann's\n");
  repo.commit("my own");
  repo.request("again\n\nState: check\nBranch: feat/x\n");
  expect(cli(repo, "run").code).toBe(0);
  expect(linesOf(repo, "code.txt").map(({ text, handOff }) => [text, handOff?.["from"]])).toEqual([
    ["ann's", undefined],
    ["checked", "check"],
  ]);
});

test("hand-offs of merged work are found after the branch is deleted", () => {
  const repo = story();
  repo.git("switch", "-q", "main");
  repo.git("merge", "-q", "--no-ff", "-m", "merge it", "feat/x");
  repo.git("branch", "-qD", "feat/x");
  expect(linesOf(repo, "code.txt:5")[0]?.handOff).toMatchObject({ from: "check", branch: "feat/x" });
});

/** Squashes feat/x into one commit on main and archives its history, as landing does. */
function landed(repo: Repo, trailers: (answer: string) => string): void {
  // The squash commit must be dated later than the answer.
  process.env["GIT_COMMITTER_DATE"] =
    `@${Number(repo.git("log", "-1", "--format=%ct", "feat/x")) + 60} +0000`;
  const answer = repo.git("rev-parse", "feat/x");
  repo.git("update-ref", "refs/trailhand/archive/feat/x", answer);
  repo.git("merge", "-q", "--squash", "feat/x");
  repo.commit(`feat: two lines (landed)\n\n${trailers(answer)}`);
  repo.git("branch", "-qD", "feat/x");
  delete process.env["GIT_COMMITTER_DATE"];
}

test("the archive of squashed work leads to the hand-off of each line", () => {
  const repo = story();
  landed(repo, (answer) => `Landed-From: feat/x\nArchive: ${answer}\nApproved-By: bob@example.com\n`);
  const lines = linesOf(repo, "code.txt");
  expect(lines.map(({ handOff, landedFrom }) => [handOff?.["from"], landedFrom])).toEqual([
    [undefined, null],
    ["build", "feat/x"],
    ["build", "feat/x"],
    ["build", "feat/x"],
    ["check", "feat/x"],
  ]);
  expect(lines[1]?.handOff).toMatchObject({ approvedBy: ["bob@example.com"] });
  expect(cli(repo, "blame", "code.txt:2").out).toContain("approved by bob@example.com, landed from feat/x");
});

test("work that a runner lands is found by its Landed-From trailer", () => {
  const land = `#!/bin/sh
commit=$(git commit-tree "HEAD^{tree}" -p "$TRAILHAND_TARGET_COMMIT" -m "feat: landed" -m "Landed-From: $TRAILHAND_BRANCH")
echo "land=$commit" >>"$TRAILHAND_OUTPUT"
`;
  const workflow = STATES["states/workflow.yml"].replace(
    "next: done }",
    "next: land }\n  land: { land: true }",
  );
  const check = STATES["states/check"].replace("state=done", "state=land");
  const files = { ...STATES, "states/land": land, "states/check": check, "states/workflow.yml": workflow };
  const repo = introduce(makeRepo(files));
  cli(repo, "request", "build", "--new", "feat/x", "-m", "feat: two lines");
  expect(cli(repo, "run").code).toBe(0);
  expect(repo.git("log", "-1", "--format=%s", "main")).toBe("feat: landed");
  repo.git("branch", "-qD", "feat/x");
  const lines = linesOf(repo, "code.txt", "-b", "main");
  expect(lines.map(({ handOff, landedFrom }) => [handOff?.["from"], landedFrom])).toEqual([
    [undefined, null],
    ["build", "feat/x"],
    ["build", "feat/x"],
    ["build", "feat/x"],
    ["check", "feat/x"],
  ]);
});

test("blame reports a missing Archive trailer and a deleted archive", () => {
  const repo = story();
  landed(repo, () => "Landed-From: feat/x\n");
  const [, line] = linesOf(repo, "code.txt");
  expect(line).toMatchObject({ handOff: null, landedFrom: "feat/x" });
  expect(line?.missing).toContain("no Archive trailer");
  expect(cli(repo, "blame", "code.txt:2").out).toContain(
    "Ann Author, landed from feat/x, no Archive trailer",
  );

  const other = story();
  landed(other, (answer) => `Landed-From: feat/x\nArchive: ${answer}\n`);
  other.git("update-ref", "-d", "refs/trailhand/archive/feat/x");
  expect(linesOf(other, "code.txt:2")[0]?.missing).toContain("not here");
});

test("blame handles hostile file and branch names", () => {
  const branch = `feat/it's-"odd"`;
  const repo = story(branch);
  const file = 'two words\nand "more":7';
  repo.git("switch", "-q", branch);
  repo.git("mv", "code.txt", file);
  repo.commit("renamed");
  repo.write("sub/x", "");
  const [line] = linesOf(repo, `${file}:2`, "-b", branch);
  expect(line).toMatchObject({ text: "built one", handOff: { branch } });
  expect(linesOf(repo, file, "-b", branch)).toHaveLength(5);
  // A script can write control characters into a file. They must not reach the terminal.
  repo.write(file, "\u001b[2Jgone\rforged\n");
  repo.commit("hostile text");
  expect(cli(repo, "blame", file).out).not.toMatch(/[\u001b\r]|^forged/m);
});

test("squashed work in a file with a hostile name is found from a subfolder", () => {
  const repo = introduce(makeRepo(STATES));
  repo.git("mv", "code.txt", "a\nb 'c'.txt");
  repo.write(
    "states/build",
    '#!/bin/sh\necho built >>"a\nb \'c\'.txt"\necho state=done >>"$TRAILHAND_OUTPUT"\n',
  );
  repo.write("states/workflow.yml", "states:\n  build: { next: done }\n");
  repo.git("rm", "-q", "-f", "states/check");
  repo.write("below/x", "x");
  repo.commit("another name");
  cli(repo, "request", "build", "--new", "feat/x", "-m", "feat: a line");
  expect(cli(repo, "run").code).toBe(0);
  landed(repo, (answer) => `Landed-From: feat/x\nArchive: ${answer}\n`);
  const said = cli(repo, "-C", "below", "blame", "--json", "../a\nb 'c'.txt:2");
  const [line] = (JSON.parse(said.out) as { lines: Line[] }).lines;
  expect(line?.handOff).toMatchObject({ from: "build", asked: "feat: a line" });
});

test("missing files, missing lines and invalid branch names are reported", () => {
  const repo = story();
  expect(cli(repo, "blame", "none.txt")).toMatchObject({ code: 2 });
  expect(cli(repo, "blame", "code.txt:9").err).toContain("has no such lines");
  expect(cli(repo, "blame", "code.txt", "-b", "a..b").err).toContain("is not a valid branch name");
  expect(cli(repo, "blame", "--", "--output=x").code).toBe(2);
});
