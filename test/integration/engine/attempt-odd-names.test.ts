/** Files whose names are not UTF-8 are judged and saved like any other file. */
import { describe, expect, it } from "vitest";
import { expectDone, expectFailed, isStored, quarantined } from "../../support/attempt-stage.ts";
import { makeStage, type Stage } from "../../support/run-hostile-script.ts";

/** A shell word for a name with a byte that is not UTF-8, and git's way to print it. */
const NAME = `"$(printf 'caf\\351')"`;
const SHOWN = String.raw`"caf\351"`;

const pathsIn = ({ repo }: Stage, commit = "topic"): string[] =>
  repo.git("ls-tree", "-r", "--name-only", commit).split("\n");

describe("a file whose name is not UTF-8", () => {
  it.each([
    ["that git ignores and the script staged", `echo x > ${NAME}; git add -f ${NAME}`],
    ["that is new", `echo x > new; mv new ${NAME}`],
    ["that is in a folder of such a name", `mkdir ${NAME}; echo x > ${NAME}/x; git add -f ${NAME}/x`],
  ])("%s is a part of the response", async (_, script) => {
    const ignored = script.includes("add -f") ? "caf*\n" : "none\n";
    const stage = makeStage(script, { files: { ".gitignore": ignored } });
    await expectDone(stage);
    expect(pathsIn(stage).some((path) => path.startsWith(SHOWN.slice(0, -1)))).toBe(true);
  });

  it("stays out when git ignores it and nothing staged it", async () => {
    const stage = makeStage(`echo x > ${NAME}`, { files: { ".gitignore": "caf*\n" } });
    await expectDone(stage);
    expect(pathsIn(stage)).not.toContain(SHOWN);
  });

  it.each([
    ["that leaves the tree", `ln -s /etc ${NAME}`],
    ["that leaves the tree and is committed", `ln -s /etc ${NAME}; git add .; git commit -qm link`],
    ["whose target is not UTF-8 either", `ln -s "/$(printf 'x\\377')" ${NAME}`],
  ])("is judged as a link %s", async (_, script) => {
    await expectFailed(makeStage(script), "is a link to /");
  });

  it("is not stored raw when a filter that may not run applies to it", async () => {
    const stage = makeStage(`echo 'raw secret' > ${NAME}`, {
      files: { ".gitattributes": "caf* filter=vault\n" },
    });
    stage.repo.git("config", "filter.vault.clean", "cat");
    await expectFailed(stage, 'is stored through the filter "vault"');
    expect(isStored(stage.repo, "raw secret")).toBe(false);
    expect(quarantined(stage.repo)).toHaveLength(1);
  });

  it("is not published when it is a copy of a brought file", async () => {
    const stage = makeStage(`cp .env ${NAME}`, {
      workflow: "bring: [.env]\nstates:\n  work: { next: done, retries: 0 }\n",
      files: { ".gitignore": ".env\n" },
    });
    stage.repo.write(".env", "TOKEN=never published\n");
    await expectFailed(stage, "was brought from the person");
    expect(isStored(stage.repo, "never published")).toBe(false);
  });

  it("is saved when git cannot read the tree", async () => {
    const newline = `"$(printf 'a\\nb\\351')"`;
    const stage = makeStage(
      `mkfifo .gitignore; echo one > ${NAME}; echo two > ${newline}; ln -s ${NAME} link; exit 1`,
    );
    const { saved } = await expectFailed(stage, "Exit 1");
    expect(pathsIn(stage, saved[0])).toEqual(expect.arrayContaining([SHOWN, String.raw`"a\nb\351"`, "link"]));
    expect(stage.repo.git("cat-file", "-s", `${saved[0]}:link`)).toBe("4");
  });

  it("is named when it is a repository of its own", async () => {
    await expectFailed(makeStage(`git init -q ${NAME}`), "has a name that is not UTF-8");
  });
});
