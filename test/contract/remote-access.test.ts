/** Access to a remote with the settings of its user: addresses, credentials, headers. Other settings change nothing. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { refOf, type Branch, type Ref, type Sha } from "../../src/core/protocol/ids.ts";
import { withoutPassword } from "../../src/git/server-message.ts";
import type { RemoteRepository } from "../../src/git/remote/remote-repository.ts";
import type { Swap } from "../../src/engine/ports.ts";
import type { Workspace } from "../../src/app/workspace.ts";
import { openWorkspace } from "../../src/app/open-workspace.ts";
import {
  errorOf,
  addCommit,
  makeRemoteFixture,
  openRemote,
  textOf,
  TRANSPORTS,
  type RemoteFixture,
} from "../support/remote-workspace.ts";
import type { GitHttp } from "../support/git-http.ts";
import { git, temporaryDir } from "../support/temp-repo.ts";

const A = "refs/trailhand/leases/a" as Ref;
const CREDENTIALS = "ann:s3cret-word";
const LANDED = { kind: "landed" };

const tip = ({ remote }: RemoteFixture, name: string) => remote.git("rev-parse", name) as Sha;

async function pushRef(remote: RemoteRepository, ref = A): Promise<Swap> {
  return remote.swap([{ ref, expected: null, next: await remote.note(`for ${ref}\n`) }]);
}

/** The whole content of the cache of a remote, including file names. */
function cacheContent({ location }: Workspace): string {
  const root = dirname(location.commonDir);
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const texts = files.map((file) => readFileSync(join(file.parentPath, file.name), "latin1"));
  return [root, ...files.map(({ name }) => name), ...texts].join("\n");
}

/** A `git` that logs its calls; returns its environment and the log. */
function loggingGit({ outside }: RemoteFixture): { env: Record<string, string>; noted: () => string } {
  const real = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
  const bin = join(outside, "bin");
  mkdirSync(bin);
  const script = `#!/bin/sh\nprintf '%s\\n' "$@" >> "${outside}/noted"\nexec "${real}" "$@"\n`;
  writeFileSync(join(bin, "git"), script, { mode: 0o755 });
  return { env: { PATH: `${bin}:${process.env["PATH"]}` }, noted: () => textOf(join(outside, "noted")) };
}

