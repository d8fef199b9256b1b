/** The contract of every compare-and-swap on refs: in memory, in local git, and at a remote. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { refOf, type Branch, type Ref, type Sha } from "../../src/core/protocol/ids.ts";
import { openWorkspace } from "../../src/app/open-workspace.ts";
import { makeRemoteFixture, TRANSPORTS } from "../support/remote-workspace.ts";
import { MemoryRefs, type Refs } from "../support/memory-refs.ts";
import { makeRepo, type Repo } from "../support/temp-repo.ts";
import { environmentOf } from "../support/run-runner.ts";

/** A ref store with commits for its refs. */
interface StoreFixture {
  readonly refs: Refs;
  readonly shas: readonly [Sha, Sha, Sha];
  /** Writes another commit with this text. */
  note(text: string): Promise<Sha>;
}

async function fixtureOf(refs: Refs, note: (text: string) => Promise<Sha>): Promise<StoreFixture> {
  return { refs, note, shas: [await note("one\n"), await note("two\n"), await note("three\n")] };
}

async function makeGitFixture(repo: Repo): Promise<StoreFixture> {
  const { repository } = await openWorkspace(repo.dir, environmentOf(repo));
  return fixtureOf(repository, (text) => repository.note(text));
}

async function makeRemoteStore(transport: (typeof TRANSPORTS)[number]): Promise<StoreFixture> {
  const { remote } = await (await makeRemoteFixture(transport)).open();
  return fixtureOf(remote, (text) => remote.note(text));
}

const hashed = async (text: string) => createHash("sha1").update(text).digest("hex") as Sha;

const fixtures: Record<string, () => Promise<StoreFixture>> = {
  memory: () => fixtureOf(new MemoryRefs(), hashed),
  "local git": () => makeGitFixture(makeRepo()),
  "local git with packed refs": async () => {
    const repo = makeRepo();
    const bench = await makeGitFixture(repo);
    // Every written ref is packed at once, so that updates and deletions meet packed refs.
    const swap: Refs["swap"] = async (updates, why) => {
      const result = await bench.refs.swap(updates, why);
      repo.git("pack-refs", "--all", "--prune");
      return result;
    };
    return { ...bench, refs: { read: (refs) => bench.refs.read(refs), swap } };
  },
  "a remote at a path": () => makeRemoteStore("files"),
  "a remote over HTTP": () => makeRemoteStore("http"),
};

const side = (name: string) => `refs/trailhand/test/${name}` as Ref;
const A = side("a");
const B = side("b");
const HEAD = refOf("work" as Branch);
const LANDED = { kind: "landed" };
const REFUSED = { kind: "refused" };

