/** Objects that one long-lived git reads, compared with what git prints for each. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseSha, type Sha } from "../../../src/core/protocol/ids.ts";
import { Git, cleanEnv } from "../../../src/git/git.ts";
import { ObjectReader } from "../../../src/git/object-reader.ts";
import { LOG_FORMAT, parseLog, requireSha } from "../../../src/git/parse-output.ts";
import { contentsOf } from "../../../src/git/parse-commit.ts";
import { makeRepo, temporaryDir, type Repo } from "../../support/temp-repo.ts";

const readerOf = (repo: Repo): ObjectReader =>
  new ObjectReader(new Git({ dir: repo.dir, env: cleanEnv(process.env) }));
const dirOf = (repo: Repo): string => join(repo.dir, ".git");
const PERSON = "Ann <ann@example.com> 1700000000 +0100";

/** Writes a commit object as it is. */
function writeCommit(repo: Repo, text: string | Buffer, changes: Readonly<Record<string, string>> = {}): Sha {
  const parents = `parent ${repo.git("rev-parse", "main")}\n`;
  const parts = { author: PERSON, committer: PERSON, extra: "", parents, ...changes };
  const header = `tree ${repo.git("rev-parse", "main^{tree}")}\n${parts.parents}author ${parts.author}\ncommitter ${parts.committer}\n${parts.extra}\n`;
  const file = join(temporaryDir(), "commit");
  writeFileSync(file, Buffer.concat([Buffer.from(header), Buffer.from(text)]));
  return requireSha(repo.git("hash-object", "-t", "commit", "--literally", "-w", file));
}

const byGit = (repo: Repo, id: Sha) => parseLog(`${repo.git("log", "-n", "1", LOG_FORMAT, id)}\n`).at(0);

describe("a commit", () => {
  it.each<[string, string | Buffer, Record<string, string>]>([
    ["with trailers", "do it\n\nwhy\n\nState: a\n", {}],
    ["without a message", "", {}],
    ["without a last newline", "do it", {}],
    ["with empty lines first", "\n\ndo it\n", {}],
    ["with a zero byte", Buffer.from("do it\0\nState: hidden\n"), {}],
    ["with bytes that are not UTF-8", Buffer.from([0x64, 0xff, 0xfe, 0x0a]), {}],
    ["with a signature", "do it\n", { extra: "gpgsig -----BEGIN\n \n x\n -----END\n" }],
    ["without parents", "do it\n", { parents: "" }],
    ["of a person without a name", "do it\n", { author: "<ann@example.com> 1700000000 +0000" }],
  ])("%s is what git says", async (_what, text, changes) => {
    const repo = makeRepo();
    const id = writeCommit(repo, text, changes);
    const commit = (await readerOf(repo).commits(dirOf(repo), [id])).get(id);
    expect(commit).toEqual(byGit(repo, id));
    repo.git("update-ref", "refs/heads/x", id);
    const contents = repo.git("for-each-ref", "--format=%(contents)", "refs/heads/x");
    expect(commit && contentsOf(commit).trimEnd()).toBe(contents);
  });

  it.each<[string, Record<string, string>]>([
    ["in another encoding", { extra: "encoding ISO-8859-1\n" }],
    ["with a broken date", { committer: "Ann <ann@example.com> yesterday" }],
    ["with a broken person", { author: "Ann <<ann@example.com>> 1700000000 +0000" }],
  ])("%s is left to git", async (_what, changes) => {
    const repo = makeRepo();
    const id = writeCommit(repo, Buffer.from([0xe9, 0x0a]), changes);
    const reader = readerOf(repo);
    expect(await reader.commits(dirOf(repo), [id])).toEqual(new Map());
    expect(await reader.trail(dirOf(repo), id, 1)).toEqual([byGit(repo, id)]);
  });

  it("that is missing, or no commit, is left to git", async () => {
    const repo = makeRepo();
    const ids = ["d".repeat(40), repo.git("rev-parse", "main^{tree}")].map(requireSha);
    expect(await readerOf(repo).commits(dirOf(repo), ids)).toEqual(new Map());
  });
});

