/**
 * Acts like GitHub's endpoint for commits: creates the commit in the repository and signs it.
 *
 * Invariants:
 * - The commit and its signature are real; the key belongs to the test.
 * - Missing objects are refused with GitHub's message.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { git, temporaryDir } from "./temp-repo.ts";

const WHO = {
  GIT_AUTHOR_NAME: "trailhand[bot]",
  GIT_AUTHOR_EMAIL: "77+trailhand[bot]@users.noreply.github.com",
  GIT_COMMITTER_NAME: "GitHub",
  GIT_COMMITTER_EMAIL: "noreply@github.com",
};

export interface Answer {
  readonly status: number;
  readonly data: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Made {
  readonly sha: string;
  readonly verification: {
    readonly verified: boolean;
    readonly reason: string;
    readonly signature: string | null;
    readonly payload: string | null;
  };
}

interface Asked {
  readonly message: string;
  readonly tree: string;
  readonly parents?: readonly string[];
  readonly author?: unknown;
  readonly committer?: unknown;
}

export class TestSigner {
  readonly #dir: string;
  readonly #key: string;
  readonly #signers: string;
  /** Changes the request before the commit is created, and the response. */
  mishear: (asked: Asked) => Asked = (asked) => asked;
  misreport: (made: Made) => Made = (made) => made;

  /** `dir` is the bare repository. */
  constructor(dir: string) {
    this.#dir = dir;
    const folder = temporaryDir();
    this.#key = join(folder, "key");
    this.#signers = join(folder, "signers");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", this.#key]);
    writeFileSync(this.#signers, `noreply@github.com ${readFileSync(`${this.#key}.pub`, "utf8")}`);
  }

  /** The response to `POST /repos/{owner}/{repo}/git/commits`; undefined for another request. */
  readonly answer = (method: string, path: string, body: unknown): Answer | undefined =>
    method === "POST" && path.endsWith("/git/commits") ? this.#make(body as Asked) : undefined;

  /** True when git verifies this signer's signature on a commit. */
  hasSigned(commit: string): boolean {
    const signers = `gpg.ssh.allowedSignersFile=${this.#signers}`;
    try {
      git(this.#dir, ["-c", signers, "verify-commit", commit]);
      return true;
    } catch {
      return false;
    }
  }

  #make(given: Asked): Answer {
    const { message, tree, parents = [], author, committer } = this.mishear(given);
    if (!this.#has(tree, "tree")) return missing("Tree SHA does not exist");
    if (!parents.every((one) => this.#has(one, "commit"))) {
      return missing("Parent SHA does not exist or is not a commit object");
    }
    // GitHub signs only for the App or the job itself.
    const isOurs = author === undefined && committer === undefined;
    const signing = ["-c", "gpg.format=ssh", "-c", `user.signingkey=${this.#key}`];
    const above = parents.flatMap((one) => ["-p", one]);
    const how = ["commit-tree", ...(isOurs ? ["-S"] : []), ...above, "-F", "-", tree];
    const asGithub = { cwd: this.#dir, env: { ...process.env, ...WHO }, input: message };
    const sha = execFileSync("git", [...signing, ...how], asGithub)
      .toString()
      .trim();
    const { signature, payload } = takeApart(git(this.#dir, ["cat-file", "commit", sha]));
    const verified = signature !== null;
    const verification = { verified, reason: verified ? "valid" : "unsigned", signature, payload };
    return { status: 201, data: this.misreport({ sha, verification }) };
  }

  #has(id: string, type: string): boolean {
    try {
      return git(this.#dir, ["cat-file", "-t", id]).trim() === type;
    } catch {
      return false;
    }
  }
}

const missing = (message: string): Answer => ({ status: 422, data: { message } });

/** Splits a commit object into its signature and the signed payload. */
function takeApart(object: string): { signature: string | null; payload: string | null } {
  const [header = ""] = /^gpgsig [^\n]*\n(?: [^\n]*\n)*/m.exec(object) ?? [];
  if (header === "") return { signature: null, payload: null };
  const signature = header.slice("gpgsig ".length).replaceAll("\n ", "\n").replace(/\n$/, "");
  return { signature, payload: object.replace(header, "") };
}