describe("credentials", () => {
  it("come from a helper of the person's repository and are never shown", async () => {
    const fixture = await makeRemoteFixture("http", {}, CREDENTIALS);
    const helper = "!f() { test $1 = get && echo username=ann && echo password=s3cret-word; }; f";
    fixture.person.git("config", "credential.helper", helper);
    const { env, noted: gitLog } = loggingGit(fixture);
    const site = await fixture.open("one", env);
    addCommit(fixture, "work", "first");
    expect((await site.remote.listRefs()).heads).toHaveLength(2);
    expect(await pushRef(site.remote)).toEqual(LANDED);
    expect(gitLog()).toContain("ls-remote\n");
    expect(gitLog()).not.toContain("s3cret-word");
    expect(cacheContent(site)).not.toContain("s3cret-word");
    expect(cacheContent(site)).not.toContain("helper");
  });

  it("that are missing or wrong are reported at once, without a prompt", async () => {
    const fixture = await makeRemoteFixture("http", {}, CREDENTIALS);
    const missing = await errorOf(fixture.open());
    expect(missing).toMatchObject({ name: "RemoteUnreachable" });
    expect(missing.message).toContain("could not read Username");
    // The incomplete cache was removed.
    const caches = readdirSync(fixture.machine("one")["XDG_CACHE_HOME"] ?? "", { recursive: true });
    expect(caches.filter((name) => name.includes("repo.git"))).toEqual([]);
    const server = fixture.server as GitHttp;
    const name = basename(fixture.remote.dir);
    fixture.person.git("config", "remote.origin.url", server.url(name, CREDENTIALS));
    fixture.person.git("config", "remote.origin.pushurl", server.url(name, "ann:wr0ng-word"));
    const { remote } = await fixture.open();
    await remote.listRefs();
    const swap = await pushRef(remote);
    expect(swap).toMatchObject({
      kind: "blocked",
      why: expect.stringContaining("Authentication failed") as string,
    });
    expect(JSON.stringify(swap)).not.toContain("wr0ng");
  });

  it.each(["by its name", "by its address"])("in an address are in no message, given %s", async (how) => {
    const fixture = await makeRemoteFixture("http", {}, CREDENTIALS);
    const server = fixture.server as GitHttp;
    const url = server.url(basename(fixture.remote.dir), CREDENTIALS);
    fixture.person.git("config", "remote.origin.url", url);
    const site = await openRemote(fixture, "one", {}, how === "by its name" ? "origin" : url);
    const { remote } = site;
    const printed: unknown[] = [remote.transport.address.name];
    await remote.listRefs();
    expect(await pushRef(remote)).toEqual(LANDED);
    expect(cacheContent(site)).not.toContain("s3cret-word");
    fixture.remote.write("hooks/pre-receive", `#!/bin/sh\necho 'not to ${url}'\nexit 1\n`, 0o755);
    printed.push(await pushRef(remote, refOf("work" as Branch)));
    fixture.remote.git("config", "receive.advertiseAtomic", "false");
    printed.push(await errorOf(pushRef(remote, refOf("work" as Branch))));
    server.trouble("info/refs", { status: 403, text: `not to ${url}` });
    printed.push(await pushRef(remote, refOf("work" as Branch)), await errorOf(remote.listRefs()));
    server.heal();
    server.trouble("git-upload-pack", "cut");
    printed.push(await errorOf(remote.listRefs()));
    await server.close();
    printed.push(await pushRef(remote, refOf("work" as Branch)), await errorOf(remote.read([A])));
    const texts = printed.map((item) => (item instanceof Error ? item.message : JSON.stringify(item)));
    for (const text of texts) expect(text).not.toContain("s3cret");
    expect(texts).toHaveLength(8);
    expect(texts[1]).toContain("not to http://127.0.0.1");
    expect(withoutPassword("http://ann:half@s3cret@host/x and ssh://git@host")).toBe(
      "http://host/x and ssh://host",
    );
  });

  it("in a header of the local configuration are sent once with every request", async () => {
    const fixture = await makeRemoteFixture("http", {}, CREDENTIALS);
    const server = fixture.server as GitHttp;
    const header = `Authorization: Basic ${Buffer.from(CREDENTIALS).toString("base64")}`;
    fixture.person.git("config", `http.${server.url("")}.extraHeader`, header);
    fixture.person.git("config", "http.extraHeader", "X-Elsewhere: never, because the other one fits better");
    fixture.person.git("config", "--add", `http.${server.url("")}.extraHeader`, "X-Runner: one");
    const { env, noted: gitLog } = loggingGit(fixture);
    const site = await fixture.open("one", env);
    expect(await pushRef(site.remote)).toEqual(LANDED);
    await site.remote.listRefs();
    expect(server.asked.length).toBeGreaterThan(6);
    for (const { headers } of server.asked) {
      expect(headers.filter((text) => /^(?:authorization|x-runner)$/i.test(text))).toHaveLength(2);
    }
    expect(gitLog() + cacheContent(site)).not.toContain(header.slice(-12));
  });
});

describe("addresses", () => {
  it("are rewritten by the configuration of the person's repository", async () => {
    const fixture = await makeRemoteFixture("http");
    fixture.person.git("config", `url.${fixture.server?.url("")}.insteadOf`, "far:");
    fixture.person.git("config", "remote.origin.url", `far:${basename(fixture.remote.dir)}`);
    const { remote } = await fixture.open();
    expect((await remote.listRefs()).heads).toHaveLength(1);
    expect(await pushRef(remote)).toEqual(LANDED);
  });

  it("may be relative to the repository, from any of its folders", async () => {
    const fixture = await makeRemoteFixture("files");
    fixture.person.git("config", "remote.origin.url", `../${basename(fixture.remote.dir)}`);
    const below = join(fixture.person.dir, "below");
    mkdirSync(below);
    for (const dir of [fixture.person.dir, below]) {
      const { repository } = await openWorkspace(dir, fixture.machine("one"), { remote: "origin" });
      expect((await repository.listRefs()).heads).toHaveLength(1);
    }
  });

  it("may be given outside of a repository, and are not guessed", async () => {
    const fixture = await makeRemoteFixture("http");
    const site = await openWorkspace(temporaryDir(), fixture.machine("one"), { remote: fixture.url });
    expect((await site.repository.listRefs()).heads).toHaveLength(1);
    expect(site.here).toBeUndefined();
    const error = await errorOf(openRemote(fixture, "one", {}, "upstream"));
    expect(error.message).toBe('There is no remote "upstream". Known: origin.');
  });

  it("may differ for pushes", async () => {
    const fixture = await makeRemoteFixture("http");
    fixture.person.git("config", "remote.origin.url", fixture.remote.dir);
    fixture.person.git("config", "remote.origin.pushurl", fixture.url);
    const { remote } = await fixture.open();
    expect(await pushRef(remote)).toEqual(LANDED);
    expect(fixture.server?.count("git-receive-pack")).toBe(1);
    expect(fixture.server?.count("git-upload-pack")).toBe(0);
  });
});

