/**
 * The line to a remote: the only git processes that leave this machine.
 *
 * What must hold: names and objects are asked for by full names; nothing but what was named is
 * fetched or pushed, whatever the user's configuration adds by itself; a line that is cut or silent
 * is Unreachable, and never taken for an answer.
 */
import { hash } from "node:crypto";
import { cleanLine, cleanText, redact } from "../../core/util/redact.ts";
import { HEADS, type Ref, type Sha } from "../../core/protocol/ids.ts";
import { RemoteUnreachable } from "../../core/messages/messages.ts";
import { type GitCall, type Git, GitExit, GitSilence, type GitResult } from "../git.ts";
import { requireSha } from "../parse-output.ts";
import type { RefPrefix } from "./ref-prefix.ts";
import { SILENCE } from "../timing.ts";

export interface Address {
  /** What people call it: the name of a remote, or its address without a password. */
  readonly name: string;
  readonly fetch: string;
  readonly push: string;
}

/** The refs of a remote at one moment. */
export interface Listing {
  readonly refs: ReadonlyMap<Ref, Sha>;
  /** The branch that HEAD names there. */
  readonly head: string | undefined;
  /** Equal for equal listings. */
  readonly digest: string;
}

/** Progress is what tells a long transfer from silence. */
const FETCH = [
  "--progress",
  "--no-tags",
  "--no-prune",
  // Where refspecs come by standard input, `fetch.pruneTags` alone would fetch every tag.
  "--no-prune-tags",
  "--no-write-fetch-head",
  "--no-auto-maintenance",
  "--no-recurse-submodules",
];
const PUSH = ["--porcelain", "--atomic", "--progress", "--no-verify", "--no-follow-tags"];
const PUSH_MORE = ["--no-signed", "--recurse-submodules=no"];

export class Transport {
  readonly address: Address;
  readonly #git: Git;
  readonly #outside: Git;

  /** `git` works in the cache of the remote, `outside` in no repository; both the way their user goes. */
  constructor(git: Git, outside: Git, address: Address) {
    this.#git = git;
    this.#outside = outside;
    this.address = address;
  }

  /** Fills an empty folder with a bare repository that has the remote's branches. */
  async clone(into: string): Promise<void> {
    const how = ["--progress", "--bare", "--no-tags", "--template=", "--origin=origin"];
    const args = ["clone", ...how, ...this.#from(), into];
    await this.#try(() => this.#outside.run(args, this.#within(SILENCE.fetchMs)));
    // The address may hold a password, and scripts can read the cache.
    await this.#outside.run(["config", "--file", `${into}/config`, "--remove-section", "remote.origin"]);
  }

  /** Every branch and side ref. One git process. */
  async list(names: RefPrefix): Promise<Listing> {
    return readListing(
      await this.#ask(["ls-remote", "--symref", ...this.#from(), ...names.listPatterns()]),
      names,
    );
  }

  /** The present values of some refs. One git process. */
  async read(names: RefPrefix, refs: readonly Ref[]): Promise<Map<Ref, Sha | null>> {
    const wanted = refs.map((ref) => names.toRemote(ref));
    // The server sends branches alone where nothing else is asked for.
    const heads = wanted.every((name) => name.startsWith(HEADS)) ? ["--heads"] : [];
    const { refs: found } = readListing(
      await this.#ask(["ls-remote", ...heads, ...this.#from(), ...wanted]),
      names,
    );
    return new Map(refs.map((ref) => [ref, found.get(ref) ?? null]));
  }

  /**
   * Fetches by refspecs. False when one of them was not to be had, and nothing came. That a ref of
   * the cache was locked does not count: the objects came all the same. Throws GitExit when `must`.
   */
  async fetch(refspecs: readonly string[], must: boolean): Promise<boolean> {
    // By standard input, so that any number of them fits.
    const args = ["fetch", ...FETCH, "--stdin", ...this.#from()];
    const call = {
      ...this.#within(SILENCE.fetchMs),
      stdin: `${refspecs.join("\n")}\n`,
      allowedCodes: must ? [1] : [1, 128],
    };
    const { code, stderr } = await this.#try(() => this.#git.run(args, call));
    if (code === 128 && isCut(stderr)) throw this.#unreachable(stderr);
    return code !== 128;
  }

  /** One push, all or nothing. The result says what git and the server said. */
  async push(leases: readonly string[], refspecs: readonly string[]): Promise<GitResult> {
    const expected = leases.map((lease) => `--force-with-lease=${lease}`);
    const args = [
      "push",
      ...PUSH,
      ...PUSH_MORE,
      ...expected,
      "--end-of-options",
      this.address.push,
      ...refspecs,
    ];
    return this.#try(() => this.#git.run(args, { ...this.#within(SILENCE.pushMs), allowedCodes: [1, 128] }));
  }

  #from(): string[] {
    return ["--end-of-options", this.address.fetch];
  }

  async #ask(args: readonly string[]): Promise<string> {
    return (await this.#try(() => this.#git.run(args, this.#within(SILENCE.askMs)))).stdout;
  }

  /** git's own HTTP helper outlives a git that was ended, so it is told too; its user may have told it. */
  #within(silentMs: number): GitCall {
    const { env } = this.#git.target;
    const GIT_HTTP_LOW_SPEED_LIMIT = env["GIT_HTTP_LOW_SPEED_LIMIT"] ?? "1";
    const GIT_HTTP_LOW_SPEED_TIME = env["GIT_HTTP_LOW_SPEED_TIME"] ?? String(silentMs / 1000);
    return { silenceMs: silentMs, env: { GIT_HTTP_LOW_SPEED_LIMIT, GIT_HTTP_LOW_SPEED_TIME } };
  }

