/**
 * A remote that is reached by a path or over HTTP, and sites opened on it; what others do there is
 * done in its folder.
 */
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

export interface Far extends Stage {
  /** The address that `origin` has in the person's clone. */
  readonly url: string;
  /** What carries the remote, where that is HTTP. */
  readonly served: GitHttp | undefined;
  /** Opens `origin` from the person's clone, as one machine; `more` is added to its environment. */
  open(machine?: string, more?: Environment): Promise<Workspace & { readonly remote: RemoteRepository }>;
}

/** A remote with these files on `main`. `password` is `name:password`, asked for over HTTP. */
export async function makeFar(
  transport: Transport,
  files: Readonly<Record<string, string>> = {},
  password?: string,
): Promise<Far> {
  const stage = makeRemote(files);
  const { dir } = stage.remote;
  const served = transport === "http" ? await serveGit(dirname(dir), password) : undefined;
  const url = served?.url(basename(dir)) ?? dir;
  stage.person.git("config", "remote.origin.url", url);
  return { ...stage, url, served, open: (machine = "one", more = {}) => openFar(stage, machine, more) };
}

/** Opens a remote, by its name or its address. */
export async function openFar(
  stage: Stage,
  machine: string,
  more: Environment = {},
  remote = "origin",
): Promise<Workspace & { readonly remote: RemoteRepository }> {
  const site = await openWorkspace(stage.person.dir, { ...stage.machine(machine), ...more }, { remote });
  if (!site.remote) throw new Error("this is no remote");
  return { ...site, remote: site.remote };
}

/** A remote that is open, and two commits that are not there yet. */
export interface Bench {
  readonly far: Far;
  readonly refs: RemoteRepository;
  readonly one: Sha;
  readonly two: Sha;
}

export async function makeBench(transport: Transport): Promise<Bench> {
  const far = await makeFar(transport);
  const { remote: refs } = await far.open();
  return { far, refs, one: await refs.note("one\n"), two: await refs.note("two\n") };
}

/** The same over HTTP, with nothing asked so far. */
export async function serve(): Promise<Bench & { readonly server: GitHttp }> {
  const made = await makeBench("http");
  const server = made.far.served as GitHttp;
  server.forget();
  return { ...made, server };
}

/** The value of a ref at the remote, or "". */
export const valueOf = ({ remote }: Stage, ref: Ref): string =>
  remote.git("for-each-ref", "--format=%(objectname)", ref);

/** Gives the server a hook, in shell. */
export function hook({ remote }: Stage, name: string, lines: string): void {
  remote.write(`hooks/${name}`, `#!/bin/sh\n${lines}\n`, 0o755);
}

/** Makes a commit at the remote, on a branch that may be new; returns its id. */
export function grow({ remote }: Stage, branch: string, text: string, from = "main"): Sha {
  const blob = remote.gitIn(text, "hash-object", "-w", "--stdin");
  const tree = remote.gitIn(`100644 blob ${blob}\tfile.txt\n`, "mktree");
  const parent = remote.git("rev-parse", from);
  const commit = remote.git("commit-tree", "-p", parent, "-m", text, tree);
  remote.git("update-ref", `refs/heads/${branch}`, commit);
  return commit as Sha;
}

/** Makes many branches at the remote at once, each with a commit of its own. */
export function growMany({ remote }: Stage, names: readonly string[]): void {
  const base = remote.git("rev-parse", "main");
  const commits = names.map(
    (name) =>
      `commit refs/heads/${name}\ncommitter Ann <ann@example.com> 1700000000 +0000\n` +
      `data ${Buffer.byteLength(name)}\n${name}\nfrom ${base}\n`,
  );
  remote.gitIn(commits.join("\n"), "fast-import", "--quiet");
}

/** Every git process that is started until the test ends: its arguments and its standard input. */
export function watchGit(): { readonly args: readonly string[]; readonly stdin: string }[] {
  const calls: { readonly args: readonly string[]; readonly stdin: string }[] = [];
  beforeGit((args, stdin) => void calls.push({ args: [...args], stdin }));
  return calls;
}

/** Calls a function before each git process, until the test ends. */
export function beforeGit(act: (args: readonly string[], stdin: string) => void): void {
  const run = Object.getOwnPropertyDescriptor(Git.prototype, "run")?.value as Git["run"];
  Git.prototype.run = function watched(...[args, call]: Parameters<Git["run"]>) {
    act(args, call?.stdin ?? "");
    return run.call(this, args, call);
  };
  onTestFinished(() => void (Git.prototype.run = run));
}

/** What was thrown. */
export const caught = async (work: Promise<unknown>): Promise<Error> => {
  try {
    await work;
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
};

export const textOf = (file: string): string => readFileSync(file, "utf8");
