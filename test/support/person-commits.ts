/** Commits by several people, created without a checkout, and keys to sign them. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDir, type Repo } from "./temp-repo.ts";

export interface Manner {
  readonly branch?: string;
  /** Signs with the private half of this key. */
  readonly key?: string;
  /** The committer date. */
  readonly date?: string;
  /** The parent commit. The default is the head of the branch. */
  readonly parent?: string;
}

const gitOf = (repo: Repo, args: readonly string[], env: Record<string, string>, input = ""): string =>
  execFileSync("git", args, {
    cwd: repo.dir,
    env: { ...process.env, ...env },
    encoding: "utf8",
    input,
  }).trim();

/** Adds an empty commit by the person with this address to a branch; returns its id. */
export function commitAs(repo: Repo, address: string, message: string, how: Manner = {}): string {
  const { branch = "topic", key, date } = how;
  const name = address.split("@")[0] ?? address;
  const env = {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: address,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: address,
    ...(date === undefined ? {} : { GIT_COMMITTER_DATE: date }),
  };
  const parent = how.parent ?? repo.git("rev-parse", branch);
  const signing = key === undefined ? [] : ["-c", "gpg.format=ssh", "-c", `user.signingkey=${key}`];
  const args = [
    "commit-tree",
    ...(key === undefined ? [] : ["-S"]),
    "-p",
    parent,
    "-F",
    "-",
    `${parent}^{tree}`,
  ];
  const commit = gitOf(repo, [...signing, ...args], env, message);
  repo.git("update-ref", `refs/heads/${branch}`, commit);
  return commit;
}

/** Commits an approval of the request `approved`; returns its id. */
export function approveAs(repo: Repo, address: string, approved: string, how: Manner = {}): string {
  return commitAs(repo, address, `trailhand: approved\n\nApproves: ${approved}\n`, how);
}

export interface Key {
  readonly file: string;
  /** The line for an address in `allowed_signers`. */
  allowed(address: string): string;
}

/** Creates an SSH key without a passphrase. */
export function makeKey(name: string): Key {
  const file = join(temporaryDir(), name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file]);
  const [type = "", text = ""] = readFileSync(`${file}.pub`, "utf8").split(" ");
  return { file, allowed: (address) => `${address} ${type} ${text}\n` };
}
