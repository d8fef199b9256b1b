/**
 * Lets a server recreate the runner's commits, so that they carry its signature.
 *
 * Invariants:
 * - The returned commit is complete here and has the content of the runner's own.
 * - If the server does not sign in time, the unsigned commit is used and a warning is printed.
 * - No branch moves.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Ref, Sha } from "../../core/protocol/ids.ts";
import { unsignedRef } from "../../core/protocol/refs.ts";
import {
  parseCommitObject,
  isSameContent,
  signedObjects,
  type CommitContent,
  type SignedCommit,
  type CommitSigner,
} from "../../core/protocol/signed-commit.ts";
import { MESSAGES } from "../../core/messages/messages.ts";
import type { Update } from "../../engine/ports.ts";
import { GitExit, type Git } from "../git.ts";
import { requireSha } from "../parse-output.ts";
import type { Transport } from "./transport.ts";
import type { RefPrefix } from "./ref-prefix.ts";
import { pushUpdates } from "./push.ts";
import { SIGNING } from "../timing.ts";

export interface SigningOptions {
  readonly signer: CommitSigner;
  /** Prints why responses are not signed, once for each reason. */
  readonly warn: (text: string) => void;
  /** The time limit for one commit. The lease is not renewed meanwhile. */
  readonly timeoutMs?: number;
  /** How long signing pauses after a failure: a response may consist of many commits. */
  readonly backoffMs?: number;
}

export interface SigningParts {
  /** git in the cache. */
  readonly git: Git;
  readonly transport: Transport;
  readonly prefix: () => RefPrefix;
  /** The refs of the remote in the last listing. */
  readonly listedRefs: () => ReadonlyMap<Ref, Sha>;
}

/** How many signed commits are remembered. */
const KEPT = 1000;

type Signed = { readonly id: Sha } | { readonly why: string };

export class ServerSigning {
  readonly #options: SigningOptions;
  readonly #parts: SigningParts;
  /** Deletions of the temporary refs, by the uploaded commit. */
  readonly #temporaryRefs = new Map<Sha, Update>();
  /** Commits that the server has, even without a ref. */
  readonly #signedCommits = new Set<Sha>();
  readonly #warned = new Set<string>();
  #pausedUntil = 0;

  constructor(options: SigningOptions, parts: SigningParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** The commit that the server signed, or the given one if it did not. */
  async sign(commit: Sha): Promise<Sha> {
    if (performance.now() < this.#pausedUntil) return commit;
    const { timeoutMs = SIGNING.timeoutMs, backoffMs = SIGNING.backoffMs } = this.#options;
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), timeoutMs);
    const signed = await Promise.race([
      this.#requestSafely(commit, timeout.signal),
      timeoutOf(timeout.signal, timeoutMs),
    ]);
    clearTimeout(timer);
    // Pending calls for this commit end by themselves.
    timeout.abort();
    if ("why" in signed) {
      this.#pausedUntil = performance.now() + backoffMs;
      this.#warnOnce(signed.why);
      return commit;
    }
    this.#warned.clear();
    return signed.id;
  }

