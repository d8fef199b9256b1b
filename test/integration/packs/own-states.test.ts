/** The states of this repository itself, run in a small repository with a fake npm. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { makeRepo, type Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import {
  ask,
  contractOf,
  headOf,
  installStates,
  ROOT,
  statesOn,
  usePrograms,
} from "../../support/pack-fixture.ts";

/** `npm ci` creates node_modules; `npm run check` fails when a file in src contains "broken". */
const NPM = `case $1 in
ci) mkdir node_modules ;;
run) touch stray; test -d node_modules && ! grep -r 'broken' src ;;
esac`;

let repo: Repo;
beforeEach(() => {
  repo = makeRepo({
    "src/a.ts": "export const a = 1;\n",
    "test/a.test.ts": "a;\n",
    ".gitignore": "node_modules/\n",
  });
  installStates(repo, join(ROOT, "states"), (path) => !path.startsWith("packs/"));
  usePrograms({ npm: NPM });
});

/** Creates a branch with these files and a request for a state. */
function change(
  branch: string,
  state: string,
  files: Readonly<Record<string, string>>,
  subject = "feat: b",
): void {
  ask(repo, branch, "draft");
  repo.git("switch", "-q", branch);
  for (const [path, text] of Object.entries(files)) repo.write(path, text);
  repo.commit(`${subject}\n\nState: ${state}\n`);
  repo.git("switch", "-q", "main");
}

const GOOD = { "src/b.ts": "export const b = 2;\n", "test/b.test.ts": "b;\n" };

describe("the states of this repository", () => {
  it("have no problems", async () => {
    const contract = await contractOf(repo);
    expect(contract.problems).toEqual([]);
    expect([...contract.scripts.keys()].toSorted()).toEqual(["check", "integrate", "review"]);
  });

  it("run check and review, wait for a person, and end with the command that merges the branch", async () => {
    change("feat/b", "check", GOOD);
    await run(repo);
    expect(statesOn(repo, "feat/b")).toEqual(["check", "review", "approve"]);
    expect(headOf(repo, "feat/b")).toContain("2 files, 2 lines changed");

    repo.write("README.md", "meanwhile\n");
    repo.commit("docs: meanwhile");
    repo.git("switch", "-q", "feat/b");
    repo.request("chore: approved\n\nState: integrate\n");
    repo.git("switch", "-q", "main");
    await run(repo);
    expect(statesOn(repo, "feat/b").at(-1)).toBe("done");
    const command = /^ {4}(git merge --ff-only .*)$/m.exec(headOf(repo, "feat/b"))?.[1];
    expect(command).toBe("git merge --ff-only 'feat/b'");
    repo.git("merge", "-q", "--ff-only", "feat/b");
    expect(existsSync(join(repo.dir, "stray"))).toBe(false);
    expect(existsSync(join(repo.dir, "src/b.ts"))).toBe(true);
  });

  it("quote a malicious branch name in the command", async () => {
    const branch = "feat/it's-$(touch${IFS}owned);b";
    change(branch, "integrate", GOOD);
    await run(repo);
    expect(headOf(repo, branch)).toContain(`git merge --ff-only 'feat/it'\\''s-$(touch\${IFS}owned);b'`);
    expect(existsSync(join(repo.dir, "owned"))).toBe(false);
  });

  it("send a failed check to a person, with the end of the log", async () => {
    change("feat/b", "check", { "src/b.ts": "broken\n" });
    await run(repo);
    expect(statesOn(repo, "feat/b")).toEqual(["check", "repair"]);
    expect(headOf(repo, "feat/b")).toContain("    src/b.ts:broken");
  });

  it("retry, and then ask a person, when npm ci fails", async () => {
    usePrograms({ npm: "exit 7" });
    change("feat/b", "check", GOOD);
    await run(repo);
    expect(statesOn(repo, "feat/b")).toEqual(["check", "repair"]);
    expect(headOf(repo, "feat/b")).toContain("Attempt: 2/2");
  });

  it("reject a large or suspicious change with all reasons", async () => {
    const later = `// ${["TO", "DO"].join("")}: later\n`;
    change("feat/b", "review", { "src/b.ts": later.repeat(301) }, `feat: ${"b".repeat(80)}`);
    await run(repo);
    expect(statesOn(repo, "feat/b")).toEqual(["review", "repair"]);
    const reasons = headOf(repo, "feat/b")
      .split("\n")
      .filter((line) => line.startsWith("- "));
    expect(reasons).toEqual([
      "- src/b.ts has 301 lines; at most 300 are allowed",
      "- 301 added lines postpone work or disable a check",
      "- src changed, but no test changed",
      expect.stringMatching(/^- the subject of [0-9a-f]+ has 86 characters; at most 72 are allowed$/),
    ]);
  });

  it("list the files that decide which code runs for the person who approves", async () => {
    change("feat/b", "review", { ...GOOD, "package.json": "{}\n" });
    await run(repo);
    expect(headOf(repo, "feat/b")).toMatch(
      /Read these files first, because they decide which code runs:\npackage.json\n/,
    );
  });

  it("list the files of a conflict and do not change the branch", async () => {
    change("feat/b", "integrate", { "src/a.ts": "export const a = 2;\n" });
    repo.write("src/a.ts", "export const a = 3;\n");
    repo.commit("fix: another");
    await run(repo);
    expect(statesOn(repo, "feat/b")).toEqual(["integrate", "repair"]);
    expect(headOf(repo, "feat/b")).toContain("\nsrc/a.ts\n");
    expect(repo.git("show", "feat/b:src/a.ts")).toBe("export const a = 2;");
  });

  it("reject a branch that passes alone and fails after the merge", async () => {
    change("feat/b", "integrate", GOOD);
    repo.write("src/c.ts", "broken\n");
    repo.commit("fix: another");
    await run(repo);
    expect(statesOn(repo, "feat/b")).toEqual(["integrate", "repair"]);
    expect(repo.git("diff", "--name-only", "main...feat/b").split("\n")).toEqual(Object.keys(GOOD));
  });
});
