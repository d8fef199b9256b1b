/**
 * Moves refs through long-lived `git update-ref --stdin`.
 *
 * Invariants:
 * - One transaction at a time in each process, and git answers each step of it. A refused one ends the
 *   process, and what git said is thrown.
 * - A transaction is sent once. It is repeated only if git had ended before it read anything.
 */
import { type Git, GitExit } from "./git.ts";
import { GitSession } from "./git-session.ts";
import { SESSION } from "./timing.ts";

const STEPS = ["start", "prepare", "commit"];
const DONE = STEPS.map((step) => `${step}: ok\n`).join("");

export class RefSession {
  readonly #git: Git;
  /** A process for each reason, the one that was used last at the end: git writes one reason to reflogs. */
  readonly #sessions = new Map<string, GitSession>();

  constructor(git: Git) {
    this.#git = git;
  }

  /** Runs commands of `update-ref -z` as one transaction. Throws GitExit, or GitLimit when git hangs. */
  async commit(commands: readonly string[], reason: string): Promise<void> {
    const input = ["start", ...commands, "prepare", "commit", ""].join("\0");
    for (let isRetry = false; ; isRetry = true) {
      let output = "";
      try {
        return await this.#sessionFor(reason)
          .ask(input, (chunk) => {
            output += chunk.toString("latin1");
            // Whatever it says, it may have moved the refs: the caller reads them.
            if (!DONE.startsWith(output))
              throw new GitExit(["update-ref"], 128, `it says ${JSON.stringify(output)}`);
            return output === DONE ? null : undefined;
          })
          .then(() => undefined);
      } catch (error) {
        const isUnread = error instanceof GitExit && error.stderr === "" && output === "";
        if (isRetry || !isUnread) throw error;
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => session.close()));
  }

  #sessionFor(reason: string): GitSession {
    const args = ["update-ref", "-m", reason, "--stdin", "-z"];
    const session = this.#sessions.get(reason) ?? new GitSession(this.#git, args, SESSION.maxRefAgeMs);
    this.#sessions.delete(reason);
    this.#sessions.set(reason, session);
    const [oldest] = this.#sessions.keys();
    if (oldest !== undefined && this.#sessions.size > SESSION.maxReasons) {
      void this.#sessions.get(oldest)?.close();
      this.#sessions.delete(oldest);
    }
    return session;
  }
}
