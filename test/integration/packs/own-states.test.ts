/** This repository's own states: clean, and at work on a small copy with a fake npm. */
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

/** `npm ci` makes node_modules; `npm run check` fails when a file `broken` stands there. */
const NPM = `case $1 in
ci) mkdir node_modules ;;
run) touch leftover; test -d node_modules && ! grep -r 'broken' src ;;
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

/** A branch with files of a change, that asks for a state. */
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
  it("are without problems", async () => {
    const contract = await contractOf(repo);
    expect(contract.problems).toEqual([]);
    expect([...contract.scripts.keys()].toSorted()).toEqual(["check", "integrate", "review"]);
  });

  it("lead from check to review to a person, and then to a command that lands it", async () => {
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
    expect(existsSync(join(repo.dir, "leftover"))).toBe(false);
    expect(existsSync(join(repo.dir, "src/b.ts"))).toBe(true);
  });

  it("quote a hostile branch name in the command", async () => {
    const branch = "feat/it's-$(touch${IFS}owned);b";
    change(branch, "integrate", GOOD);
    await run(repo);
    expect(headOf(repo, branch)).toContain(`git merge --ff-only 'feat/it'\\''s-$(touch\${IFS}owned);b'`);
    expect(existsSync(join(repo.dir, "owned"))).toBe(false);
  });

  it("hand a failing check to a person, with the end of the log", async () => {
    change("feat/b", "check", { "src/b.ts": "broken\n" });
    await run(repo);
    expect(statesOn(repo, "feat/b")).toEqual(["check", "repair"]);
    expect(headOf(repo, "feat/b")).toContain("    src/b.ts:broken");
  });

  it("retry, and then ask a person, when npm cannot install", async () => {
    usePrograms({ npm: "exit 7" });
    change("feat/b", "check", GOOD);
    await run(repo);
    expect(statesOn(repo, "feat/b")).toEqual(["check", "repair"]);
    expect(headOf(repo, "feat/b")).toContain("Attempt: 2/2");
  });

  it("refuse what is big or suspicious, with every reason at once", async () => {
    const later = `// ${["TO", "DO"].join("")}: later\n`;
    change("feat/b", "review", { "src/b.ts": later.repeat(301) }, `feat: ${"b".repeat(80)}`);
    await run(repo);
    expect(statesOn(repo, "feat/b")).toEqual(["review", "repair"]);
    const reasons = headOf(repo, "feat/b")
      .split("\n")
      .filter((line) => line.startsWith("- "));
    expect(reasons).toEqual([
      "- src/b.ts has 301 lines; 300 are the most",
      "- 301 added lines put work off or silence a check",
      "- src changed, but no test did",
      expect.stringMatching(/^- the subject of [0-9a-f]+ has 86 characters; 72 are the most$/),
    ]);
  });

  it("tell the person who approves what decides what is run", async () => {
    change("feat/b", "review", { ...GOOD, "package.json": "{}\n" });
    await run(repo);
    expect(headOf(repo, "feat/b")).toMatch(/Read these first, they decide what is run:\npackage.json\n/);
  });

  it("name the files of a conflict, and leave the branch as it was", async () => {
    change("feat/b", "integrate", { "src/a.ts": "export const a = 2;\n" });
    repo.write("src/a.ts", "export const a = 3;\n");
    repo.commit("fix: another");
    await run(repo);
    expect(statesOn(repo, "feat/b")).toEqual(["integrate", "repair"]);
    expect(headOf(repo, "feat/b")).toContain("\nsrc/a.ts\n");
    expect(repo.git("show", "feat/b:src/a.ts")).toBe("export const a = 2;");
  });

  it("refuse to land what is good alone and bad together", async () => {
    change("feat/b", "integrate", GOOD);
    repo.write("src/c.ts", "broken\n");
    repo.commit("fix: another");
    await run(repo);
    expect(statesOn(repo, "feat/b")).toEqual(["integrate", "repair"]);
    expect(repo.git("diff", "--name-only", "main...feat/b").split("\n")).toEqual(Object.keys(GOOD));
  });
});
