/** A remote accessed by path or over HTTP, and workspaces that use it. */
import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { onTestFinished } from "vitest";
import type { Ref, Sha } from "../../src/core/protocol/ids.ts";
import { Git } from "../../src/git/git.ts";
import type { RemoteRepository } from "../../src/git/remote/remote-repository.ts";
import type { Workspace } from "../../src/app/workspace.ts";
import { openWorkspace } from "../../src/app/open-workspace.ts";
import { serveGit, type GitHttp } from "./git-http.ts";
import { makeRemote, type Stage } from "./bare-remote.ts";

export const TRANSPORTS = ["files", "http"] as const;
export type Transport = (typeof TRANSPORTS)[number];
type Environment = Record<string, string | undefined>;

export interface RemoteFixture extends Stage {
  /** The URL of `origin` in the person's clone. */
  readonly url: string;
  /** The HTTP server, unless the remote is a path. */
  readonly server: GitHttp | undefined;
  /** Opens `origin` from the person's clone as a machine; `more` is added to its environment. */
  open(machine?: string, more?: Environment): Promise<Workspace & { readonly remote: RemoteRepository }>;
}

/** Creates a remote with these files on `main`. Over HTTP it requires `password` (`name:password`) if given. */
export async function makeRemoteFixture(
  transport: Transport,
  files: Readonly<Record<string, string>> = {},
  password?: string,
): Promise<RemoteFixture> {
  const stage = makeRemote(files);
  const { dir } = stage.remote;
  const served = transport === "http" ? await serveGit(dirname(dir), password) : undefined;
  const url = served?.url(basename(dir)) ?? dir;
  stage.person.git("config", "remote.origin.url", url);
  return {
    ...stage,
    url,
    server: served,
    open: (machine = "one", more = {}) => openRemote(stage, machine, more),
  };
}

/** Opens a remote by its name or URL. */
export async function openRemote(
  stage: Stage,
  machine: string,
  more: Environment = {},
  remote = "origin",
): Promise<Workspace & { readonly remote: RemoteRepository }> {
  const site = await openWorkspace(stage.person.dir, { ...stage.machine(machine), ...more }, { remote });
  if (!site.remote) throw new Error("this is not a remote");
  return { ...site, remote: site.remote };
}

/** An open remote, and two commits that are not pushed yet. */
export interface OpenFixture {
  readonly fixture: RemoteFixture;
  readonly repository: RemoteRepository;
  readonly first: Sha;
  readonly second: Sha;
}

export async function openFixture(transport: Transport): Promise<OpenFixture> {
  const fixture = await makeRemoteFixture(transport);
  const { remote: refs } = await fixture.open();
  return { fixture, repository: refs, first: await refs.note("one\n"), second: await refs.note("two\n") };
}

/** The same over HTTP, with an empty log of requests. */
export async function serveFixture(): Promise<OpenFixture & { readonly server: GitHttp }> {
  const opened = await openFixture("http");
  const server = opened.fixture.server as GitHttp;
  server.forget();
  return { ...opened, server };
}

/** The value of a ref at the remote, or "". */
export const valueOf = ({ remote }: Stage, ref: Ref): string =>
  remote.git("for-each-ref", "--format=%(objectname)", ref);

/** Installs a hook, written in shell, at the server. */
export function hook({ remote }: Stage, name: string, lines: string): void {
  remote.write(`hooks/${name}`, `#!/bin/sh\n${lines}\n`, 0o755);
}

/** Adds a commit to a new or existing branch of the remote; returns its id. */
export function addCommit({ remote }: Stage, branch: string, text: string, from = "main"): Sha {
  const blob = remote.gitIn(text, "hash-object", "-w", "--stdin");
  const tree = remote.gitIn(`100644 blob ${blob}\tfile.txt\n`, "mktree");
  const parent = remote.git("rev-parse", from);
  const commit = remote.git("commit-tree", "-p", parent, "-m", text, tree);
  remote.git("update-ref", `refs/heads/${branch}`, commit);
  return commit as Sha;
}

/** Creates many branches at the remote at once, each with its own commit. */
export function addBranches({ remote }: Stage, names: readonly string[]): void {
  const base = remote.git("rev-parse", "main");
  const commits = names.map(
    (name) =>
      `commit refs/heads/${name}\ncommitter Ann <ann@example.com> 1700000000 +0000\n` +
      `data ${Buffer.byteLength(name)}\n${name}\nfrom ${base}\n`,
  );
  remote.gitIn(commits.join("\n"), "fast-import", "--quiet");
}

/** Records arguments and standard input of every git process until the end of the test. */
export function watchGit(): { readonly args: readonly string[]; readonly stdin: string }[] {
  const calls: { readonly args: readonly string[]; readonly stdin: string }[] = [];
  beforeGit((args, stdin) => void calls.push({ args: [...args], stdin }));
  return calls;
}

/** Calls a function before each git process until the end of the test. */
export function beforeGit(act: (args: readonly string[], stdin: string) => void): void {
  const run = Object.getOwnPropertyDescriptor(Git.prototype, "run")?.value as Git["run"];
  Git.prototype.run = function watched(...[args, call]: Parameters<Git["run"]>) {
    act(args, call?.stdin ?? "");
    return run.call(this, args, call);
  };
  onTestFinished(() => void (Git.prototype.run = run));
}

/** Returns the error that rejects a promise; throws if the promise resolves. */
export const errorOf = async (work: Promise<unknown>): Promise<Error> => {
  try {
    await work;
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
};

export const textOf = (file: string): string => readFileSync(file, "utf8");
