/** The prefix of side refs at a remote, and a whole run there that does not touch the person's clone. */
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Ref, Sha } from "../../src/core/protocol/ids.ts";
import {
  addCommit,
  addBranches,
  makeRemoteFixture,
  textOf,
  TRANSPORTS,
  type RemoteFixture,
  type Transport,
} from "../support/remote-workspace.ts";
import { makeRunner, trailerOf } from "../support/bare-remote.ts";

const LEASE = "refs/trailhand/leases/a" as Ref;
const ASKED = "feat: a thing\n\nPlease.\n\nState: work\n";
const PREFIXES = ["refs/trailhand", "refs/tags/trailhand", "refs/heads/side"];

/** A remote with this prefix in its workflow, which logs each pushed ref. */
async function makePrefixFixture(transport: Transport, prefix: string): Promise<RemoteFixture> {
  const fixture = await makeRemoteFixture(transport, {
    "states/workflow.yml":
      `refs: { prefix: ${prefix} }\nlanes: { default: 1 }\n` +
      "states:\n  work: { next: done, retries: 1, backoff: 10ms }\n",
    // The first attempt fails and leaves changes, so that there are journal and salvage refs.
    "states/work": "#!/bin/sh\necho half > half.txt\n[ -e $OUT/tried ] || { touch $OUT/tried; exit 1; }\n",
  });
  fixture.remote.write(
    "hooks/post-receive",
    `#!/bin/sh\ncut -d' ' -f3 >> "${fixture.outside}/pushed"\n`,
    0o755,
  );
  return fixture;
}

const refsAt = ({ remote }: RemoteFixture, place: string): string[] =>
  remote.git("for-each-ref", "--format=%(refname)", place).split("\n").filter(Boolean);

/** Every file below a folder: path, kind, mode, change time and content. */
function snapshot(folder: string, below = ""): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const path = join(below, entry.name);
    const file = join(folder, path);
    const { mode, mtimeMs } = lstatSync(file);
    const line = `${path} ${mode.toString(8)} ${mtimeMs}`;
    if (entry.isDirectory()) return [line, ...snapshot(folder, path)];
    const bytes = entry.isSymbolicLink() ? readlinkSync(file) : readFileSync(file);
    return [`${line} ${createHash("sha1").update(bytes).digest("hex")}`];
  });
}