describe("a history", () => {
  it.each([1, 5, 40, 100])("of %d commits is that of git log", async (limit) => {
    const repo = makeRepo();
    const commits = Array.from(
      { length: 60 },
      (_, at) => `commit refs/heads/long\ncommitter ${PERSON}\ndata 5\nit ${at % 10}\n\n`,
    );
    repo.gitIn(commits.join(""), "fast-import", "--quiet");
    const tip = requireSha(repo.git("rev-parse", "long"));
    const expected = parseLog(`${repo.git("log", "--first-parent", "-n", String(limit), LOG_FORMAT, tip)}\n`);
    expect(expected).toHaveLength(Math.min(limit, 60));
    const reader = readerOf(repo);
    expect(await reader.trail(dirOf(repo), tip, limit)).toEqual(expected);
    expect(await reader.trail(dirOf(repo), tip, limit)).toEqual(expected);
  });

  it.each<[string, (repo: Repo, tip: string) => void]>([
    ["shallow", (repo, tip) => writeFileSync(join(dirOf(repo), "shallow"), `${tip}\n`)],
    [
      "replaced",
      (repo, tip) => repo.git("replace", tip, repo.gitIn("other\n", "commit-tree", "-F", "-", "main^{tree}")),
    ],
  ])("that becomes %s is that of git log", async (_what, change) => {
    const repo = makeRepo();
    const tip = requireSha(repo.gitIn("tip\n", "commit-tree", "-p", "main", "-F", "-", "main^{tree}"));
    const reader = readerOf(repo);
    expect(await reader.trail(dirOf(repo), tip, 9)).toHaveLength(2);
    change(repo, tip);
    const expected = parseLog(`${repo.git("log", "--first-parent", LOG_FORMAT, tip)}\n`);
    expect(expected).toHaveLength(1);
    expect(await reader.trail(dirOf(repo), tip, 9)).toEqual(expected);
  });
});

describe("a long-lived reader", () => {
  it("sees objects that appear later: loose, in a pack, and in a store that is borrowed meanwhile", async () => {
    const repo = makeRepo();
    const { session } = readerOf(repo);
    const other = makeRepo({ "other.txt": "from elsewhere\n" });
    const blob = other.git("rev-parse", "main:other.txt");
    expect(await session.contents([blob])).toEqual([undefined]);
    const alternates = join(dirOf(repo), "objects/info/alternates");
    mkdirSync(dirname(alternates), { recursive: true });
    appendFileSync(alternates, `${join(dirOf(other), "objects")}\n`);
    expect((await session.contents([blob]))[0]?.bytes.toString()).toBe("from elsewhere\n");
    const loose = repo.gitIn("loose\n", "hash-object", "-w", "--stdin");
    expect((await session.contents([loose]))[0]?.bytes.toString()).toBe("loose\n");
    repo.git("update-ref", "refs/tags/kept", repo.gitIn("packed\n", "hash-object", "-w", "--stdin"));
    repo.git("repack", "-adq");
    expect((await session.contents(["refs/tags/kept"]))[0]?.bytes.toString()).toBe("packed\n");
  });

  it("keeps the order of many requests, and reads large objects whole", async () => {
    const repo = makeRepo();
    const { session } = readerOf(repo);
    const texts = Array.from({ length: 12 }, (_, at) => `${at}\n`.repeat(at % 5 === 0 ? 40_000 : 1));
    const ids = texts.map((text) => repo.gitIn(text, "hash-object", "-w", "--stdin"));
    const [all, ...single] = await Promise.all([
      session.contents([...ids, "e".repeat(40), ...ids]),
      ...ids.map((id) => session.contents([id])),
    ]);
    expect(all.map((object) => object?.bytes.toString())).toEqual([...texts, undefined, ...texts]);
    expect(single.map(([object]) => object?.bytes.toString())).toEqual(texts);
  });

  it("starts git again when it has ended, and says what git said when it cannot", async () => {
    const repo = makeRepo();
    const bin = temporaryDir();
    const log = join(bin, "log");
    const real = process.env["PATH"] ?? "";
    const program = (text: string) =>
      writeFileSync(join(bin, "git"), `#!/bin/sh\nPATH='${real}'\necho $$ >>'${log}'\n${text}\n`, {
        mode: 0o755,
      });
    program('exec git "$@"');
    const { session } = new ObjectReader(
      new Git({ dir: repo.dir, env: { ...cleanEnv(process.env), PATH: bin } }),
    );
    const read = async () => (await session.info(["HEAD"]))[0]?.type;
    expect(await read()).toBe("commit");
    const pid = Number(readFileSync(log, "utf8"));
    process.kill(pid, "SIGKILL");
    expect(await read()).toBe("commit");
    await session.close();
    program("echo 'fatal: the disk is gone' >&2; exit 128");
    await expect(session.info(["HEAD"])).rejects.toThrow(/the disk is gone/);
    program('exec git "$@"');
    expect(await read()).toBe("commit");
  });

  it("refuses a name with a line end, which would be two requests", async () => {
    const { session } = readerOf(makeRepo());
    await expect(session.info(["HEAD\ncontents HEAD"])).rejects.toThrow(/not the name of an object/);
    expect(parseSha((await session.info(["HEAD"]))[0]?.id ?? "")).toBeDefined();
  });
});