  async #try(start: () => Promise<GitResult>): Promise<GitResult> {
    try {
      return await start();
    } catch (error) {
      if (error instanceof GitSilence) throw this.#unreachable(error.message, error);
      if (error instanceof GitExit && isOutside(error)) throw this.#unreachable(error.stderr, error);
      throw error;
    }
  }

  #unreachable(stderr: string, cause?: unknown): RemoteUnreachable {
    return new RemoteUnreachable(this.address.name, serverMessage(stderr) || "git was ended from outside", {
      cause,
    });
  }
}

/** Characters of a message of a server that are kept. */
const LONGEST = 600;

/** Progress of a server comes between its words. */
const PROGRESS =
  /^remote: *(?:(?:Resolving|Enumerating|Counting|Compressing|Checking|Processing) \w+: |Total \d)/;

/** What git said, on one line and without passwords. */
export function serverMessage(stderr: string): string {
  const lines = messageLines(stderr).filter((line) => /^(?:fatal|error|remote): *\S/.test(line));
  const told = (lines.length > 0 ? lines : messageLines(stderr)).slice(0, 4);
  const text = told.map((line) => line.replace(/^(?:fatal|error): /, "").trimEnd()).join("; ");
  // A server's words are a stranger's words.
  return cleanLine(redact(cleanText(withoutPassword(text))), LONGEST);
}

export const messageLines = (stderr: string): string[] =>
  stderr.split(/[\r\n]+/).filter((line) => !PROGRESS.test(line));

/** What was said, without the names in it: a branch may be called `fix/403`, and a folder `read-only`. */
export const withoutNames = (text: string): string =>
  text.replaceAll(/'?\brefs\/\S+|'?\b\w+:\/\/\S+/g, "").replaceAll(/'[^'\n]*'/g, "");

/** An address that may be shown. */
export const withoutPassword = (text: string): string => text.replaceAll(/:\/\/[^/\s]*@/g, "://");

/** A git without a code was ended from outside. A disk of ours that is full is no fault of the line. */
const isOutside = ({ code, stderr }: GitExit): boolean =>
  !Number.isInteger(code) || (code === 128 && !isDisk(stderr));

const isDisk = (stderr: string): boolean =>
  /No space left|Read-only file system|Permission denied.*objects|insufficient permission/i.test(stderr);

/** True when git never came to an understanding with the remote. */
const isCut = (stderr: string): boolean =>
  /^(?:fatal|error): .*(?:unable to access|could not read|hung up|early EOF|Connection|timed out|resolve host)/im.test(
    withoutNames(stderr),
  );

function readListing(output: string, names: RefPrefix): Listing {
  const refs = new Map<Ref, Sha>();
  let head: string | undefined;
  const symbolic = new Set<string>();
  for (const line of output.split("\n")) {
    const [value = "", name = ""] = line.split("\t");
    if (value.startsWith("ref: ")) {
      symbolic.add(name);
      if (name === "HEAD") head = value.replace(/^ref: refs\/heads\//, "");
    } else if (!symbolic.has(name) && !name.endsWith("^{}")) {
      // A symbolic branch is another name of a branch that is listed itself.
      const ref = names.toLocal(name);
      if (ref) refs.set(ref, requireSha(value));
    }
  }
  return { refs, head, digest: hash("sha1", output, "hex") };
}
