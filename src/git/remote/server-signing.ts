/**
 * Commits of the runner that the server makes, so that its signature is on them.
 *
 * What must hold: the commit that is handed on is whole here, and says what the runner's own says;
 * where the server does not sign in time, it is the runner's own, and that is told; no branch moves.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Ref, Sha } from "../../core/protocol/ids.ts";
import { unsignedRef } from "../../core/protocol/refs.ts";
import {
  contentOf,
  isSameContent,
  withSignature,
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
  /** Told why answers are not signed, once for each reason. */
  readonly warn: (text: string) => void;
  /** How long one commit may take. A lease is not renewed meanwhile. */
  readonly timeoutMs?: number;
  /** How long nothing is asked for after it was in vain: an answer may be of many commits. */
  readonly backoffMs?: number;
}

export interface SigningParts {
  /** git in the cache. */
  readonly git: Git;
  readonly transport: Transport;
  readonly prefix: () => RefPrefix;
  /** Commits that the remote's refs name, as far as is known. */
  readonly listedRefs: () => ReadonlyMap<Ref, Sha>;
}

/** Commits of the server that are remembered. */
const KEPT = 1000;

type Signed = { readonly id: Sha } | { readonly why: string };

export class ServerSigning {
  readonly #options: SigningOptions;
  readonly #parts: SigningParts;
  /** What was pushed for the server to know, by the commit that it was pushed for. */
  readonly #left = new Map<Sha, Update>();
  /** Commits that the server has, although no ref may name them. */
  readonly #made = new Set<Sha>();
  readonly #told = new Set<string>();
  #restsUntil = 0;

  constructor(options: SigningOptions, parts: SigningParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** The commit that the server made of one of ours; ours, where it did not. */
  async sign(commit: Sha): Promise<Sha> {
    if (performance.now() < this.#restsUntil) return commit;
    const { timeoutMs: patienceMs = SIGNING.timeoutMs, backoffMs: restMs = SIGNING.backoffMs } =
      this.#options;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), patienceMs);
    const signed = await Promise.race([this.#have(commit, late.signal), tooLate(late.signal, patienceMs)]);
    clearTimeout(timer);
    // What is still going on for it ends by itself.
    late.abort();
    if ("why" in signed) {
      this.#restsUntil = performance.now() + restMs;
      this.#tell(signed.why);
      return commit;
    }
    this.#told.clear();
    return signed.id;
  }

  /** What was pushed for commits that these updates put in their place, to be removed with it. */
  pendingDeletions(updates: readonly Update[]): Update[] {
    const all = updates.flatMap(({ next }) => (next && this.#left.get(next)) || []);
    return [...new Set(all)];
  }

  /** It went, or is left to `trailhand gc`. */
  forget(left: readonly Update[]): void {
    for (const [commit, one] of this.#left) if (left.includes(one)) this.#left.delete(commit);
  }

  #tell(why: string): void {
    if (this.#told.has(why)) return;
    this.#told.add(why);
    this.#options.warn(MESSAGES.answerUnsigned(why).what);
  }

  /** Never rejects: an answer without a signature is better than none. */
  async #have(commit: Sha, late: AbortSignal): Promise<Signed> {
    try {
      return await this.#ask(commit, late);
    } catch (error) {
      return { why: error instanceof Error ? error.message : String(error) };
    }
  }

  async #ask(commit: Sha, late: AbortSignal): Promise<Signed> {
    const { signer: notary } = this.#options;
    const asked = contentOf(await this.#parts.git.text(["cat-file", "commit", commit]));
    if (!asked) return { why: "the commit is none that can be asked for" };
    let why = (await this.#isThere(asked)) ? undefined : await this.#bring(commit, late);
    if (why !== undefined) return { why };
    let made = await notary(asked);
    if (made.kind === "unfit" && !this.#left.has(commit)) {
      why = await this.#bring(commit, late);
      if (why !== undefined) return { why };
      made = await notary(asked);
    }
    if (made.kind !== "made") return made;
    const found = await this.#take(made);
    if (!found) return { why: "the commit that the server made is not to be had" };
    if (!isSameContent(found, asked)) return { why: "the server made another commit than it was asked for" };
    this.#remember(made.id);
    const left = this.#left.get(commit);
    if (left) this.#left.set(made.id, left);
    return { id: made.id };
  }

  #remember(id: Sha): void {
    this.#made.add(id);
    const [oldest] = this.#made;
    if (this.#made.size > KEPT && oldest) this.#made.delete(oldest);
  }

  /** True when the server has all that the commit is made of: its parent, and the tree of that. */
  async #isThere({ tree, parents }: CommitContent): Promise<boolean> {
    const [parent] = parents;
    if (!parent || parents.length > 1) return false;
    const listed = () => [...this.#parts.listedRefs().values()].includes(parent);
    if (!this.#made.has(parent) && !listed()) return false;
    const own = await this.#parts.git.text(["rev-parse", "--verify", "--end-of-options", `${parent}^{tree}`]);
    return requireSha(own) === tree;
  }

  /** Pushes the commit under a ref of ours, with all that it is made of. Why it could not be. */
  async #bring(commit: Sha, late: AbortSignal): Promise<string | undefined> {
    const ref = unsignedRef(commit);
    for (let ms = SIGNING.firstPauseMs; ; ms *= 2) {
      const report = await pushUpdates(this.#parts.transport, this.#parts.prefix(), [
        { ref, expected: null, next: commit },
      ]);
      if (report.kind === "landed") {
        this.#left.set(commit, { ref, expected: commit, next: null });
        return undefined;
      }
      if (report.kind !== "doubtful") return "why" in report ? report.why : "the remote takes no such push";
      await pause(ms, undefined, { signal: late });
    }
  }

  /** Writes what the server made, bit for bit; or fetches it. Undefined: it is not to be had. */
  async #take({
    id,
    payload,
    signature,
  }: SignedCommit & { kind: "made" }): Promise<CommitContent | undefined> {
    for (const object of withSignature(payload, signature)) {
      if ((await this.#write(object)) === id) return contentOf(object);
    }
    if (!(await this.#parts.transport.fetch([id], false))) return undefined;
    const { code, stdout } = await this.#parts.git.run(["cat-file", "commit", id], { allowedCodes: [128] });
    return code === 0 ? contentOf(stdout) : undefined;
  }

  /** Undefined: git takes it for no commit. */
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

function tooLate(signal: AbortSignal, ms: number): Promise<Signed> {
  return new Promise((resolve) => {
    const why = `the server did not sign it within ${Math.ceil(ms / 1000)} s`;
    signal.addEventListener("abort", () => resolve({ why }), { once: true });
  });
}
