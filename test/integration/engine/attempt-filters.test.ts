/** Files that are stored through a filter, such as those of git-lfs: never stored raw, and untouched ones stay. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import {
  expectDone,
  expectFailed,
  filesIn,
  isStored,
  quarantined,
  runAttempt,
} from "../../support/attempt-stage.ts";
import { makeStage, type Stage } from "../../support/run-hostile-script.ts";

const pointerOf = (content: string): string =>
  `version https://git-lfs.github.com/spec/v1\noid sha256:${createHash("sha256").update(content).digest("hex")}\nsize ${content.length}\n`;

/** The content that the pointer of `big.bin` stands for. */
const CONTENT = "the large content\n";
const POINTER = pointerOf(CONTENT);

interface FilterStage extends Stage {
  /** Exists once a program of the driver ran. */
  readonly ran: string;
}

/** A stage whose person has a driver that is like that of git-lfs: `clean` prints the pointer of its input. */
function makeFiltered(
  script: string,
  {
    driver = "lfs",
    filters = [] as string[],
    setup = "",
  }: { driver?: string; filters?: string[]; setup?: string } = {},
): FilterStage {
  const allowed = filters.length === 0 ? "" : `filters: [${filters.join(", ")}]\n`;
  const stage = makeStage(script, {
    workflow: `${allowed}states:\n  work: { next: done, retries: 0 }\n`,
    files: {
      ".gitattributes": `*.bin filter=${driver}\n`,
      "big.bin": POINTER,
      ...(setup === "" ? {} : { "states/hooks/setup": `#!/bin/sh\n${setup}\n` }),
    },
  });
  const ran = join(stage.outside, "ran");
  const clean = join(stage.outside, "clean");
  stage.repo.write(
    relative(stage.repo.dir, clean),
    `#!/bin/sh
touch ${ran}
cat > ${clean}.$$
head -c 7 ${clean}.$$ | grep -q version && exec cat ${clean}.$$
printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:%s\\nsize %s\\n' $(sha256sum < ${clean}.$$ | cut -d' ' -f1) $(wc -c < ${clean}.$$)
`,
    0o755,
  );
  stage.repo.git("config", `filter.${driver}.clean`, clean);
  stage.repo.git("config", `filter.${driver}.smudge`, `touch ${ran}; cat`);
  stage.repo.git("config", `filter.${driver}.required`, "true");
  return { ...stage, ran };
}

const fill = `printf '${CONTENT.replace("\n", "\\n")}' > big.bin`;

describe("a driver that is not allowed", () => {
  it.each([
    ["when the script leaves the pointer", "echo x > x.txt", ""],
    ["when the script touches the pointer", "touch big.bin; echo x > x.txt", ""],
    ["when the script replaces the pointer by its content", `${fill}; echo x > x.txt`, ""],
    ["when the setup hook replaces the pointer by its content", "echo x > x.txt", fill],
    ["when the script commits other files", "echo x > x.txt; git add x.txt; git commit -qm x", fill],
  ])("keeps an untouched file as it is stored, %s", async (_, script, setup) => {
    const stage = makeFiltered(script, { setup });
    const { files } = await expectDone(stage);
    expect(files).toEqual([".gitattributes", "big.bin", "kept.txt", "x.txt"]);
    expect(stage.repo.git("show", "topic:big.bin")).toBe(POINTER.trimEnd());
    expect(existsSync(stage.ran)).toBe(false);
    expect(isStored(stage.repo, CONTENT)).toBe(false);
    expect(quarantined(stage.repo)).toEqual([]);
  });

  it("keeps the tree of the request, when nothing but the pointer's content was filled in", async () => {
    const stage = makeFiltered("exit 0", { setup: fill });
    await expectDone(stage);
    expect(stage.repo.git("rev-parse", "topic^{tree}")).toBe(
      stage.repo.git("rev-parse", `${stage.request}^{tree}`),
    );
  });

  it.each([
    ["changes such a file", "echo 'raw secret' > big.bin", "big.bin"],
    ["adds such a file", "echo 'raw secret' > new.bin", "new.bin"],
    [
      "makes a file such a one",
      "echo 'raw secret' > kept.txt; echo 'kept.txt filter=lfs' >> .gitattributes",
      "kept.txt",
    ],
    ["stages such a file", "echo 'raw secret' > new.bin; git add new.bin", "new.bin"],
  ])(
    "fails an attempt that %s: its raw content is in no commit, and its folder is kept",
    async (_, script, path) => {
      const stage = makeFiltered(`${script}; echo x > x.txt`);
      const { message, saved } = await expectFailed(stage, 'is stored through the filter "lfs"');
      expect(message).toContain(path);
      expect(existsSync(stage.ran)).toBe(false);
      expect(isStored(stage.repo, "raw secret")).toBe(false);
      expect(filesIn(stage.repo, saved[0])).toContain("x.txt");
      const [folder = "", ...others] = quarantined(stage.repo);
      expect(others).toEqual([]);
      expect(readFileSync(join(folder, "tree", path), "utf8")).toBe("raw secret\n");
      expect(readFileSync(join(folder, "reason.txt"), "utf8")).toContain(path);
    },
  );

  it("fails an attempt that fails anyway, and keeps the folder", async () => {
    const stage = makeFiltered("echo 'raw secret' > big.bin; exit 1");
    await expectFailed(stage, "Exit 1");
    expect(isStored(stage.repo, "raw secret")).toBe(false);
    expect(quarantined(stage.repo)).toHaveLength(1);
  });

  it.each([["git-crypt"], ["a.b"], ["UPPER"]])("named %s does not run", async (driver) => {
    const stage = makeFiltered("echo 'raw secret' > big.bin", { driver });
    await expectFailed(stage, "is stored through the filter");
    expect(existsSync(stage.ran)).toBe(false);
    expect(isStored(stage.repo, "raw secret")).toBe(false);
  });

  it("deletes such a file like any other one", async () => {
    const stage = makeFiltered("rm big.bin");
    expect((await expectDone(stage)).files).toEqual([".gitattributes", "kept.txt"]);
  });

  it("fails an attempt that commits a file through a driver of its own", async () => {
    const stage = makeFiltered(
      "git config filter.lfs.clean 'cat'; echo pointer > new.bin; git add new.bin; git commit -qm new",
    );
    await expectFailed(stage, 'new.bin is stored through the filter "lfs"');
    expect(existsSync(stage.ran)).toBe(false);
  });

  it("lets an attempt merge a branch whose commits others have", async () => {
    const stage = makeFiltered("git merge -q --no-edit other");
    const { repo } = stage;
    repo.git("checkout", "-q", "-b", "other", "main");
    repo.write("theirs.bin", "stored by someone's filter\n");
    repo.git("-c", "filter.lfs.clean=cat", "add", "theirs.bin");
    repo.git("commit", "-qm", "theirs");
    repo.git("-c", "filter.lfs.clean=cat", "checkout", "-q", "main");
    expect((await expectDone(stage)).files).toContain("theirs.bin");
  });
});

