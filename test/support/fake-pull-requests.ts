/**
 * Gives the emulator's pull requests the commits of the real repository.
 *
 * Invariants:
 * - A branch without commits of its own, or with an open pull request, is refused with GitHub's message.
 * - A closed pull request keeps its head.
 */
import type { Answer } from "./fake-signer.ts";
import { git } from "./temp-repo.ts";

interface Shown {
  readonly number: number;
  readonly state: string;
  readonly head: { readonly ref: string };
}

export class Pulls {
  readonly #root: string;
  readonly #heads = new Map<number, string>();
  /** The bare repository. The default is the emulator's own commits. */
  far: string | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  /** Passes a request to the emulator, unless GitHub would refuse it. */
  async through(
    method: string,
    path: string,
    body: unknown,
    pass: (method: string, path: string, body: unknown) => Promise<Answer>,
  ): Promise<Answer> {
    if (!new RegExp(`^${this.#root}/pulls(?:\\?|$|/\\d+$)`).test(path)) return pass(method, path, body);
    if (method === "POST") {
      const problem = await this.#problem(body as { head: string; base: string }, pass);
      if (problem !== undefined) {
        const errors = [{ resource: "PullRequest", code: "custom", message: problem }];
        return { status: 422, data: { message: "Validation Failed", errors } };
      }
    }
    const { status, data } = await pass(method, path, body);
    if (status >= 300) return { status, data };
    return { status, data: Array.isArray(data) ? data.map((one) => this.#real(one)) : this.#real(data) };
  }

  async #problem(
    { head, base }: { readonly head: string; readonly base: string },
    pass: (method: string, path: string, body: unknown) => Promise<Answer>,
  ): Promise<string | undefined> {
    const { data } = await pass("GET", `${this.#root}/pulls?state=open&per_page=100`, undefined);
    if ((data as Shown[]).some((one) => one.head.ref === head))
      return `A pull request already exists for octo:${head}.`;
    if (this.far === undefined) return undefined;
    const own = git(this.far, ["rev-list", "--count", `${base}..${head}`]).trim();
    return own === "0" ? `No commits between ${base} and ${head}` : undefined;
  }

  #real(given: unknown): unknown {
    const shown = given as Shown;
    if (this.far === undefined) return given;
    const ref = `refs/heads/${shown.head.ref}`;
    const now = git(this.far, ["for-each-ref", "--format=%(objectname)", ref]).trim();
    if (now !== "" && (shown.state === "open" || !this.#heads.has(shown.number)))
      this.#heads.set(shown.number, now);
    return { ...shown, head: { ...shown.head, sha: this.#heads.get(shown.number) } };
  }
}
