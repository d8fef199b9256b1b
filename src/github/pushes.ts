/**
 * Who moved the branches of a repository: what signed webhooks said, and GitHub's activity log.
 *
 * What must hold: only GitHub's own words count, never a commit's; what GitHub cannot tell now is
 * none, so that nothing is proven by it; a head that it does not know yet is asked for again, but
 * not at every look.
 */
import type { Octokit } from "@octokit/rest";
import type { Branch, Sha } from "../core/text/ids.ts";
import type { Push } from "../core/permit/pushed.ts";
import type { Intent, Repo } from "./ask/intent.ts";

/** One page of the log: the moves of a line of work, and more than most ever have. */
const PAGE = 100;
const AGAIN_MS = 900;
/** Branches whose moves are kept. */
const KEPT = 1000;
const HEADS = "refs/heads/";

interface Known {
  readonly pushes: readonly Push[];
  /** When GitHub was asked; undefined: never yet. */
  readonly askedAt: number | undefined;
}

export interface PushesOptions {
  /** Milliseconds on a clock that only goes forward. */
  readonly mono: () => number;
  /** Told why GitHub did not answer. */
  readonly say: (text: string) => void;
}

export class Pushes {
  readonly #request: Octokit["request"];
  readonly #repo: Repo;
  readonly #options: PushesOptions;
  readonly #known = new Map<string, Known>();

  constructor(request: Octokit["request"], repo: Repo, options: PushesOptions) {
    this.#request = request;
    this.#repo = repo;
    this.#options = options;
  }

  /** Takes the move that a signed webhook told of, where it is about one. */
  hear(intent: Intent): void {
    if (intent.kind === "wake" && intent.branch !== undefined && intent.pushed)
      this.#saw(intent.branch, intent.pushed);
  }

  #saw(branch: string, push: Push): void {
    const { pushes = [], askedAt } = this.#known.get(branch) ?? {};
    // What it does not follow on was missed, or was our own; the log has it.
    const follows = pushes[0]?.after === push.before;
    this.#keep(branch, {
      pushes: [push, ...pushes].slice(0, PAGE),
      askedAt: follows ? askedAt : undefined,
    });
  }

  /** The moves of a branch, newest first; `head` is where it stands. */
  async of(branch: Branch, head: Sha): Promise<readonly Push[]> {
    const known = this.#known.get(branch);
    const now = this.#options.mono();
    const { askedAt } = known ?? {};
    // A webhook tells of one move, and the log of those before it.
    const isKnown = known?.pushes.some(({ after }) => after === head) && askedAt !== undefined;
    if (known && (isKnown || (askedAt !== undefined && now - askedAt < AGAIN_MS))) return known.pushes;
    try {
      const logged = await this.#read(branch);
      const seen = (known?.pushes ?? []).filter(({ after }) => !logged.some((one) => one.after === after));
      this.#keep(branch, { pushes: [...seen, ...logged], askedAt: now });
    } catch (error) {
      this.#options.say(`GitHub does not tell who pushed: ${String(error)}`);
      this.#keep(branch, { pushes: known?.pushes ?? [], askedAt: now });
    }
    return this.#known.get(branch)?.pushes ?? [];
  }

  /** GitHub documents this as "List repository activities"; newest first. */
  async #read(branch: string): Promise<Push[]> {
    const { data } = await this.#request("GET /repos/{owner}/{repo}/activity", {
      owner: this.#repo.owner,
      repo: this.#repo.name,
      ref: `${HEADS}${branch}`,
      direction: "desc",
      per_page: PAGE,
    });
    return data.flatMap(({ ref, before, after, actor }): Push[] =>
      // Nobody is left of an account that was deleted, and a filter that GitHub passes over filters nothing.
      actor && ref === `${HEADS}${branch}`
        ? [{ before, after, id: Number(actor.id), login: actor.login }]
        : [],
    );
  }

  #keep(branch: string, known: Known): void {
    this.#known.delete(branch);
    this.#known.set(branch, known);
    if (this.#known.size > KEPT) this.#known.delete(this.#known.keys().next().value ?? "");
  }
}