describe("raw content that a script hides from the files of its tree", () => {
  const RAW = "raw secret";

  it.each([
    ["in a stash", `echo '${RAW}' > new.bin; git stash -q -u; exit 1`],
    [
      "on another branch",
      `git switch -qc other; echo '${RAW}' > big.bin; git commit -qam raw; git switch -q topic; exit 1`,
    ],
    [
      "below a commit that removes it",
      `echo '${RAW}' > new.bin; git add .; git commit -qm raw; git rm -q new.bin; git commit -qm gone`,
    ],
  ])("is not published with the salvage when it is %s", async (_, script) => {
    const stage = makeFiltered(`echo x > x.txt; ${script}`);
    await expectFailed(stage, /Exit 1|is stored through the filter "lfs"/);
    expect(isStored(stage.repo, RAW)).toBe(false);
    expect(quarantined(stage.repo)).toHaveLength(1);
  });

  it.each([
    [
      "a macro of the branch",
      "echo '[attr]vault filter=lfs' > .gitattributes; echo 'kept.txt vault' >> .gitattributes",
    ],
    ["the attributes of the person's repository", ""],
  ])("is found by %s", async (_, script) => {
    const stage = makeFiltered(`${script}\necho '${RAW}' > kept.txt`);
    if (script === "") stage.repo.write(".git/info/attributes", "kept.txt filter=lfs\n");
    await expectFailed(stage, 'kept.txt is stored through the filter "lfs"');
    expect(isStored(stage.repo, RAW)).toBe(false);
  });
});

describe("a driver that the trusted workflow allows", () => {
  it.each([
    ["raw content", "git config filter.vault.clean cat", "failed"],
    ["what the driver stored", "true", "done"],
  ])("judges a commit that holds %s, also where it is not git-lfs", async (_, prepare, state) => {
    const stage = makeStage(`${prepare}; echo 'raw secret' > key.txt; git commit -qam change`, {
      workflow: "filters: [vault]\nstates:\n  work: { next: done, retries: 0 }\n",
      files: { ".gitattributes": "key.txt filter=vault\n" },
    });
    const { repo } = stage;
    repo.git("config", "filter.vault.clean", "sed s/^/vault:/");
    repo.git("config", "filter.vault.smudge", "sed s/^vault://");
    repo.git("checkout", "-q", "topic");
    repo.write("key.txt", "old\n");
    const request = repo.commit("a key\n\nState: work\n");
    repo.git("checkout", "-q", "main");
    const end = await runAttempt({ ...stage, request });
    expect(end.state, end.message).toBe(state);
    if (state === "done") expect(repo.git("show", "topic:key.txt")).toBe("vault:raw secret");
    else expect(end.message).toContain("its commits hold key.txt as it is");
  });

  it("stores a changed file through its program", async () => {
    const content = "new content\n";
    const stage = makeFiltered(`printf 'new content\\n' > big.bin`, { filters: ["lfs"] });
    await expectDone(stage);
    expect(existsSync(stage.ran)).toBe(true);
    expect(stage.repo.git("show", "topic:big.bin")).toBe(pointerOf(content).trimEnd());
    expect(isStored(stage.repo, content)).toBe(false);
  });

  it("leaves another driver switched off", async () => {
    const stage = makeFiltered("echo 'raw secret' > big.bin", { driver: "other", filters: ["lfs"] });
    await expectFailed(stage, 'is stored through the filter "other"');
    expect(existsSync(stage.ran)).toBe(false);
  });

  it("does not run when only the branch of the request allows it", async () => {
    const stage = makeFiltered("echo 'raw secret' > big.bin");
    const { repo } = stage;
    repo.git("checkout", "-q", "topic");
    repo.write("states/workflow.yml", "filters: [lfs]\nstates:\n  work: { next: done, retries: 0 }\n");
    repo.git("commit", "-qam", "allow the driver\n\nState: work\n");
    repo.git("checkout", "-q", "main");
    // The person's own git runs the driver too.
    rmSync(stage.ran, { force: true });
    await expectFailed({ ...stage, request: repo.git("rev-parse", "topic") }, 'filter "lfs"');
    expect(existsSync(stage.ran)).toBe(false);
  });
});