  /** Deletions of temporary refs whose commits these updates put on refs. */
  pendingDeletions(updates: readonly Update[]): Update[] {
    const all = updates.flatMap(({ next }) => (next && this.#temporaryRefs.get(next)) || []);
    return [...new Set(all)];
  }

  /** They were deleted, or are left to `trailhand gc`. */
  forgetDeleted(left: readonly Update[]): void {
    for (const [commit, update] of this.#temporaryRefs)
      if (left.includes(update)) this.#temporaryRefs.delete(commit);
  }

  #warnOnce(why: string): void {
    if (this.#warned.has(why)) return;
    this.#warned.add(why);
    this.#options.warn(MESSAGES.responseUnsigned(why).what);
  }

  /** Never rejects: a response without a signature is better than none. */
  async #requestSafely(commit: Sha, timeout: AbortSignal): Promise<Signed> {
    try {
      return await this.#request(commit, timeout);
    } catch (error) {
      return { why: error instanceof Error ? error.message : String(error) };
    }
  }

  async #request(commit: Sha, timeout: AbortSignal): Promise<Signed> {
    const { signer } = this.#options;
    const content = parseCommitObject(await this.#parts.git.text(["cat-file", "commit", commit]));
    if (!content) return { why: "the server cannot recreate a commit of this form" };
    let why = (await this.#isOnServer(content)) ? undefined : await this.#upload(commit, timeout);
    if (why !== undefined) return { why };
    let signed = await signer(content);
    if (signed.kind === "unsuitable" && !this.#temporaryRefs.has(commit)) {
      why = await this.#upload(commit, timeout);
      if (why !== undefined) return { why };
      signed = await signer(content);
    }
    if (signed.kind !== "signed") return signed;
    const received = await this.#receive(signed);
    if (!received) return { why: "the commit that the server signed cannot be fetched" };
    if (!isSameContent(received, content)) return { why: "the server created a different commit" };
    this.#remember(signed.id);
    const left = this.#temporaryRefs.get(commit);
    if (left) this.#temporaryRefs.set(signed.id, left);
    return { id: signed.id };
  }

  #remember(id: Sha): void {
    this.#signedCommits.add(id);
    const [oldest] = this.#signedCommits;
    if (this.#signedCommits.size > KEPT && oldest) this.#signedCommits.delete(oldest);
  }

  /** True when the server has the parent and the tree of the commit. */
  async #isOnServer({ tree, parents }: CommitContent): Promise<boolean> {
    const [parent] = parents;
    if (!parent || parents.length > 1) return false;
    const listed = () => [...this.#parts.listedRefs().values()].includes(parent);
    if (!this.#signedCommits.has(parent) && !listed()) return false;
    const own = await this.#parts.git.text(["rev-parse", "--verify", "--end-of-options", `${parent}^{tree}`]);
    return requireSha(own) === tree;
  }

  /** Pushes the commit with its history under a temporary ref. Returns why that failed, or undefined. */
  async #upload(commit: Sha, timeout: AbortSignal): Promise<string | undefined> {
    const ref = unsignedRef(commit);
    for (let ms = SIGNING.firstPauseMs; ; ms *= 2) {
      const report = await pushUpdates(this.#parts.transport, this.#parts.prefix(), [
        { ref, expected: null, next: commit },
      ]);
      if (report.kind === "landed") {
        this.#temporaryRefs.set(commit, { ref, expected: commit, next: null });
        return undefined;
      }
      if (report.kind !== "doubtful")
        return "why" in report ? report.why : "the remote does not accept atomic pushes";
      await pause(ms, undefined, { signal: timeout });
    }
  }

  /** Writes the signed commit byte for byte, or fetches it. Undefined: neither works. */
  async #receive({
    id,
    payload,
    signature,
  }: SignedCommit & { kind: "signed" }): Promise<CommitContent | undefined> {
    for (const object of signedObjects(payload, signature)) {
      if ((await this.#write(object)) === id) return parseCommitObject(object);
    }
    if (!(await this.#parts.transport.fetch([id], false))) return undefined;
    const { code, stdout } = await this.#parts.git.run(["cat-file", "commit", id], { allowedCodes: [128] });
    return code === 0 ? parseCommitObject(stdout) : undefined;
  }

  /** Undefined: git does not accept it as a commit. */
  async #write(object: string): Promise<Sha | undefined> {
    try {
      const args = ["hash-object", "-t", "commit", "-w", "--stdin"];
      return requireSha(await this.#parts.git.text(args, { stdin: object }));
    } catch (error) {
      if (error instanceof GitExit) return undefined;
      throw error;
    }
  }
}

function timeoutOf(signal: AbortSignal, ms: number): Promise<Signed> {
  return new Promise((resolve) => {
    const why = `the server did not sign it within ${Math.ceil(ms / 1000)} s`;
    signal.addEventListener("abort", () => resolve({ why }), { once: true });
  });
}
