/** Pushes over a connection that is lost before, during or after them, or falls silent. */
import { describe, expect, it } from "vitest";
import { refOf, type Branch, type Ref } from "../../src/core/protocol/ids.ts";
import {
  errorOf,
  addCommit,
  hook,
  openFixture,
  makeRemoteFixture,
  serveFixture,
  valueOf,
} from "../support/remote-workspace.ts";

const A = "refs/trailhand/leases/a" as Ref;
const B = "refs/trailhand/leases/b" as Ref;
const WORK = refOf("work" as Branch);
const LANDED = { kind: "landed" };
const UNKNOWN = { kind: "unknown", why: expect.any(String) as string };

describe("a lost connection", () => {
  it("before the push leaves the refs unchanged: unknown", async () => {
    const { fixture, repository, first, server } = await serveFixture();
    server.trouble("git-receive-pack", "cut");
    expect(await repository.swap([{ ref: A, expected: null, next: first }])).toEqual(UNKNOWN);
    expect(valueOf(fixture, A)).toBe("");
    server.heal();
    expect(await repository.swap([{ ref: A, expected: null, next: first }])).toEqual(LANDED);
  });

  it.each([
    ["for good", Infinity],
    // The HTTP client of git then repeats the push by itself, and the second push is rejected.
    ["once", 1],
  ])("after the push was done %s: the refs say that it landed", async (_, times) => {
    const { fixture, repository, first, second, server } = await serveFixture();
    server.trouble("git-receive-pack", "lose", { times });
    const creations = [A, B].map((ref) => ({ ref, expected: null, next: first }));
    expect(await repository.swap(creations)).toEqual(LANDED);
    expect([valueOf(fixture, A), valueOf(fixture, B)]).toEqual([first, first]);
    expect(server.count("git-receive-pack")).toBeGreaterThan(1);
    server.heal();
    expect(await repository.swap([{ ref: A, expected: first, next: second }])).toEqual(LANDED);
  });

  it("is not taken for a reply of the server when a ref is named like one", async () => {
    const { fixture, repository, first, second, server } = await serveFixture();
    const named = refOf("fix/403-permission-denied-read-only" as Branch);
    server.trouble("git-receive-pack", "lose", { times: 1 });
    expect(await repository.swap([{ ref: named, expected: null, next: first }])).toEqual(LANDED);
    // Another push lands between the comparison and the update of this one.
    hook(fixture, "update", `git update-ref ${named} $(git rev-parse main)`);
    expect(await repository.swap([{ ref: named, expected: first, next: second }])).toEqual({
      kind: "refused",
    });
  });

  it("after the push and during the read of the refs: unknown, and the next swap finds the result", async () => {
    const { repository, first, second, server } = await serveFixture();
    server.trouble("git-receive-pack", "lose");
    server.trouble("info/refs", "cut", { service: "git-upload-pack" });
    expect(await repository.swap([{ ref: A, expected: null, next: first }])).toEqual(UNKNOWN);
    server.heal();
    expect(await repository.swap([{ ref: A, expected: null, next: second }])).toEqual({ kind: "refused" });
  });

  it("is RemoteUnreachable for a poll or a read, and unknown for a swap", async () => {
    const { repository, first, server } = await serveFixture();
    await server.close();
    expect(await repository.swap([{ ref: A, expected: null, next: first }])).toEqual(UNKNOWN);
    for (const work of [
      () => repository.listRefs(),
      () => repository.read([A]),
      () => repository.readLease(A),
    ]) {
      const error = await errorOf(work());
      expect(error).toMatchObject({ name: "RemoteUnreachable", exit: 75 });
      expect(error.message).toContain("The remote origin cannot be reached");
    }
  });

  it.each([500, 502, 503])("with HTTP %d is unknown", async (status) => {
    const { fixture, repository, first, server } = await serveFixture();
    server.trouble("git-receive-pack", { status, text: "a gateway" });
    expect(await repository.swap([{ ref: A, expected: null, next: first }])).toEqual(UNKNOWN);
    server.heal();
    server.trouble("info/refs", { status, text: "a gateway" });
    const swap = await repository.swap([{ ref: A, expected: null, next: first }]);
    expect(swap).toMatchObject({
      kind: "unknown",
      why: expect.stringContaining(`error: ${status}`) as string,
    });
    expect(valueOf(fixture, A)).toBe("");
  });

  it("differs from a slow one", async () => {
    const { repository, first, server } = await serveFixture();
    for (const kind of ["info/refs", "git-receive-pack", "git-upload-pack"] as const) {
      server.trouble(kind, { delayMs: 150 });
    }
    expect(await repository.swap([{ ref: A, expected: null, next: first }])).toEqual(LANDED);
    expect((await repository.read([A])).get(A)).toBe(first);
  });
});

describe("a silent remote", () => {
  const soon = { GIT_HTTP_LOW_SPEED_TIME: "1" };

  it.each(["info/refs", "git-upload-pack"] as const)("at %s is given up", async (kind) => {
    const fixture = await makeRemoteFixture("http");
    const { remote: repository } = await fixture.open("one", soon);
    fixture.server?.trouble(kind, "silence");
    const [looked, read] = await Promise.all([errorOf(repository.listRefs()), errorOf(repository.read([A]))]);
    expect([looked.name, read.name]).toEqual(["RemoteUnreachable", "RemoteUnreachable"]);
  });

  it("during a push is given up, and the refs are read", async () => {
    const fixture = await makeRemoteFixture("http");
    const { remote: repository } = await fixture.open("one", soon);
    const first = await repository.note("one\n");
    fixture.server?.trouble("git-receive-pack", "silence");
    expect(await repository.swap([{ ref: A, expected: null, next: first }])).toEqual(UNKNOWN);
    expect(valueOf(fixture, A)).toBe("");
  });
});

it("moves a ref that was moved meanwhile only if it has the expected value", async () => {
  const { fixture, repository, first } = await openFixture("files");
  const from = addCommit(fixture, "work", "first");
  const moved = addCommit(fixture, "work", "second");
  expect(await repository.swap([{ ref: WORK, expected: from, next: first }])).toEqual({ kind: "refused" });
  expect(await repository.swap([{ ref: WORK, expected: moved, next: first }])).toEqual(LANDED);
});