describe.each(Object.entries(fixtures))("a swap in %s", (_, make) => {
  it("creates a ref that must not exist, once", async () => {
    const { refs, shas } = await make();
    expect(await refs.swap([{ ref: A, expected: null, next: shas[0] }], "test")).toEqual(LANDED);
    expect(await refs.swap([{ ref: A, expected: null, next: shas[1] }], "test")).toEqual(REFUSED);
    expect((await refs.read([A])).get(A)).toBe(shas[0]);
  });

  it("refuses an update if the ref has another value", async () => {
    const { refs, shas } = await make();
    await refs.swap([{ ref: A, expected: null, next: shas[0] }], "test");
    expect(await refs.swap([{ ref: A, expected: shas[1], next: shas[2] }], "test")).toEqual(REFUSED);
    expect(await refs.swap([{ ref: A, expected: shas[0], next: shas[2] }], "test")).toEqual(LANDED);
    expect((await refs.read([A])).get(A)).toBe(shas[2]);
  });

  it("moves two refs together, or neither if one is stale", async () => {
    const { refs, shas } = await make();
    await refs.swap([{ ref: A, expected: null, next: shas[0] }], "test");
    await refs.swap([{ ref: B, expected: null, next: shas[0] }], "test");
    const stale = [
      { ref: A, expected: shas[0], next: shas[1] },
      { ref: B, expected: shas[2], next: shas[1] },
    ];
    expect(await refs.swap(stale, "test")).toEqual(REFUSED);
    expect(await refs.swap(stale.toReversed(), "test")).toEqual(REFUSED);
    expect([...(await refs.read([A, B])).values()]).toEqual([shas[0], shas[0]]);
    const both = [
      { ref: A, expected: shas[0], next: shas[1] },
      { ref: B, expected: shas[0], next: null },
    ];
    expect(await refs.swap(both, "test")).toEqual(LANDED);
    expect([...(await refs.read([A, B])).values()]).toEqual([shas[1], null]);
  });

  it("deletes a ref only with the expected value", async () => {
    const { refs, shas } = await make();
    await refs.swap([{ ref: A, expected: null, next: shas[0] }], "test");
    expect(await refs.swap([{ ref: A, expected: shas[1], next: null }], "test")).toEqual(REFUSED);
    expect(await refs.swap([{ ref: A, expected: shas[0], next: null }], "test")).toEqual(LANDED);
    expect((await refs.read([A])).get(A)).toBeNull();
  });

  it("refuses to delete or update a missing ref", async () => {
    const { refs, shas } = await make();
    expect(await refs.swap([{ ref: A, expected: shas[0], next: null }], "test")).toEqual(REFUSED);
    expect(await refs.swap([{ ref: A, expected: shas[0], next: shas[1] }], "test")).toEqual(REFUSED);
    expect((await refs.read([A])).get(A)).toBeNull();
  });

  it("accepts an empty list", async () => {
    const { refs } = await make();
    expect(await refs.swap([], "test")).toEqual(LANDED);
    expect([...(await refs.read([]))]).toEqual([]);
  });

  it("moves fifty refs at once", async () => {
    const { refs, shas } = await make();
    const names = Array.from({ length: 50 }, (_, at) => side(`many/${at}`));
    const updates = names.map((ref) => ({ ref, expected: null, next: shas[0] }));
    expect(await refs.swap(updates, "test")).toEqual(LANDED);
    const stale = names.map((ref, at) => ({ ref, expected: at === 49 ? shas[1] : shas[0], next: null }));
    expect(await refs.swap(stale, "test")).toEqual(REFUSED);
    expect([...(await refs.read(names)).values()]).toEqual(names.map(() => shas[0]));
  });

  it("lets exactly one of many concurrent swaps land", async () => {
    const bench = await make();
    const { refs } = bench;
    // Each swap has its own value, as each lease has its nonce: equal values would hide whose swap landed.
    const values: Sha[] = [];
    for (let at = 0; at < 6; at++) values.push(await bench.note(`runner ${at}\n`));
    const swaps = values.map((next) => refs.swap([{ ref: A, expected: null, next }], "test"));
    const kinds = (await Promise.all(swaps)).map(({ kind }) => kind);
    const present = (await refs.read([A])).get(A);
    expect(values.filter((_, at) => kinds[at] === "landed")).toEqual([present]);
    expect(kinds.every((kind) => ["landed", "refused", "unknown"].includes(kind))).toBe(true);
  });

  it("moves a branch together with its side refs", async () => {
    const { refs, shas } = await make();
    const begin = [
      { ref: HEAD, expected: null, next: shas[0] },
      { ref: A, expected: null, next: shas[1] },
    ];
    expect(await refs.swap(begin, "test")).toEqual(LANDED);
    const stale = [
      { ref: HEAD, expected: shas[0], next: shas[2] },
      { ref: A, expected: shas[2], next: null },
    ];
    expect(await refs.swap(stale, "test")).toEqual(REFUSED);
    const end = [
      { ref: HEAD, expected: shas[0], next: shas[2] },
      { ref: A, expected: shas[1], next: null },
    ];
    expect(await refs.swap(end, "test")).toEqual(LANDED);
    expect([...(await refs.read([HEAD, A])).values()]).toEqual([shas[2], null]);
  });

  it("reads a missing ref as null", async () => {
    const { refs, shas } = await make();
    await refs.swap([{ ref: side("a/b"), expected: null, next: shas[0] }], "test");
    expect([...(await refs.read([A, side("a/b"), B]))]).toEqual([
      [A, null],
      [side("a/b"), shas[0]],
      [B, null],
    ]);
  });

  it.each([
    `it's"quoted"`,
    "größe/日本語",
    "100%25/%00/%(refname)",
    "a$(touch${IFS}x)`b`;c",
    "-dash",
    "@/{0}",
  ])("takes the name %s", async (name) => {
    const { refs, shas } = await make();
    const ref = side(name);
    expect(await refs.swap([{ ref, expected: null, next: shas[0] }], "test")).toEqual(LANDED);
    expect((await refs.read([ref])).get(ref)).toBe(shas[0]);
    expect(await refs.swap([{ ref, expected: shas[0], next: null }], "test")).toEqual(LANDED);
    expect((await refs.read([ref])).get(ref)).toBeNull();
  });
});
