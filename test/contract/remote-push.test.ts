/** Pushes over a connection that is lost before, during or after them, or falls silent. */
import { describe, expect, it } from "vitest";
import { refOf, type Branch, type Ref } from "../../src/core/protocol/ids.ts";
import { caught, grow, hook, makeBench, makeFar, serve, valueOf } from "../support/remote-workspace.ts";

const A = "refs/trailhand/leases/a" as Ref;
const B = "refs/trailhand/leases/b" as Ref;
const WORK = refOf("work" as Branch);
const LANDED = { kind: "landed" };
const UNKNOWN = { kind: "unknown", why: expect.any(String) as string };

describe("a lost connection", () => {
  it("before the push leaves the refs unchanged: unknown", async () => {
    const { far, refs, one, server } = await serve();
    server.trouble("git-receive-pack", "cut");
    expect(await refs.swap([{ ref: A, expected: null, next: one }])).toEqual(UNKNOWN);
    expect(valueOf(far, A)).toBe("");
    server.heal();
    expect(await refs.swap([{ ref: A, expected: null, next: one }])).toEqual(LANDED);
  });

  it.each([
    ["for good", Infinity],
    // The HTTP client of git then repeats the push by itself, and the second push is rejected.
    ["once", 1],
  ])("after the push was done %s: the refs say that it landed", async (_, times) => {
    const { far, refs, one, two, server } = await serve();
    server.trouble("git-receive-pack", "lose", { times });
    const made = [A, B].map((ref) => ({ ref, expected: null, next: one }));
    expect(await refs.swap(made)).toEqual(LANDED);
    expect([valueOf(far, A), valueOf(far, B)]).toEqual([one, one]);
    expect(server.count("git-receive-pack")).toBeGreaterThan(1);
    server.heal();
    expect(await refs.swap([{ ref: A, expected: one, next: two }])).toEqual(LANDED);
  });

  it("is not taken for a reply of the server when a ref is named like one", async () => {
    const { far, refs, one, two, server } = await serve();
    const named = refOf("fix/403-permission-denied-read-only" as Branch);
    server.trouble("git-receive-pack", "lose", { times: 1 });
    expect(await refs.swap([{ ref: named, expected: null, next: one }])).toEqual(LANDED);
    // Another push lands between the comparison and the update of this one.
    hook(far, "update", `git update-ref ${named} $(git rev-parse main)`);
    expect(await refs.swap([{ ref: named, expected: one, next: two }])).toEqual({ kind: "refused" });
  });

  it("after the push and during the read of the refs: unknown, and the next swap finds the result", async () => {
    const { refs, one, two, server } = await serve();
    server.trouble("git-receive-pack", "lose");
    server.trouble("info/refs", "cut", { service: "git-upload-pack" });
    expect(await refs.swap([{ ref: A, expected: null, next: one }])).toEqual(UNKNOWN);
    server.heal();
    expect(await refs.swap([{ ref: A, expected: null, next: two }])).toEqual({ kind: "refused" });
  });

  it("is RemoteUnreachable for a poll or a read, and unknown for a swap", async () => {
    const { refs, one, server } = await serve();
    await server.close();
    expect(await refs.swap([{ ref: A, expected: null, next: one }])).toEqual(UNKNOWN);
    for (const work of [() => refs.listRefs(), () => refs.read([A]), () => refs.readLease(A)]) {
      const error = await caught(work());
      expect(error).toMatchObject({ name: "RemoteUnreachable", exit: 75 });
      expect(error.message).toContain("The remote origin cannot be reached");
    }
  });

  it.each([500, 502, 503])("with HTTP %d is unknown", async (status) => {
    const { far, refs, one, server } = await serve();
    server.trouble("git-receive-pack", { status, text: "a gateway" });
    expect(await refs.swap([{ ref: A, expected: null, next: one }])).toEqual(UNKNOWN);
    server.heal();
    server.trouble("info/refs", { status, text: "a gateway" });
    const swap = await refs.swap([{ ref: A, expected: null, next: one }]);
    expect(swap).toMatchObject({
      kind: "unknown",
      why: expect.stringContaining(`error: ${status}`) as string,
    });
    expect(valueOf(far, A)).toBe("");
  });

  it("differs from a slow one", async () => {
    const { refs, one, server } = await serve();
    for (const kind of ["info/refs", "git-receive-pack", "git-upload-pack"] as const) {
      server.trouble(kind, { delayMs: 150 });
    }
    expect(await refs.swap([{ ref: A, expected: null, next: one }])).toEqual(LANDED);
    expect((await refs.read([A])).get(A)).toBe(one);
  });
});

describe("a silent remote", () => {
  const soon = { GIT_HTTP_LOW_SPEED_TIME: "1" };

  it.each(["info/refs", "git-upload-pack"] as const)("at %s is given up", async (kind) => {
    const far = await makeFar("http");
    const { remote: refs } = await far.open("one", soon);
    far.served?.trouble(kind, "silence");
    const [looked, read] = await Promise.all([caught(refs.listRefs()), caught(refs.read([A]))]);
    expect([looked.name, read.name]).toEqual(["RemoteUnreachable", "RemoteUnreachable"]);
  });

  it("during a push is given up, and the refs are read", async () => {
    const far = await makeFar("http");
    const { remote: refs } = await far.open("one", soon);
    const one = await refs.note("one\n");
    far.served?.trouble("git-receive-pack", "silence");
    expect(await refs.swap([{ ref: A, expected: null, next: one }])).toEqual(UNKNOWN);
    expect(valueOf(far, A)).toBe("");
  });
});

it("moves a ref that was moved meanwhile only if it has the expected value", async () => {
  const { far, refs, one } = await makeBench("files");
  const from = grow(far, "work", "first");
  const moved = grow(far, "work", "second");
  expect(await refs.swap([{ ref: WORK, expected: from, next: one }])).toEqual({ kind: "refused" });
  expect(await refs.swap([{ ref: WORK, expected: moved, next: one }])).toEqual(LANDED);
});
