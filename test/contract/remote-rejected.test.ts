/** Pushes that a server rejects: blocked with the message of the server, and nothing moved. */
import { cpSync, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { refOf, type Branch, type Ref, type Sha } from "../../src/core/protocol/ids.ts";
import {
  caught,
  hook,
  makeBench,
  makeFar,
  openFar,
  serve,
  TRANSPORTS,
  valueOf,
  watchGit,
} from "../support/remote-workspace.ts";
import type { GitHttp } from "../support/git-http.ts";

const A = "refs/trailhand/leases/a" as Ref;
const B = "refs/trailhand/leases/b" as Ref;
const WORK = refOf("work" as Branch);
const UNKNOWN = { kind: "unknown", why: expect.any(String) as string };
const saying = (why: string) => ({ kind: "blocked", why: expect.stringContaining(why) as string });

describe.each(TRANSPORTS)("a server that rejects a push, %s", (transport) => {
  it("is not contacted when git finds a stale value itself", async () => {
    const { far, refs, one, two } = await makeBench(transport);
    const mark = join(far.outside, "asked");
    hook(far, "pre-receive", `touch "${mark}"`);
    await refs.swap([{ ref: A, expected: null, next: one }]);
    expect(existsSync(mark)).toBe(true);
    far.served?.forget();
    const calls = watchGit();
    const stale = [
      { ref: B, expected: null, next: two },
      { ref: A, expected: two, next: null },
    ];
    expect(await refs.swap(stale)).toEqual({ kind: "refused" });
    expect(calls.map(({ args }) => args[0])).toEqual(["push"]);
    expect(far.served?.count("git-receive-pack") ?? 0).toBe(0);
    expect(valueOf(far, B)).toBe("");
  });

  it("through a hook is quoted", async () => {
    const { far, refs, one } = await makeBench(transport);
    hook(far, "pre-receive", "echo 'no secrets here, please'; echo 'see the handbook' >&2; exit 1");
    const swap = await refs.swap([{ ref: A, expected: null, next: one }]);
    expect(swap).toEqual(saying("pre-receive hook declined: no secrets here, please: see the handbook"));
    expect(valueOf(far, A)).toBe("");
  });

  it("through a hook with terminal output is quoted on one line, without secrets", async () => {
    const { far, refs, one } = await makeBench(transport);
    const token = `ghp_${"x".repeat(36)}`;
    hook(
      far,
      "pre-receive",
      `printf '\\033[2J\\033]0;mine\\007no \\033[31m${token}\\033[m, never\\n'; exit 1`,
    );
    const swap = await refs.swap([{ ref: A, expected: null, next: one }]);
    expect(swap).toEqual({ kind: "blocked", why: "pre-receive hook declined: no [redacted], never" });
  });

  it("of one ref of several moves none", async () => {
    const { far, refs, one } = await makeBench(transport);
    hook(far, "update", `[ "$1" != ${WORK} ] || { echo 'work is closed'; exit 1; }`);
    const updates = [A, WORK, B].map((ref) => ({ ref, expected: null, next: one }));
    expect(await refs.swap(updates)).toEqual(saying("hook declined: work is closed"));
    expect([A, WORK, B].map((ref) => valueOf(far, ref))).toEqual(["", "", ""]);
  });

  it.each([
    ["receive.denyDeletes", "true", "deletion prohibited"],
    ["receive.denyNonFastForwards", "true", "non-fast-forward"],
    ["transfer.hideRefs", "refs/heads/work", "hidden ref"],
  ])("with %s %s: blocked", async (key, value, words) => {
    const { far, refs, one, two } = await makeBench(transport);
    if (key !== "transfer.hideRefs") await refs.swap([{ ref: WORK, expected: null, next: one }]);
    far.remote.git("config", key, value);
    const update = {
      "receive.denyDeletes": { ref: WORK, expected: one, next: null },
      "receive.denyNonFastForwards": { ref: WORK, expected: one, next: two },
    }[key] ?? { ref: WORK, expected: null, next: two };
    expect(await refs.swap([update])).toEqual(saying(words));
    expect(valueOf(far, WORK)).toBe(key === "transfer.hideRefs" ? "" : one);
  });

  it("to its checked-out branch blocks it", async () => {
    const { far, refs } = await makeBench(transport);
    far.remote.git("config", "core.bare", "false");
    far.remote.git("config", "core.worktree", far.outside);
    const head = far.remote.git("rev-parse", "main") as Sha;
    const next = await refs.commit(head, head, "an answer\n");
    const swap = await refs.swap([{ ref: refOf("main" as Branch), expected: head, next }]);
    expect(swap).toEqual(saying("checked out"));
  });

  it("because it does not support atomic pushes is a fault", async () => {
    const { far, refs, one } = await makeBench(transport);
    far.remote.git("config", "receive.advertiseAtomic", "false");
    const error = await caught(refs.swap([{ ref: A, expected: null, next: one }]));
    expect(error).toMatchObject({ name: "UserError" });
    expect(error.message).toContain("does not support atomic pushes");
    expect(valueOf(far, A)).toBe("");
  });
});

describe("a server without write access", () => {
  it.each(["info/refs", "git-receive-pack"] as const)("that replies 403 to %s blocks", async (kind) => {
    const { refs, one, server } = await serve();
    server.trouble(kind, { status: 403, text: "this is a mirror" }, { service: "git-receive-pack" });
    expect(await refs.swap([{ ref: A, expected: null, next: one }])).toEqual(saying("error: 403"));
    expect((await refs.read([A])).get(A)).toBeNull();
  });

  it("is not detected from similar words in an address or a branch name", async () => {
    const far = await makeFar("http");
    const server = far.served as GitHttp;
    cpSync(far.remote.dir, join(dirname(far.remote.dir), "access-denied-403.git"), { recursive: true });
    const { remote: refs } = await openFar(far, "one", {}, server.url("access-denied-403.git"));
    const one = await refs.note("one\n");
    const ref = refOf("it's-read-only/403" as Branch);
    await server.close();
    expect(await refs.swap([{ ref, expected: null, next: one }])).toEqual(UNKNOWN);
  });
});
