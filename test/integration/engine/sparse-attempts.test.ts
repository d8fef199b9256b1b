/** Attempts that hold only some folders of the repository. */
import { describe, expect, it } from "vitest";
import { expectDone, expectFailed, filesIn } from "../../support/attempt-stage.ts";
import { cli } from "../../support/run-cli.ts";
import { makeStage, type Stage } from "../../support/run-hostile-script.ts";

const FILES = {
  "packages/web/src/page.ts": "page\n",
  "packages/web/readme.md": "web\n",
  "packages/api/server.ts": "server\n",
  "packages/list.json": "[]\n",
  "tools/odd*name[1]/x": "x\n",
  "docs/guide.md": "guide\n",
};
const workflow = (checkout: string): string =>
  `states:\n  work: { next: done, retries: 0, checkout: ${checkout} }\n`;

const stageWith = (script: string, checkout = "[packages/web, 'tools/odd*name[1]/']"): Stage =>
  makeStage(script, { workflow: workflow(checkout), files: FILES });

/** All files of the repository, whatever the attempt held. */
const ALL = [...Object.keys(FILES), "kept.txt"].toSorted();

describe("an attempt with `checkout`", () => {
  it("holds these folders and the files beside and above them, and its `git status` is clean", async () => {
    const stage = stageWith(
      'files=$(find . -name .git -prune -o -type f -print | sort; git status --porcelain); echo "$files" >seen',
    );
    const { repo } = stage;
    await expectDone(stage);
    const seen = repo.git("show", "topic:seen").split("\n");
    expect(seen).toEqual([
      "./kept.txt",
      "./packages/list.json",
      "./packages/web/readme.md",
      "./packages/web/src/page.ts",
      "./tools/odd*name[1]/x",
    ]);
    expect(filesIn(repo, "topic")).toEqual([...ALL, "seen"].toSorted());
  });

  it("changes files in its part, and keeps all others", async () => {
    const stage = stageWith("echo new >packages/web/readme.md; rm packages/web/src/page.ts");
    await expectDone(stage);
    expect(filesIn(stage.repo, "topic")).toEqual(ALL.filter((path) => path !== "packages/web/src/page.ts"));
    expect(stage.repo.git("show", "topic:packages/web/readme.md")).toBe("new");
  });

  it("may write files elsewhere, new ones and those that it does not hold", async () => {
    const stage = stageWith("mkdir -p docs other; echo changed >docs/guide.md; echo new >other/file");
    await expectDone(stage);
    expect(filesIn(stage.repo, "topic")).toEqual([...ALL, "other/file"].toSorted());
    expect(stage.repo.git("show", "topic:docs/guide.md")).toBe("changed");
  });

  it("keeps files elsewhere that its own commits and merges add or change", async () => {
    const stage = stageWith(
      "set -e; git config user.name x; git config user.email x@example.com; git merge -q -m merge side; echo new >packages/web/new; git add packages/web/new; git commit -qm new; echo more >>packages/web/new",
    );
    const { repo } = stage;
    repo.git("checkout", "-q", "-b", "side", "main");
    repo.write("docs/added.md", "added\n");
    repo.write("docs/guide.md", "guide of the side\n");
    repo.git("rm", "-q", "packages/api/server.ts");
    repo.commit("side");
    repo.git("checkout", "-q", "main");
    await expectDone(stage);
    expect(repo.git("show", "topic:docs/added.md")).toBe("added");
    expect(repo.git("show", "topic:docs/guide.md")).toBe("guide of the side");
    expect(repo.git("show", "topic:packages/web/new")).toBe("new\nmore");
    const expected = [
      ...ALL.filter((path) => path !== "packages/api/server.ts"),
      "docs/added.md",
      "packages/web/new",
    ];
    expect(filesIn(repo, "topic")).toEqual(expected.toSorted());
  });

  it("may fetch the rest, with git's own command", async () => {
    const stage = stageWith(
      "git sparse-checkout disable && echo changed >docs/guide.md && rm packages/api/server.ts",
    );
    await expectDone(stage);
    expect(filesIn(stage.repo, "topic")).toEqual(ALL.filter((path) => path !== "packages/api/server.ts"));
    expect(stage.repo.git("show", "topic:docs/guide.md")).toBe("changed");
  });

  it("that fails is saved with all other files", async () => {
    const stage = stageWith("echo new >packages/web/readme.md; exit 1");
    const { saved } = await expectFailed(stage, "Exit 1");
    expect(filesIn(stage.repo, saved[0])).toEqual(ALL);
  });

  it("with a folder that is not there holds the files at the top only", async () => {
    const stage = stageWith("ls >seen", "[missing]");
    await expectDone(stage);
    expect(stage.repo.git("show", "topic:seen")).toBe("kept.txt\nseen");
  });

  it.each(["[../x]", "[/etc]", "['']", "[a//b]", "[./a]"])("is refused with %s", (checkout) => {
    const stage = stageWith("true", checkout);
    const { out, err, code } = cli(stage.repo, "doctor");
    expect(code).not.toBe(0);
    expect(out + err).toContain("write a folder relative to the top of the repository");
  });
});
