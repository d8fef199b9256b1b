/** Pushes that a server rejects: blocked with the message of the server, and nothing moved. */
import { cpSync, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { refOf, type Branch, type Ref, type Sha } from "../../src/core/protocol/ids.ts";
import {
  errorOf,
  hook,
  openFixture,
  makeRemoteFixture,
  openRemote,
  serveFixture,
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
    const { fixture, repository, first, second } = await openFixture(transport);
    const mark = join(fixture.outside, "asked");
    hook(fixture, "pre-receive", `touch "${mark}"`);
    await repository.swap([{ ref: A, expected: null, next: first }]);
    expect(existsSync(mark)).toBe(true);
    fixture.server?.forget();
    const calls = watchGit();
    const stale = [
      { ref: B, expected: null, next: second },
      { ref: A, expected: second, next: null },
    ];
    expect(await repository.swap(stale)).toEqual({ kind: "refused" });
    expect(calls.map(({ args }) => args[0])).toEqual(["push"]);
    expect(fixture.server?.count("git-receive-pack") ?? 0).toBe(0);
    expect(valueOf(fixture, B)).toBe("");
  });

  it("through a hook is quoted", async () => {
    const { fixture, repository, first } = await openFixture(transport);
    hook(fixture, "pre-receive", "echo 'no secrets here, please'; echo 'see the handbook' >&2; exit 1");
    const swap = await repository.swap([{ ref: A, expected: null, next: first }]);
    expect(swap).toEqual(saying("pre-receive hook declined: no secrets here, please: see the handbook"));
    expect(valueOf(fixture, A)).toBe("");
  });

  it("through a hook with terminal output is quoted on one line, without secrets", async () => {
    const { fixture, repository, first } = await openFixture(transport);
    const token = `ghp_${"x".repeat(36)}`;
    hook(
      fixture,
      "pre-receive",
      `printf '\\033[2J\\033]0;mine\\007no \\033[31m${token}\\033[m, never\\n'; exit 1`,
    );
    const swap = await repository.swap([{ ref: A, expected: null, next: first }]);
    expect(swap).toEqual({ kind: "blocked", why: "pre-receive hook declined: no [redacted], never" });
  });

  it("of one ref of several moves none", async () => {
    const { fixture, repository, first } = await openFixture(transport);
    hook(fixture, "update", `[ "$1" != ${WORK} ] || { echo 'work is closed'; exit 1; }`);
    const updates = [A, WORK, B].map((ref) => ({ ref, expected: null, next: first }));
    expect(await repository.swap(updates)).toEqual(saying("hook declined: work is closed"));
    expect([A, WORK, B].map((ref) => valueOf(fixture, ref))).toEqual(["", "", ""]);
  });

  it.each([
    ["receive.denyDeletes", "true", "deletion prohibited"],
    ["receive.denyNonFastForwards", "true", "non-fast-forward"],
    ["transfer.hideRefs", "refs/heads/work", "hidden ref"],
  ])("with %s %s: blocked", async (key, value, words) => {
    const { fixture, repository, first, second } = await openFixture(transport);
    if (key !== "transfer.hideRefs") await repository.swap([{ ref: WORK, expected: null, next: first }]);
    fixture.remote.git("config", key, value);
    const update = {
      "receive.denyDeletes": { ref: WORK, expected: first, next: null },
      "receive.denyNonFastForwards": { ref: WORK, expected: first, next: second },
    }[key] ?? { ref: WORK, expected: null, next: second };
    expect(await repository.swap([update])).toEqual(saying(words));
    expect(valueOf(fixture, WORK)).toBe(key === "transfer.hideRefs" ? "" : first);
  });

  it("to its checked-out branch blocks it", async () => {
    const { fixture, repository } = await openFixture(transport);
    fixture.remote.git("config", "core.bare", "false");
    fixture.remote.git("config", "core.worktree", fixture.outside);
    const head = fixture.remote.git("rev-parse", "main") as Sha;
    const next = await repository.commit(head, head, "an answer\n");
    const swap = await repository.swap([{ ref: refOf("main" as Branch), expected: head, next }]);
    expect(swap).toEqual(saying("checked out"));
  });

  it("because it does not support atomic pushes is a fault", async () => {
    const { fixture, repository, first } = await openFixture(transport);
    fixture.remote.git("config", "receive.advertiseAtomic", "false");
    const error = await errorOf(repository.swap([{ ref: A, expected: null, next: first }]));
    expect(error).toMatchObject({ name: "UserError" });
    expect(error.message).toContain("does not support atomic pushes");
    expect(valueOf(fixture, A)).toBe("");
  });
});

describe("a server without write access", () => {
  it.each(["info/refs", "git-receive-pack"] as const)("that replies 403 to %s blocks", async (kind) => {
    const { repository, first, server } = await serveFixture();
    server.trouble(kind, { status: 403, text: "this is a mirror" }, { service: "git-receive-pack" });
    expect(await repository.swap([{ ref: A, expected: null, next: first }])).toEqual(saying("error: 403"));
    expect((await repository.read([A])).get(A)).toBeNull();
  });

  it("is not detected from similar words in an address or a branch name", async () => {
    const fixture = await makeRemoteFixture("http");
    const server = fixture.server as GitHttp;
    cpSync(fixture.remote.dir, join(dirname(fixture.remote.dir), "access-denied-403.git"), {
      recursive: true,
    });
    const { remote: repository } = await openRemote(fixture, "one", {}, server.url("access-denied-403.git"));
    const first = await repository.note("one\n");
    const ref = refOf("it's-read-only/403" as Branch);
    await server.close();
    expect(await repository.swap([{ ref, expected: null, next: first }])).toEqual(UNKNOWN);
  });
});
