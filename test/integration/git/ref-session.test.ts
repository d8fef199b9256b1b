/** Transactions on refs through a long-lived git: each is complete or refused, with what git said. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Ref, Sha } from "../../../src/core/protocol/ids.ts";
import { openWorkspace } from "../../../src/app/open-workspace.ts";
import type { LocalRepository } from "../../../src/git/local-repository.ts";
import { environmentOf } from "../../support/run-runner.ts";
import { makeRepo, temporaryDir, type Repo } from "../../support/temp-repo.ts";

const A = "refs/trailhand/test/a" as Ref;
const B = "refs/trailhand/test/b" as Ref;
const LANDED = { kind: "landed" };

interface Fixture {
  readonly repo: Repo;
  readonly repository: LocalRepository;
  readonly shas: readonly [Sha, Sha];
  /** Replaces the git program by one that runs these shell commands. */
  readonly program: (text: string) => void;
  /** How many times `update-ref` was started. */
  readonly starts: () => number;
}

async function makeFixture(): Promise<Fixture> {
  const repo = makeRepo();
  const bin = temporaryDir();
  const log = join(bin, "log");
  const real = process.env["PATH"] ?? "";
  writeFileSync(log, "");
  const program = (text: string) => {
    const count = `case " $* " in *" update-ref "*) echo x >>'${log}'; ${text} ;; esac`;
    writeFileSync(join(bin, "git"), `#!/bin/sh\nPATH='${real}'\n${count}\nexec git "$@"\n`, { mode: 0o755 });
  };
  program(":");
  const env = { ...environmentOf(repo), PATH: `${bin}:${real}` };
  const { repository } = await openWorkspace(repo.dir, env);
  const shas = [await repository.note("one\n"), await repository.note("two\n")] as const;
  return { repo, repository, shas, program, starts: () => readFileSync(log, "utf8").split("\n").length - 1 };
}

describe("a session of transactions", () => {
  it("runs many in one process, and a new one after a refusal", async () => {
    const { repository, shas, starts } = await makeFixture();
    const [one, two] = shas;
    expect(await repository.swap([{ ref: A, expected: null, next: one }], "test")).toEqual(LANDED);
    expect(await repository.swap([{ ref: A, expected: one, next: two }], "test")).toEqual(LANDED);
    expect(starts()).toBe(1);
    const stale = [
      { ref: B, expected: null, next: one },
      { ref: A, expected: one, next: null },
    ];
    expect(await repository.swap(stale, "test")).toEqual({ kind: "refused" });
    expect(await repository.read([A, B])).toEqual(
      new Map([
        [A, two],
        [B, null],
      ]),
    );
    expect(await repository.swap([{ ref: A, expected: two, next: null }], "test")).toEqual(LANDED);
    expect(starts()).toBe(2);
  });

  it("answers transactions of many attempts, each with its own result", async () => {
    const { repository, shas, starts } = await makeFixture();
    const [one, two] = shas;
    const swaps = Array.from({ length: 12 }, (_, at) =>
      repository.swap([{ ref: A, expected: null, next: at % 2 === 0 ? one : two }], "test"),
    );
    const kinds = (await Promise.all(swaps)).map(({ kind }) => kind);
    expect(kinds).toEqual(["landed", ...kinds.slice(1).map(() => "refused")]);
    expect(await repository.read([A])).toEqual(new Map([[A, one]]));
    // The first refusal ends the process that landed the first one, and each other refusal its own.
    expect(starts()).toBe(11);
  });

  it("sees refs that others move between two transactions, loose or packed", async () => {
    const { repo, repository, shas, starts } = await makeFixture();
    const [one, two] = shas;
    expect(await repository.swap([{ ref: A, expected: null, next: one }], "test")).toEqual(LANDED);
    repo.git("update-ref", A, two);
    repo.git("pack-refs", "--all", "--prune");
    expect(await repository.swap([{ ref: A, expected: two, next: one }], "test")).toEqual(LANDED);
    repo.git("update-ref", "-d", A);
    expect(await repository.swap([{ ref: A, expected: null, next: two }], "test")).toEqual(LANDED);
    expect(starts()).toBe(1);
    expect(repo.git("rev-parse", A)).toBe(two);
  });

  it("writes the reason into the reflog of a branch", async () => {
    const { repo, repository, shas } = await makeFixture();
    const ref = "refs/heads/work" as Ref;
    await repository.swap([{ ref, expected: null, next: shas[0] }], "one");
    await repository.swap([{ ref, expected: shas[0], next: shas[1] }], "other");
    expect(repo.git("reflog", "--format=%gs", "work").split("\n")).toEqual([
      "trailhand: other",
      "trailhand: one",
    ]);
  });

  it("repeats a transaction that git has not read, and passes on why git does not start", async () => {
    const { repository, shas, program, starts } = await makeFixture();
    program(`[ $(wc -l <"$(dirname "$0")/log") -gt 1 ] || exit 1`);
    expect(await repository.swap([{ ref: A, expected: null, next: shas[0] }], "test")).toEqual(LANDED);
    expect(starts()).toBe(2);
    program("echo 'fatal: the disk is gone' >&2; exit 128");
    const other = repository.swap([{ ref: B, expected: null, next: shas[0] }], "other");
    await expect(other).rejects.toThrow(/the disk is gone/);
    expect((await repository.read([B])).get(B)).toBeNull();
  });

  it("does not repeat a transaction that git began, whatever became of it", async () => {
    const { repository, shas, program, starts } = await makeFixture();
    program(`echo "start: ok"; exit 1`);
    const swap = repository.swap([{ ref: A, expected: null, next: shas[0] }], "test");
    await expect(swap).rejects.toThrow(/Nothing was changed/);
    expect(starts()).toBe(1);
  });

  it("has landed when the refs say so, whatever git says", async () => {
    const { repository, shas, program } = await makeFixture();
    program(`git update-ref ${A} ${shas[0]}; echo hello; sleep 600`);
    expect(await repository.swap([{ ref: A, expected: null, next: shas[0] }], "test")).toEqual(LANDED);
  });

  it("is over when git says anything else", async () => {
    const { repository, shas, program, starts } = await makeFixture();
    program(`echo "hello"; sleep 600`);
    const swap = repository.swap([{ ref: A, expected: null, next: shas[0] }], "test");
    await expect(swap).rejects.toThrow(/it says "hello.*Nothing was changed/);
    expect(starts()).toBe(1);
  });
});
