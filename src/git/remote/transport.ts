/**
 * Connects to a remote: the only git processes that use the network.
 *
 * Invariants:
 * - Refs are named in full, and nothing else is fetched or pushed, whatever the user's configuration adds.
 * - A lost or silent connection throws RemoteUnreachable and is never taken for an answer.
 */
import { hash } from "node:crypto";
import { HEADS, type Ref, type Sha } from "../../core/protocol/ids.ts";
import { RemoteUnreachable } from "../../core/messages/messages.ts";
import { type GitCall, type Git, GitExit, GitSilence, type GitResult } from "../git.ts";
import { requireSha } from "../parse-output.ts";
import { serverMessage, withoutNames } from "../server-message.ts";
import type { RefPrefix } from "./ref-prefix.ts";
import { SILENCE } from "../timing.ts";

export interface Address {
  /** For people: the name of a remote, or its URL without a password. */
  readonly name: string;
  readonly fetch: string;
  readonly push: string;
}

export interface Listing {
  readonly refs: ReadonlyMap<Ref, Sha>;
  /** The branch that HEAD points to. */
  readonly head: string | undefined;
  /** Equal for equal listings. */
  readonly digest: string;
}

/** Progress output tells a long transfer from silence. */
const FETCH = [
  "--progress",
  "--no-tags",
  "--no-prune",
  // With refspecs on standard input, `fetch.pruneTags` alone would fetch every tag.
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
  readonly #standalone: Git;

  /** `git` works in the cache of the remote, `standalone` outside every repository. */
  constructor(git: Git, standalone: Git, address: Address) {
    this.#git = git;
    this.#standalone = standalone;
    this.address = address;
  }

  /** The environment of a program that connects to the remote. */
  get environment(): Readonly<Record<string, string>> {
    return this.#git.target.env;
  }

  /** Clones the branches of the remote into an empty folder, as a bare repository. */
  async clone(into: string): Promise<void> {
    const options = ["--progress", "--bare", "--no-tags", "--template=", "--origin=origin"];
    const args = ["clone", ...options, ...this.#fetchAddress(), into];
    await this.#reachRemote(() => this.#standalone.run(args, this.#timeLimit(SILENCE.fetchMs)));
    // The URL may contain a password, and scripts can read the cache.
    await this.#standalone.run(["config", "--file", `${into}/config`, "--remove-section", "remote.origin"]);
  }

  /** Lists every branch and side ref with one git process. */
  async list(prefix: RefPrefix): Promise<Listing> {
    return readListing(
      await this.#query(["ls-remote", "--symref", ...this.#fetchAddress(), ...prefix.listPatterns()]),
      prefix,
    );
  }

  /** The current values of some refs, read with one git process. */
  async read(prefix: RefPrefix, refs: readonly Ref[]): Promise<Map<Ref, Sha | null>> {
    const names = refs.map((ref) => prefix.toRemote(ref));
    // With --heads the server sends branches only.
    const heads = names.every((name) => name.startsWith(HEADS)) ? ["--heads"] : [];
    const { refs: listed } = readListing(
      await this.#query(["ls-remote", ...heads, ...this.#fetchAddress(), ...names]),
      prefix,
    );
    return new Map(refs.map((ref) => [ref, listed.get(ref) ?? null]));
  }

  /**
   * Fetches refspecs. False when one of them does not exist, and nothing was fetched; with `isRequired`
   * that throws GitExit instead. A locked ref of the cache does not matter, as the objects arrived.
   */
  async fetch(refspecs: readonly string[], isRequired: boolean): Promise<boolean> {
    // On standard input, any number of refspecs fits.
    const args = ["fetch", ...FETCH, "--stdin", ...this.#fetchAddress()];
    const call = {
      ...this.#timeLimit(SILENCE.fetchMs),
      stdin: `${refspecs.join("\n")}\n`,
      allowedCodes: isRequired ? [1] : [1, 128],
    };
    const { code, stderr } = await this.#reachRemote(() => this.#git.run(args, call));
    if (code === 128 && isConnectionFailure(stderr)) throw this.#unreachable(stderr);
    return code !== 128;
  }

  /** One atomic push. Returns the output of git and the server. */
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
    return this.#reachRemote(() =>
      this.#git.run(args, { ...this.#timeLimit(SILENCE.pushMs), allowedCodes: [1, 128] }),
    );
  }

  #fetchAddress(): string[] {
    return ["--end-of-options", this.address.fetch];
  }

  async #query(args: readonly string[]): Promise<string> {
    return (await this.#reachRemote(() => this.#git.run(args, this.#timeLimit(SILENCE.askMs)))).stdout;
  }

  /** Limits git's HTTP helper too, because it outlives an ended git. The user's own limits take precedence. */
  #timeLimit(silenceMs: number): GitCall {
    const { env } = this.#git.target;
    const GIT_HTTP_LOW_SPEED_LIMIT = env["GIT_HTTP_LOW_SPEED_LIMIT"] ?? "1";
    const GIT_HTTP_LOW_SPEED_TIME = env["GIT_HTTP_LOW_SPEED_TIME"] ?? String(silenceMs / 1000);
    return { silenceMs, env: { GIT_HTTP_LOW_SPEED_LIMIT, GIT_HTTP_LOW_SPEED_TIME } };
  }

  async #reachRemote(start: () => Promise<GitResult>): Promise<GitResult> {
    try {
      return await start();
    } catch (error) {
      if (error instanceof GitSilence) throw this.#unreachable(error.message, error);
      if (error instanceof GitExit && isRemoteFailure(error)) throw this.#unreachable(error.stderr, error);
      throw error;
    }
  }

  #unreachable(stderr: string, cause?: unknown): RemoteUnreachable {
    return new RemoteUnreachable(this.address.name, serverMessage(stderr) || "git was ended from outside", {
      cause,
    });
  }
}

/** A git without an exit code was killed. A full local disk is not a connection failure. */
const isRemoteFailure = ({ code, stderr }: GitExit): boolean =>
  !Number.isInteger(code) || (code === 128 && !isDiskFailure(stderr));

const isDiskFailure = (stderr: string): boolean =>
  /No space left|Read-only file system|Permission denied.*objects|insufficient permission/i.test(stderr);

/** True when git could not talk to the remote. */
const isConnectionFailure = (stderr: string): boolean =>
  /^(?:fatal|error): .*(?:unable to access|could not read|hung up|early EOF|Connection|timed out|resolve host)/im.test(
    withoutNames(stderr),
  );

function readListing(output: string, prefix: RefPrefix): Listing {
  const refs = new Map<Ref, Sha>();
  let head: string | undefined;
  const symbolic = new Set<string>();
  for (const line of output.split("\n")) {
    const [value = "", name = ""] = line.split("\t");
    if (value.startsWith("ref: ")) {
      symbolic.add(name);
      if (name === "HEAD") head = value.replace(/^ref: refs\/heads\//, "");
    } else if (!symbolic.has(name) && !name.endsWith("^{}")) {
      // A symbolic branch is another name of a listed branch.
      const ref = prefix.toLocal(name);
      if (ref) refs.set(ref, requireSha(value));
    }
  }
  return { refs, head, digest: hash("sha1", output, "hex") };
}