describe("side refs at a remote", () => {
  it.each([
    ["files", "refs/trailhand"],
    ["http", "refs/tags/trailhand"],
    ["files", "refs/heads/side"],
  ] as const)("by %s, under %s: a run answers, and leaves there what is to be kept", async (how, prefix) => {
    const fixture = await makePrefixFixture(how, prefix);
    addCommit(fixture, "topic", ASKED);
    const runner = await makeRunner(fixture, "one");
    const { summary, events } = await runner.run();
    expect(summary.faultCount).toBe(0);
    expect(events.map(({ kind }) => kind)).toEqual(["claimed", "resting", "claimed", "answered"]);
    expect(trailerOf(fixture, "topic", "State")).toBe("done");
    const pushed = new Set(textOf(join(fixture.outside, "pushed")).trim().split("\n"));
    const kinds = [...pushed].flatMap((ref) => {
      if (ref === "refs/heads/topic") return [];
      expect(ref.startsWith(`${prefix}/`)).toBe(true);
      return [ref.slice(prefix.length + 1).split("/")[0] ?? ""];
    });
    expect([...new Set(kinds)].toSorted()).toEqual(["journal", "lanes", "leases", "salvage"]);
    const kept = refsAt(fixture, prefix).map((ref) => ref.slice(prefix.length + 1).split("/")[0] ?? "");
    expect(kept.toSorted()).toEqual(["journal", "salvage"]);
    expect(refsAt(fixture, "refs/heads").filter((ref) => !ref.startsWith(prefix))).toEqual([
      "refs/heads/main",
      "refs/heads/topic",
    ]);
  });

  it("under refs/heads are not run as branches", async () => {
    const fixture = await makePrefixFixture("files", "refs/heads/side");
    for (const name of ["side/leases/x", "side/salvage/topic/1", "side/own"]) addCommit(fixture, name, ASKED);
    const request = addCommit(fixture, "sideways", ASKED);
    const runner = await makeRunner(fixture, "one");
    expect((await runner.site.repository.listRefs()).heads.map(({ branch }) => branch).toSorted()).toEqual([
      "main",
      "sideways",
    ]);
    const { events } = await runner.run();
    expect(events.filter(({ kind }) => kind === "answered").map((event) => event.branch)).toEqual([
      "sideways",
    ]);
    expect(fixture.remote.git("rev-parse", "sideways~1")).toBe(request);
    expect(fixture.remote.git("log", "-1", "--format=%s", "side/own")).toBe("feat: a thing");
  });

  it("are rejected by a server that hides them, and accepted under another prefix", async () => {
    const fixture = await makePrefixFixture("http", "refs/trailhand");
    fixture.remote.git("config", "transfer.hideRefs", "refs/trailhand");
    const { remote } = await fixture.open();
    await remote.listRefs();
    const lease = await remote.note("a lease\n");
    expect(await remote.swap([{ ref: LEASE, expected: null, next: lease }])).toEqual({
      kind: "blocked",
      why: expect.stringContaining("hidden ref") as string,
    });
    const moved = await makePrefixFixture("http", "refs/tags/trailhand");
    moved.remote.git("config", "transfer.hideRefs", "refs/trailhand");
    addCommit(moved, "topic", ASKED);
    const { summary } = await (await makeRunner(moved, "one")).run();
    expect(summary.faultCount).toBe(0);
    expect(trailerOf(moved, "topic", "State")).toBe("done");
  });

  it.each(PREFIXES)("under %s are read together with very many new branches", async (prefix) => {
    const fixture = await makePrefixFixture("files", prefix);
    const { remote } = await fixture.open();
    await remote.listRefs();
    addBranches(
      fixture,
      Array.from({ length: 230 }, (_, at) => `many/${at}`),
    );
    const lease = fixture.remote.git("commit-tree", "-m", "a lease", "main^{tree}") as Sha;
    fixture.remote.git("update-ref", `${prefix}/leases/a`, lease);
    const listing = await remote.listRefs();
    expect(listing.heads).toHaveLength(231);
    expect(listing.leases.get("a")?.value).toBe(lease);
    expect((await remote.listRefs()).isUnchanged).toBe(true);
  });

  it("move when the workflow changes the prefix", async () => {
    const fixture = await makePrefixFixture("files", "refs/trailhand");
    const { remote } = await fixture.open();
    await remote.listRefs();
    expect(remote.prefix.value).toBe("refs/trailhand");
    const lease = await remote.note("a lease\n");
    await remote.swap([{ ref: LEASE, expected: null, next: lease }]);
    expect((await remote.listRefs()).leases.size).toBe(1);
    fixture.person.write("states/workflow.yml", "refs: { prefix: refs/tags/th }\nstates:\n  work: {}\n");
    const commit = fixture.person.commit("chore: move the refs");
    fixture.person.git("push", "-q", fixture.remote.dir, "main");
    expect(fixture.remote.git("rev-parse", "main")).toBe(commit);
    const listing = await remote.listRefs();
    expect([remote.prefix.value, listing.leases.size]).toEqual(["refs/tags/th", 0]);
    expect(await remote.swap([{ ref: LEASE, expected: null, next: lease }])).toEqual({ kind: "landed" });
    expect(refsAt(fixture, "refs/tags/th")).toEqual(["refs/tags/th/leases/a"]);
  });
});

describe("the person's clone", () => {
  it.each(TRANSPORTS)("is not changed by a run, byte for byte, %s", async (transport) => {
    const fixture = await makePrefixFixture(transport, "refs/trailhand");
    const { person } = fixture;
    addCommit(fixture, "topic", ASKED);
    person.git("fetch", "-q", fixture.remote.dir, "+refs/heads/*:refs/remotes/origin/*");
    person.git("checkout", "-q", "-b", "topic", "refs/remotes/origin/topic");
    person.write("staged.txt", "staged\n");
    person.git("add", "staged.txt");
    person.write("half.txt", "mine\n");
    const before = snapshot(person.dir);
    const runner = await makeRunner(fixture, "one");
    expect((await runner.run()).events.map(({ kind }) => kind)).toContain("answered");
    expect(trailerOf(fixture, "topic", "State")).toBe("done");
    expect(snapshot(person.dir)).toEqual(before);
    expect(existsSync(person.cache)).toBe(false);
  });
});