/** Settings that a person may have in the global configuration for other work. */
const GLOBAL = {
  "push.followTags": "true",
  "push.gpgSign": "true",
  "push.default": "nothing",
  "push.recurseSubmodules": "on-demand",
  "push.useForceIfIncludes": "true",
  "push.negotiate": "true",
  "remote.pushDefault": "elsewhere",
  "fetch.prune": "true",
  "fetch.pruneTags": "true",
  "fetch.recurseSubmodules": "true",
  "fetch.fsckObjects": "true",
  "fetch.writeCommitGraph": "true",
  "clone.defaultRemoteName": "upstream",
  "init.defaultBranch": "elsewhere",
  "safe.bareRepository": "explicit",
  "submodule.recurse": "true",
  "commit.gpgSign": "true",
  "tag.gpgSign": "true",
  "color.ui": "always",
  "column.ui": "always",
  "log.showSignature": "true",
  "log.decorate": "full",
  "format.pretty": "fuller",
  "i18n.logOutputEncoding": "latin1",
  "gc.auto": "1",
};

describe.each(TRANSPORTS)("the global configuration changes nothing, %s", (transport) => {
  it("about fetches, pushes and messages", async () => {
    const fixture = await makeRemoteFixture(transport);
    const config = join(fixture.outside, "config");
    const template = join(fixture.outside, "template");
    const hooks = join(template, "hooks");
    mkdirSync(hooks, { recursive: true });
    for (const hook of ["pre-push", "reference-transaction", "post-checkout"]) {
      const script = `#!/bin/sh\ntouch "${fixture.outside}/$(basename "$0")"\nexit 1\n`;
      writeFileSync(join(hooks, hook), script, { mode: 0o755 });
    }
    // With a path, the person's git is also the server, and hooks would be those of the server.
    const more = transport === "http" ? { "core.hooksPath": hooks } : {};
    const all = { ...GLOBAL, ...more, "init.templateDir": template };
    for (const [key, value] of Object.entries(all))
      git(fixture.outside, ["config", "--file", config, key, value]);
    const { remote, location } = await fixture.open("one", { GIT_CONFIG_GLOBAL: config });
    await remote.listRefs();
    const cache = (...args: string[]) => git(location.commonDir, args).trim();
    cache("tag", "-a", "-m", "not to be pushed", "mine", "main");
    addCommit(fixture, "work", "first");
    const from = addCommit(fixture, "work", "größe: second");
    fixture.remote.git("update-ref", "refs/tags/not-to-be-fetched", from);
    expect((await remote.listRefs()).heads.find(({ branch }) => branch === "work")).toMatchObject({
      commit: from,
      message: "größe: second\n",
    });
    const next = await remote.commit(from, from, "an answer\n");
    const updates = [
      { ref: refOf("work" as Branch), expected: from, next },
      { ref: A, expected: null, next: await remote.note("a lease\n") },
    ];
    expect(await remote.swap(updates)).toEqual(LANDED);
    const [work, lease] = [...(await remote.read(updates.map(({ ref }) => ref))).values()];
    expect([work, lease]).toEqual(updates.map(({ next }) => next));
    const stale = { ref: refOf("work" as Branch), expected: from, next: null };
    expect(await remote.swap([stale])).toEqual({ kind: "refused" });
    expect(fixture.remote.git("tag")).toBe("not-to-be-fetched");
    expect(cache("tag")).toBe("mine");
    fixture.remote.git("config", "receive.denyDeletes", "true");
    expect(await remote.swap([{ ref: refOf("work" as Branch), expected: next, next: null }])).toEqual({
      kind: "blocked",
      why: "deletion prohibited: error: denying ref deletion for refs/heads/work",
    });
    expect((await remote.listRefs()).leases.size).toBe(1);
    expect((await remote.listRefs()).isUnchanged).toBe(true);
    expect(tip(fixture, "work")).toBe(next);
    expect(readdirSync(fixture.outside).toSorted()).toEqual(["config", "template"]);
  });
});
